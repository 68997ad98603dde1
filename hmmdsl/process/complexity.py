"""How much of its past a process stores, and how much of it shows in the future.

The statistical complexity C_mu is the entropy of the causal states, the classes of pasts that predict the same future; the excess
entropy E = sum_n (h_n - h) is the mutual information between past and future, and at most C_mu (Crutchfield & Young 1989;
Crutchfield & Feldman 2003).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.ensemble import entropy_nats, follow, from_start, largest_ensemble
from hmmdsl.process.entropies import DEEPEST, LN2, EntropyRate, followed_beliefs, recurrent_weights
from hmmdsl.process.mixed_states import MixedStates
from hmmdsl.process.process import Process
from hmmdsl.process.structure import ergodic_components, is_unifilar

if TYPE_CHECKING:
    from jaxtyping import Float64

EQUAL_PROBABILITY = 1e-10
"""Probabilities this close count as equal when states are told apart by what they emit."""

SETTLED = 1e-10
"""A sum over depths, or an entropy by depth, that changes less (in nats) has settled."""

FLOOR = 1e-12
"""Differences of entropies below this (in nats) are rounding."""

SLOWEST = 0.999
"""The slowest fall of myopic entropies, by a factor each token, that is told from none."""

LARGEST_TAIL = 0.1
"""An extrapolated tail has no more than this share of the sum before it."""

LARGEST_SOLVED = 1500
"""Most beliefs for which a linear system is solved; beyond, the sum over depths is taken."""


@dataclass(frozen=True)
class Measure:
    """A quantity in bits, or None with the reason. Where `exact` there is only rounding error, else it is an estimate that
    is off by about `error_bits`."""

    bits: float | None
    exact: bool = True
    error_bits: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Complexity:
    """C_mu and E of the process in the long run, and the number of causal states (None: infinite or unknown)."""

    statistical_complexity: Measure
    excess_entropy: Measure
    causal_states: int | None


Edge = tuple[int, int, int, float]
"""Source, token, target and probability of a unifilar transition."""


def causal_partition(edges: Sequence[Edge], states: int) -> Float64[np.ndarray, " state"]:
    """The block of each state of a unifilar machine: the coarsest partition in which states of one block emit each token with one
    probability and go to one block by it (Moore 1956). Blocks are numbered by their first state."""
    following: list[list[tuple[int, int, int]]] = [[] for _ in range(states)]
    for source, token, target, probability in sorted(edges):
        following[source].append((token, round(probability / EQUAL_PROBABILITY), target))
    block = [0] * states
    count = 0
    while True:
        known: dict[tuple[object, ...], int] = {}
        block = [
            known.setdefault((block[i], *((token, p, block[j] if count else 0) for token, p, j in following[i])), len(known))
            for i in range(states)
        ]
        if len(known) == count:
            return np.array(block)
        count = len(known)


def complexity(process: Process, rate: EntropyRate, presentation: MixedStates | None = None) -> Complexity:
    """C_mu and E of the process' one ergodic component; None with a reason where there are several, or where they cannot be had.

    C_mu comes from merging the states of a unifilar presentation (the process itself, or its closed mixed states); a process with
    countably many beliefs has it as the limit of the beliefs' entropy. E is solved on the
    closed mixed states, else summed by depth.
    """
    components = ergodic_components(process)
    if len(components) > 1:
        reason = f"the process settles into one of {len(components)} ergodic components"
        return Complexity(Measure(None, reason=reason), Measure(None, reason=reason), None)
    component = components[0].process
    msp = presentation if presentation is not None and component is process else followed_beliefs(component)
    weights = recurrent_weights(msp)
    excess = _excess_by_depth(component, rate) if weights is None or len(msp) > LARGEST_SOLVED else _excess(msp, weights)
    if is_unifilar(component):
        edges = [
            (i, x, j, float(value)) for x, entries in enumerate(component.operators) for (i, j), value in entries.items() if value
        ]
        return _merged(edges, component.eta, excess)
    if weights is not None:
        kept = {int(k): n for n, k in enumerate(np.flatnonzero(weights > 0))}
        every = zip(msp.source.tolist(), msp.token.tolist(), msp.target.tolist(), msp.probability.tolist(), strict=True)
        edges = [(kept[i], x, kept[j], p) for i, x, j, p in every if i in kept and j in kept]
        return _merged(edges, weights[list(kept)], excess)
    return Complexity(_belief_entropy(component), excess, None)


def _merged(edges: Sequence[Edge], weights: Float64[np.ndarray, " state"], excess: Measure) -> Complexity:
    """C_mu of a unifilar machine from its causal states."""
    block = causal_partition(edges, len(weights))
    shares = np.bincount(block, weights=weights)
    return Complexity(Measure(abs(float(entropy_nats(shares))) / LN2), excess, len(shares))


def _excess(msp: MixedStates, weights: Float64[np.ndarray, " belief"]) -> Measure:
    """E = sum over depths of the mean of H(b) - h, from (1 - W + 1 w) g = H - h on the closed mixed states: E = g(start),
    since the stationary mean of g is zero (Riechers & Crutchfield 2018)."""
    n = len(msp)
    system = np.eye(n) + weights[None, :]
    np.subtract.at(system, (msp.source, msp.target), msp.probability)
    H = entropy_nats(msp.belief @ msp.process.emission)
    return Measure(max(0.0, float(np.linalg.solve(system, H - weights @ H)[0])) / LN2)


def _excess_by_depth(process: Process, rate: EntropyRate) -> Measure:
    """E as the sum of h_n - h, with the tail taken to be geometric."""
    terms: list[float] = []
    for ensemble in follow(process, from_start(process), largest_ensemble(process), DEEPEST):
        terms.append(ensemble.entropy_nats() - rate.value_nats)
        if terms[-1] < FLOOR:
            break
    error = len(terms) * (rate.error_bits * LN2 + FLOOR)
    tail = 0.0
    if terms[-1] >= FLOOR:
        ratio = min(SLOWEST, (terms[-1] / terms[-3]) ** 0.5) if len(terms) > 2 else SLOWEST
        tail = terms[-1] * ratio / (1 - ratio)
        if tail > LARGEST_TAIL * sum(terms):
            return Measure(None, reason=f"the myopic entropies have not settled after {len(terms)} tokens")
        error += tail
    return Measure(max(0.0, sum(terms) + tail) / LN2, error < SETTLED, error / LN2)


def _belief_entropy(process: Process) -> Measure:
    """C_mu as the limit of the entropy of the beliefs after ever longer words: finite only if few beliefs carry nearly all
    weight.

    Different beliefs are different causal states where futures tell all beliefs apart, which is checked first.
    """
    if _observable_dimensions(process) < len(process.states):
        return Measure(None, reason="infinitely many beliefs, some of which predict the same future")
    recent: list[float] = []
    for ensemble in follow(process, from_start(process), largest_ensemble(process), DEEPEST):
        recent.append(float(entropy_nats(ensemble.weight)))
        if len(recent) > 20 and max(recent[-10:]) - min(recent[-10:]) < SETTLED:
            return Measure(recent[-1] / LN2, exact=False, error_bits=10 * SETTLED / LN2)
    return Measure(None, reason="infinitely many causal states, whose entropy grows with the length of the words")


def _observable_dimensions(process: Process) -> int:
    """Rank of the span of all T_w r: how many numbers of a belief bear on the future."""
    basis = process.r[:, None] / np.linalg.norm(process.r)
    while True:
        candidates = np.concatenate([basis, *(T @ basis for T in process.T)], axis=1)
        vectors, size, _ = np.linalg.svd(candidates, full_matrices=False)
        grown = vectors[:, size > 1e-10 * size[0]]
        if grown.shape[1] == basis.shape[1]:
            return int(grown.shape[1])
        basis = grown
