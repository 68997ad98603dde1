"""How far a result over drawn words may be from the result over all words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.analysis.probe.scores import CONSTANT

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
