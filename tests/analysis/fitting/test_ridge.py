"""Ridge fits against scikit-learn's, and the choice of the penalty inside the folds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hmmdsl.analysis.fitting.factors import fold_factors
from hmmdsl.analysis.fitting.folds import assign_folds
from hmmdsl.analysis.fitting.moments import Moments, of_factor, total
from hmmdsl.analysis.fitting.ridge import PENALTIES, choose_penalties, choose_penalty, ridge_path


def _problem(rows: int, width: int, seed: int, folds: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, width)) * random.exponential(size=width) + random.normal(size=width)
    Y = X @ random.normal(size=(width, 2)) * 0.3 + random.normal(size=(rows, 2))
    return X, Y, random.exponential(size=rows), assign_folds(np.arange(rows), np.ones(rows, dtype=np.int64), folds, random)


def _moments(X: np.ndarray, Y: np.ndarray, w: np.ndarray, fold: np.ndarray) -> list[Moments]:
    return [of_factor(factor) for factor in fold_factors([X], Y, w, fold)]


@settings(max_examples=20, deadline=None)
@given(rows=st.sampled_from([30, 400]), width=st.sampled_from([2, 20, 50]), seed=st.integers(0, 1000), power=st.integers(-8, 2))
def test_predictions_are_those_of_scikit_learn(rows: int, width: int, seed: int, power: int) -> None:
    X, Y, w, fold = _problem(rows, width, seed)
    X[:, 0] = 2.5  # a constant feature gets no coefficient
    scaler = StandardScaler().fit(X, sample_weight=w)
    reference = Ridge(alpha=10.0**power * w.sum()).fit(scaler.transform(X), Y, sample_weight=w)
    affine = ridge_path(total(_moments(X, Y, w, fold))).map_each(np.full(2, 10.0**power))
    assert affine[0] + X @ affine[1:] == pytest.approx(reference.predict(scaler.transform(X)), abs=1e-6)


def test_without_intercept_features_are_scaled_only() -> None:
    X, Y, w, fold = _problem(200, 5, 0)
    scale = np.sqrt(w @ X**2 / w.sum())
    reference = Ridge(alpha=0.1 * w.sum(), fit_intercept=False).fit(X / scale, Y, sample_weight=w)
    affine = ridge_path(total(_moments(X, Y, w, fold)), intercept=False).map_each(np.full(2, 0.1))
    assert not affine[0].any()
    assert X @ affine[1:] == pytest.approx(reference.predict(X / scale), abs=1e-9)


def test_errors_from_moments_are_the_errors() -> None:
    X, Y, w, fold = _problem(300, 6, 1)
    moments = _moments(X, Y, w, fold)
    affine = ridge_path(total(moments[1:])).map_each(np.array([0.1, 1.0]))
    rows = fold == 0
    expected = w[rows] @ (Y[rows] - affine[0] - X[rows] @ affine[1:]) ** 2
    assert moments[0].errors(affine) == pytest.approx(expected, rel=1e-10)


def test_penalties_are_those_that_predict_the_other_folds_best() -> None:
    """Against a search in the usual way: for each outer fold, cross-validation over the others."""
    X, Y, _, fold = _problem(200, 60, 2)
    w = np.ones(200)
    chosen = choose_penalties(_moments(X, Y, w, fold), np.zeros(2, dtype=np.int64))
    assert (chosen[:, 0] == chosen[:, 1]).all()
    for k in range(4):
        rows = fold != k
        alphas = {"ridge__alpha": [penalty * 100 for penalty in PENALTIES]}  # 100 histories in an inner training set
        search = GridSearchCV(
            make_pipeline(StandardScaler(), Ridge()), alphas, scoring="neg_mean_squared_error", cv=PredefinedSplit(fold[rows])
        ).fit(X[rows], Y[rows])
        assert chosen[k, 0] * 100 == pytest.approx(search.best_params_["ridge__alpha"])


def test_the_penalties_of_one_fold_alone_are_the_same() -> None:
    X, Y, w, fold = _problem(200, 60, 5)
    moments, groups = _moments(X, Y, w, fold), np.arange(2)
    for k, chosen in enumerate(choose_penalties(moments, groups)):
        assert choose_penalty(moments, k, groups).tolist() == chosen.tolist()


def test_targets_have_penalties_of_their_own() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 40))
    Y = np.stack([X[:, 0] + 0.01 * random.normal(size=300), random.normal(size=300)], axis=1)
    chosen = choose_penalties(
        _moments(X, Y, np.ones(300), assign_folds(np.arange(300), np.ones(300, dtype=np.int64), 5, random)), np.array([0, 1])
    )
    assert (chosen[:, 0] < 0.1).all()
    assert (chosen[:, 1] > 1).all()
