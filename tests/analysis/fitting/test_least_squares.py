"""Fits from triangular factors against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from hmmdsl.analysis.fitting.factors import fold_factors, leave_one_out, union
from hmmdsl.analysis.fitting.folds import assign_folds
from hmmdsl.analysis.fitting.least_squares import decompose, full_rank, least_squares


def _problem(rows: int, width: int, seed: int, dependent: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, width)) + random.normal(size=width)
    if dependent:
        X[:, -1] = X[:, 0] - 2 * X[:, 1]
        X[:, 2] = 3.0
    Y = X[:, :2] @ random.normal(size=(2, 3)) + random.normal(size=(rows, 3))
    return X, Y, random.exponential(size=rows) / rows


@settings(max_examples=30, deadline=None)
@given(
    rows=st.sampled_from([5, 40, 300, 3000]),
    width=st.sampled_from([3, 12, 60]),
    seed=st.integers(0, 1000),
    dependent=st.booleans(),
    intercept=st.booleans(),
    folds=st.sampled_from([1, 4]),
)
def test_predictions_are_those_of_scikit_learn(
    rows: int, width: int, seed: int, dependent: bool, intercept: bool, folds: int
) -> None:
    X, Y, w = _problem(rows, width, seed, dependent)
    fold = assign_folds(np.arange(rows), np.ones(rows, dtype=np.int64), folds, np.random.default_rng(seed))
    fit = least_squares(union(fold_factors([X[:, :2], X[:, 2:]], Y, w, fold)), intercept)
    reference = LinearRegression(fit_intercept=intercept).fit(X, Y, sample_weight=w)
    assert fit([X]) == pytest.approx(reference.predict(X), abs=1e-6)
    assert fit.rank == reference.rank_


def test_points_and_folds_left_out_are_columns_and_rows_left_out() -> None:
    X, Y, w = _problem(400, 10, 0, dependent=False)
    fold = assign_folds(np.arange(400), np.ones(400, dtype=np.int64), 5, np.random.default_rng(0))
    factors = fold_factors([X], Y, w, fold)
    columns = np.array([1, 4, 5])
    fit = least_squares(union(factors[1:]).select(columns, slice(1, 2)))
    rows = fold != 0
    reference = LinearRegression().fit(X[rows][:, columns], Y[rows, 1:2], sample_weight=w[rows])
    assert fit.slope == pytest.approx(reference.coef_.T, abs=1e-9)
    assert fit.offset == pytest.approx(reference.intercept_, abs=1e-9)


@pytest.mark.parametrize("folds", [2, 3, 7])
@pytest.mark.parametrize("dependent", [False, True])
def test_leaving_out_each_fold_is_fitting_the_others(folds: int, dependent: bool) -> None:
    X, Y, w = _problem(200, 6, 1, dependent)
    fold = assign_folds(np.arange(200), np.ones(200, dtype=np.int64), folds, np.random.default_rng(0))
    left_out = list(leave_one_out(fold_factors([X], Y, w, fold)))
    assert len(left_out) == folds
    for k, factor in enumerate(left_out):
        reference = LinearRegression().fit(X[fold != k], Y[fold != k], sample_weight=w[fold != k])
        assert least_squares(factor)([X]) == pytest.approx(reference.predict(X), abs=1e-9)


@pytest.mark.parametrize("smallest", [1e-1, 1e-3, 1e-5, 3e-6, 1e-6, 1e-7, 0.0])
def test_a_rank_that_is_taken_for_granted_is_that_of_the_singular_values(smallest: float) -> None:
    random = np.random.default_rng(0)
    U, V = (np.linalg.qr(random.normal(size=(n, 8)))[0] for n in (300, 8))
    X = U * np.geomspace(1, max(smallest, 1e-300), 8) @ V.T if smallest else U[:, :7] @ V[:, :7].T
    X -= X.mean(axis=0)
    (factor,) = fold_factors([X], random.normal(size=(300, 2)), np.ones(300), np.zeros(300, dtype=np.int64))
    rank = len(decompose(factor).singular)
    assert rank == 8 or not full_rank(factor.R[1:9, 1:9])
    assert least_squares(factor).rank == rank


def test_precision_is_that_of_the_features_not_of_their_squares() -> None:
    """Two features that differ by 1e-5 of themselves: in the Gram matrix their difference is 1e-10."""
    random = np.random.default_rng(0)
    X = random.normal(size=(500, 2))
    X[:, 1] = X[:, 0] + 1e-5 * X[:, 1]
    Y = (X[:, 1:] - X[:, :1]) * 1e5
    fit = least_squares(union(fold_factors([X], Y, np.full(500, 1 / 500), np.zeros(500, dtype=np.int64))))
    assert fit.rank == 2
    assert fit([X]) == pytest.approx(Y, abs=1e-9)


def test_rounding_of_float32_is_no_feature() -> None:
    random = np.random.default_rng(0)
    X = (random.normal(size=(500, 3)) @ random.normal(size=(3, 20))).astype(np.float32)
    factors = fold_factors([X], np.ones((500, 1)), np.full(500, 1 / 500), np.zeros(500, dtype=np.int64))
    assert least_squares(union(factors)).rank == 3


def test_where_divide_and_conquer_does_not_converge_the_fit_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it may not where there are fewer histories than features: most of the triangle is rounding then."""
    X, Y, w = _problem(40, 60, 0, True)
    (factor,) = fold_factors([X], Y, w, np.zeros(40, dtype=np.int64))
    expected = least_squares(factor)([X])

    def fails(*_: object, **__: object) -> None:
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr(np.linalg, "svd", fails)
    np.testing.assert_allclose(least_squares(factor)([X]), expected, atol=1e-8)
