"""All beliefs at one depth with their probabilities, equal ones merged: what entropies by depth are averages over.

Merging makes processes with few distinct beliefs cheap to any depth; where all words lead to different beliefs an ensemble is a
level of the history tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hmmdsl.process.effort import is_sparse
from hmmdsl.process.process import Process

if TYPE_CHECKING:
    from jaxtyping import Float64

Updates: TypeAlias = "Float64[np.ndarray, 'state next'] | Any"
"""Operators side by side: an array, or a sparse one of scipy."""

MERGED = 2.0**-42
"""Beliefs whose two generic projections agree this closely are merged (well below every tolerance on entropies)."""

SMALLEST_WEIGHT = 1e-18
"""Words below this are dropped; what was dropped is kept count of."""

SMALLEST_TOKEN = 1e-12
"""Tokens of a generalized HMM that are less probable are taken not to occur: negative entries leave rounding errors where a
probability is zero."""

LARGEST_ENSEMBLE = 60_000
"""Most beliefs of one depth, whatever their size."""

LARGEST_WORK = 500_000_000
"""Most multiplications that a step from one depth to the next may take (about half a second)."""

LARGEST_BELIEFS = 20_000_000
"""Most numbers in the beliefs of one depth, where operators are sparse and multiplications few."""

FINEST_GRID = 2.0**16
"""Cells along an edge of the simplex that coarse merging begins with."""

MULTIPLIER = 6364136223846793005
"""Of the hash that numbers the cells (Knuth's linear congruential generator)."""


@dataclass(frozen=True)
class Ensemble:
    """Beliefs after words of one length, with their probabilities; `lost` is the probability of the words that were dropped."""

    belief: Float64[np.ndarray, "belief state"]
    weight: Float64[np.ndarray, " belief"]
    next_token: Float64[np.ndarray, "belief token"]
    lost: float

    def entropy_nats(self) -> float:
        """The expected entropy of the next token, in nats."""
        return float(self.weight @ entropy_nats(self.next_token))


def largest_ensemble(process: Process) -> int:
    """How many beliefs of one depth can be had in good time: fewer for processes with many states."""
    S = len(process.states)
    if is_sparse(process):
        return max(1, min(LARGEST_ENSEMBLE, LARGEST_BELIEFS // S))
    return max(1, min(LARGEST_ENSEMBLE, LARGEST_WORK // S**2))


def entropy_nats(distribution: Float64[np.ndarray, "*rows token"]) -> Float64[np.ndarray, "*rows"]:
    """Shannon entropy along the last axis, in nats; 0 log 0 = 0."""
    logarithm = np.log(np.where(distribution > 0, distribution, 1.0))
    return np.asarray(-np.einsum("...x,...x->...", distribution, logarithm))


def from_start(process: Process) -> Ensemble:
    """The empty word: one belief, the start."""
    return Ensemble(process.eta[None, :], np.ones(1), (process.eta @ process.emission)[None, :], 0.0)


def from_known_state(process: Process) -> Ensemble:
    """An observer who was told the first state: certain beliefs, weighted by the start. Its entropies are lower bounds
    (Cover & Thomas 2006, Theorem 4.5.1)."""
    states = np.flatnonzero(process.eta > 0)
    return Ensemble(np.eye(len(process.states))[states], process.eta[states], process.emission[states], 0.0)


def follow(process: Process, ensemble: Ensemble, largest: int, depth: int) -> Iterator[Ensemble]:
    """The ensemble and those after 1, 2, …, `depth` further tokens, until one might have more than `largest` beliefs."""
    V, S = len(process.tokens), len(process.states)
    step: Updates | None = None
    emission = process.emission
    index = np.arange(S)
    directions = np.stack([np.cos(1.0 + index**2), np.cos(2.0 + np.sqrt(2.0) * index**2)], axis=1) / MERGED
    yield ensemble
    for _ in range(depth):
        if len(ensemble.weight) * V > largest:
            return
        step = _updates(process) if step is None else step
        belief, weight, lost = _updated(process, step, ensemble)
        minor, major = np.rint(belief @ directions).astype(np.int64).T
        order = np.lexsort((minor, major))
        minor, major = minor[order], major[order]
        fresh = np.ones(len(order), dtype=bool)
        fresh[1:] = (minor[1:] != minor[:-1]) | (major[1:] != major[:-1])
        if not fresh.all():
            first = np.flatnonzero(fresh)
            weight = np.add.reduceat(weight[order], first)
            belief = belief.take(order[first], axis=0)  # four times as fast as an index
        ensemble = Ensemble(belief, weight, belief @ emission, lost)
        yield ensemble


def _updates(process: Process) -> Updates:
    """The operators side by side: a belief times this is `eta T[x]` for every token, one after another."""
    V, S = len(process.tokens), len(process.states)
    if is_sparse(process):
        from scipy.sparse import csr_array

        every = [(i, x * S + j, float(value)) for x, entries in enumerate(process.operators) for (i, j), value in entries.items()]
        rows, columns, values = zip(*every, strict=True)
        return csr_array((values, (rows, columns)), shape=(S, V * S))
    return process.T.transpose(1, 0, 2).reshape(S, V * S)


def _updated(
    process: Process, updates: Updates, ensemble: Ensemble
) -> tuple[Float64[np.ndarray, "belief state"], Float64[np.ndarray, " belief"], float]:
    """Beliefs and weights after one further token, and the probability that is lost so far; equal beliefs are not merged yet."""
    smallest = SMALLEST_TOKEN if process.generalized else 0.0
    mass = ensemble.next_token.ravel()
    weight = (ensemble.weight[:, None] * ensemble.next_token).ravel()
    keep = np.flatnonzero((weight > SMALLEST_WEIGHT) & (mass > smallest))
    lost = ensemble.lost + max(0.0, float(weight.sum() - weight[keep].sum()))
    belief = (ensemble.belief @ updates).reshape(-1, len(process.states))
    if len(keep) == len(weight):  # most often all: what takes the time is moving them
        belief /= mass[:, None]
        return belief, weight, lost
    return belief.take(keep, axis=0) / mass[keep, None], weight[keep], lost


@dataclass(frozen=True)
class Merged:
    """An ensemble of which beliefs in one cell of a grid, `cells` along an edge of the simplex, were merged into their mean;
    `apart` and `weight` are those before."""

    ensemble: Ensemble
    cells: float
    apart: Float64[np.ndarray, "belief state"]
    weight: Float64[np.ndarray, " belief"]


def merging(process: Process, ensemble: Ensemble, largest: int, depth: int, cells: float = FINEST_GRID) -> Iterator[Merged]:
    """The ensembles after 1, 2, …, `depth` further tokens, kept below `largest` beliefs by merging those of one cell of a grid
    into their mean.

    The entropy of the n-th token given those before is concave in the first belief, since the joint distribution of the tokens is
    linear in it. So merging into means never lowers later entropies: they stay upper bounds of the exact ensemble's. The error of
    such means goes with the square of the cells' size; the grid gets as coarse as `largest` demands.
    """
    S = len(process.states)
    step, emission = _updates(process), process.emission
    mixing = np.array([pow(MULTIPLIER, i, 2**63) for i in range(S)], dtype=np.int64)
    for _ in range(depth):
        belief, weight, lost = _updated(process, step, ensemble)
        while True:
            # Cells are told apart by a hash, which may wrap and collide: a merge too many is still an upper bound.
            _, cell, count = np.unique(np.rint(belief * cells).astype(np.int64) @ mixing, return_inverse=True, return_counts=True)
            if len(count) <= largest:
                break
            cells *= 0.8
        merged = np.bincount(cell, weight)
        means = np.stack([np.bincount(cell, weight * belief[:, i]) for i in range(S)], axis=1) / merged[:, None]
        ensemble = Ensemble(means, merged, means @ emission, lost)
        yield Merged(ensemble, cells, belief, weight)


def settle(process: Process, ensemble: Ensemble, largest: int, depth: int, cells: float = FINEST_GRID) -> tuple[Ensemble, float]:
    """The last of these ensembles, and the grid that it came to."""
    *_, last = merging(process, ensemble, largest, depth, cells)
    return last.ensemble, last.cells
