"""Standard errors from drawn words, against the spread over many draws."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hmmdsl.analysis.fitting.sampling_error import mean_error, r2_error
from hmmdsl.process.history_tree import HistoryTree, build_history_tree, history_weights, sample_history_tree
from hmmdsl.process.process import Process

GOLDEN = Process(
    "golden_mean",
    ("0", "1"),
    ("A", "B"),
    ({(0, 0): Fraction(1, 3), (1, 0): Fraction(1)}, {(0, 1): Fraction(2, 3)}),
    (Fraction(3, 5), Fraction(2, 5)),
)


def _values(tree: HistoryTree) -> np.ndarray:
    return tree.token + 0.1 * tree.length**2 * tree.belief[:, 0]


def test_the_error_of_a_mean_is_its_spread_over_draws() -> None:
    trees = [sample_history_tree(GOLDEN, 5, 400, seed) for seed in range(300)]
    means = [history_weights(tree) @ _values(tree) for tree in trees]
    errors = [mean_error(tree, _values(tree)) for tree in trees]
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.15)


def test_the_error_of_r2_is_its_spread_over_draws() -> None:
    found, errors = [], []
    for seed in range(300):
        tree = sample_history_tree(GOLDEN, 5, 400, seed)
        w, true = history_weights(tree), tree.belief
        predicted = 0.8 * true + 0.02 * tree.length[:, None]
        found.append(1 - (w @ (true - predicted) ** 2).sum() / (w @ (true - w @ true) ** 2).sum())
        errors.append(r2_error(tree, true, predicted))
    assert np.mean([error for error in errors if error is not None]) == pytest.approx(np.std(found), rel=0.15)


def test_an_exact_tree_has_no_error() -> None:
    tree = build_history_tree(GOLDEN, 4)
    assert mean_error(tree, _values(tree)) == 0
    assert r2_error(tree, tree.belief, 0.5 * tree.belief) == 0
