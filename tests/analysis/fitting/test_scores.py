"""Scores against scikit-learn's, and where they are undefined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_squared_error, r2_score

from hmmdsl.analysis.fitting.scores import score, score_by_position, spread


@given(st.integers(2, 60), st.integers(1, 5), st.integers(0, 10_000), st.booleans())
def test_scores_are_those_of_scikit_learn(rows: int, width: int, seed: int, constant: bool) -> None:
    random = np.random.default_rng(seed)
    true = random.normal(size=(rows, width))
    predicted, w = true + random.normal(size=(rows, width)), random.exponential(size=rows)
    if constant and width > 1:
        true[:, 0] = 0.1  # a coordinate that does not vary has no part in R²
    found = score(true, predicted, w)
    varies = true[:, 1:] if constant and width > 1 else true
    guessed = predicted[:, 1:] if constant and width > 1 else predicted
    assert found.r2 == pytest.approx(r2_score(varies, guessed, sample_weight=w, multioutput="variance_weighted"), abs=1e-9)
    assert found.mse == pytest.approx(mean_squared_error(true, predicted, sample_weight=w))


def test_a_constant_target_has_no_r2() -> None:
    true = np.full((7, 3), 1 / 3)
    assert score(true, true, np.full(7, 1 / 7)).r2 is None
    assert score(true, true, np.full(7, 1 / 7)).mse == 0


def test_positions_are_scored_by_themselves() -> None:
    true = np.array([[0.0], [1.0], [5.0], [7.0]])
    predicted = np.array([[0.0], [1.0], [6.0], [6.0]])
    assert [one.r2 for one in score_by_position(true, predicted, np.full(4, 0.25), (0, 2, 4))] == [1.0, 0.0]


def test_a_spread_leaves_out_what_is_undefined() -> None:
    assert spread([1.0, None, 3.0]).results() == {"mean": 2.0, "sd": 1.0, "min": 1.0, "max": 3.0}
    assert spread([None]).mean is None
