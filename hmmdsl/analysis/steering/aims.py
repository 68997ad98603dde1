"""The beliefs that histories are steered to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64, Int64

    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.process.process import Process

Towards = Literal["counterfactual", "history", "uniform"]


@dataclass(frozen=True)
class Aim:
    """A belief for each history and the next-token distribution that is optimal for it. Where there is none, `defined` is false
    and the belief is the history's own."""

    belief: Float64[np.ndarray, "history state"]
    next_token: Float64[np.ndarray, "history token"]
    defined: Bool[np.ndarray, " history"]


def aim(towards: Towards, process: Process, tree: HistoryTree, random: np.random.Generator) -> Aim:
    """counterfactual  the belief if the last token had been another one, drawn evenly among those that can stand there
    history         the belief after another history of the same length, drawn by probability
    uniform         a point of the simplex of hidden states, drawn evenly (the flat Dirichlet distribution)
    """
    if towards == "uniform":
        belief = random.dirichlet(np.ones(len(process.states)), len(tree))
        return Aim(belief, belief @ _emission(process), np.ones(len(tree), dtype=bool))
    other = _siblings(tree, random) if towards == "counterfactual" else _same_length(tree, random)
    return Aim(tree.belief[other], tree.next_token[other], other != np.arange(len(tree)))


def mean_aim(tree: HistoryTree, weights: Float64[np.ndarray, " history"], process: Process) -> Aim:
    """The mean belief, for all histories: what is left when the history's own is ablated."""
    belief = np.repeat((weights @ tree.belief)[None], len(tree), axis=0)
    return Aim(belief, belief @ _emission(process), np.ones(len(tree), dtype=bool))


def _emission(process: Process) -> Float64[np.ndarray, "state token"]:
    """Pr(next token | state), of a product without its joint matrices."""
    return reduce(np.kron, [factor.emission for factor in process.factors])


def _siblings(tree: HistoryTree, random: np.random.Generator) -> Int64[np.ndarray, " history"]:
    """For each history one that differs from it in the last token alone; itself where there is none. Siblings stand together."""
    first = np.concatenate([[True], tree.parent[1:] != tree.parent[:-1]])
    first[np.array(tree.levels[:-1])] = True  # without bos, all histories of length 1 have the parent -1
    family = np.cumsum(first) - 1
    starts = np.flatnonzero(first)
    size = np.diff(np.append(starts, len(tree)))[family]
    place = np.arange(len(tree)) - starts[family]
    shift = 1 + np.floor(random.random(len(tree)) * np.maximum(size - 1, 0)).astype(np.int64)
    return np.asarray(np.where(size > 1, starts[family] + (place + shift) % size, np.arange(len(tree))))


def _same_length(tree: HistoryTree, random: np.random.Generator) -> Int64[np.ndarray, " history"]:
    """For each history another of its length, drawn by probability; itself where there is none."""
    other = np.arange(len(tree))
    for start, end in pairwise(tree.levels):
        share = tree.probability[start:end]
        if end - start < 2:
            continue
        above = np.cumsum(share)
        below = above - share
        # A number below the total without the history's own share; what lies beyond its own place skips that share.
        drawn = random.random(end - start) * (above[-1] - share)
        drawn = np.where(drawn >= below, drawn + share, drawn)
        found = np.searchsorted(above, drawn, side="right").clip(0, end - start - 1)
        own = found == np.arange(end - start)  # rounding only
        other[start:end] = start + np.where(own, (found + 1) % (end - start), found)
    return other
