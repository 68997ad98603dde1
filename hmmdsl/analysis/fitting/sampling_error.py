"""How far a result over drawn words may be from the result over all words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.analysis.fitting.scores import CONSTANT

if TYPE_CHECKING:
    from jaxtyping import Float64

    from hmmdsl.process.history_tree import HistoryTree


def mean_error(tree: HistoryTree, values: Float64[np.ndarray, " history"]) -> float:
    """Standard error of the mean of `values` over positions and drawn words; 0 on an exact tree.

    The words are independent, their positions are not: the values along each word are summed first, and the spread is that of
    the sums over words.
    """
    if tree.words is None:
        return 0.0
    along = np.array(values, dtype=np.float64)
    for start, end in zip(tree.levels[1:], tree.levels[2:], strict=False):
        along[start:end] += along[tree.parent[start:end]]
    words = slice(tree.levels[-2], tree.levels[-1])
    share, mean = tree.probability[words] / tree.probability[words].sum(), along[words] / tree.positions
    return float(np.sqrt(share @ (mean - share @ mean) ** 2 / tree.words))


GROUPS = 20
"""Groups of drawn words of which each in turn is left out."""


def group_shares(
    tree: HistoryTree, random: np.random.Generator, groups: int = GROUPS
) -> Iterator[Float64[np.ndarray, " history"]]:
    """The share of each history's probability that words of one group have, group by group; at each history they sum to 1. Words
    are dealt to groups at random. Nothing on an exact tree."""
    if tree.words is None:
        return
    leaves = slice(tree.levels[-2], tree.levels[-1])
    drawn = np.rint(tree.probability[leaves] / tree.probability[leaves].sum() * tree.words).astype(np.int64)
    group = random.permutation(np.arange(drawn.sum()) % min(groups, int(drawn.sum())))
    leaf = np.repeat(np.arange(len(drawn)), drawn)
    for k in range(int(group.max()) + 1):
        counted = np.zeros(len(tree))
        counted[leaves] = np.bincount(leaf[group == k], minlength=len(drawn)) / np.maximum(drawn, 1)
        counted *= tree.probability
        for start, end in reversed(list(zip(tree.levels[1:-1], tree.levels[2:], strict=True))):
            np.add.at(counted, tree.parent[start:end], counted[start:end])
        yield np.divide(counted, tree.probability, out=np.zeros(len(tree)), where=tree.probability > 0)


def jackknife(without: Sequence[float | None]) -> float | None:
    """Standard error of a statistic from its values with each of g groups left out (Efron & Tibshirani 1993, §11.5):
    `sqrt((g - 1) / g sum (value - mean)^2)`. 0 where there is no group, None where a value is undefined."""
    if not without:
        return 0.0
    values = [value for value in without if value is not None]
    if len(values) < len(without) or len(values) < 2:
        return None
    found = np.array(values)
    return float(np.sqrt((len(found) - 1) / len(found) * ((found - found.mean()) ** 2).sum()))


def r2_error(
    tree: HistoryTree,
    true: Float64[np.ndarray, "history target"],
    predicted: Float64[np.ndarray, "history target"],
    state: bool = False,
) -> float | None:
    """Standard error of R² where histories count by their probability, by the delta method: R² = 1 - A / B, with A the mean
    squared error and B the variance. The map counts as given. With `state`, `true` are beliefs and R² is that of the hidden
    state, whose errors and squares are expectations given the history. None where the target is constant."""
    weight = tree.probability / tree.positions
    errors = ((true - predicted) ** 2).sum(axis=1)
    squares = ((true - weight @ true) ** 2).sum(axis=1)
    if state:
        unknown = 1 - (true**2).sum(axis=1)
        errors, squares = errors + unknown, squares + unknown
    variance = float(weight @ squares)
    if variance <= (CONSTANT * float(np.abs(true).max())) ** 2:
        return None
    return mean_error(tree, errors - float(weight @ errors) / variance * squares) / variance
