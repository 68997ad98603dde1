"""Principal components of activations, against numpy and scikit-learn, and the theory's dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from hmmdsl.analysis.fitting.factors import fold_factors
from hmmdsl.analysis.pca.compute import Spectrum, held_out_cumulative, spectrum
from hmmdsl.analysis.pca.record import Pca
from hmmdsl.process.algebra.product import product
from hmmdsl.process.history_tree import history_weights
from hmmdsl.process.process import Process
from tests.analysis.invented import InventedRun, inputs_of, invented_run, mess3, rrxor, surroundings
from tests.analysis.shapes import assert_shape

COIN = Process("coin", ("h", "t"), ("S",), ({(0, 0): Fraction(1, 2)}, {(0, 0): Fraction(1, 2)}), (Fraction(1),))


def _pca(**options: Any) -> Pca:
    return Pca.model_validate({"of": "fit", **options})


def _results(analysis: Pca, run: InventedRun) -> dict[str, Any]:
    return analysis.compute(inputs_of("dims", run)).results


@pytest.mark.parametrize("at", ["concat", ["embedding", "blocks"], {"kind": "block", "index": 1}])
@pytest.mark.parametrize("controls", [[], ["untrained", {"kind": "held_out", "folds": 3}]])
@pytest.mark.parametrize("process", [rrxor(), COIN, product({"a": rrxor(), "b": COIN})], ids=lambda process: process.name)
def test_results_have_the_announced_shape(at: Any, controls: list[Any], process: Process) -> None:
    run = invented_run(process, context=4, bos=True)
    analysis = _pca(at=at, controls=controls, by_position=True, components=5, weights="words")
    assert not [problem for problem in analysis.problems(surroundings(run)) if problem.code.startswith("E")]
    assert_shape(_results(analysis, run), analysis.results(surroundings(run)))


def test_variances_are_scikit_learns() -> None:
    run = invented_run(mess3(), context=4)
    results = _results(_pca(at=["final_norm", "concat"], weights="uniform"), run)
    activations = run.activations()
    for name, features in (
        ("final_norm", activations["final_norm"]),
        ("concat", np.concatenate(list(activations.values()), axis=1)),
    ):
        reference = PCA(svd_solver="full").fit(features.astype(np.float64))
        shown = len(results[name]["explained"])
        assert results[name]["explained"] == pytest.approx(reference.explained_variance_ratio_[:shown], abs=1e-6)
        assert results[name]["cumulative"] == pytest.approx(np.cumsum(reference.explained_variance_ratio_)[:shown], abs=1e-6)
        assert results[name]["variance"] == pytest.approx(features.astype(np.float64).var(axis=0).sum(), rel=1e-6)
        spread = reference.explained_variance_
        assert results[name]["participation_ratio"] == pytest.approx(spread.sum() ** 2 / (spread**2).sum(), abs=1e-6)


@pytest.mark.parametrize("weights", ["probability", "words"])
def test_weighted_variances_are_numpys(weights: Any) -> None:
    run = invented_run(context=5)
    results = _results(_pca(at="final_norm", weights=weights, thresholds=[0.5, 0.9, 1]), run)
    values = np.linalg.eigvalsh(
        np.cov(run.activations()["final_norm"].T.astype(np.float64), aweights=history_weights(run.tree, weights), ddof=0)
    )[::-1]
    share = np.cumsum(values) / values.sum()
    assert results["cumulative"] == pytest.approx(share, abs=1e-6)
    assert results["dimensions"][:2] == [int((share < 0.5).sum()) + 1, int((share < 0.9).sum()) + 1]


def test_each_position_is_measured_by_itself() -> None:
    run = invented_run(context=4)
    results = _results(_pca(at="final_norm", by_position=True), run)
    activations = run.activations()["final_norm"].astype(np.float64)
    for k, found in enumerate(results["position"]):
        a, b = run.tree.levels[k : k + 2]
        values = np.linalg.eigvalsh(np.cov(activations[a:b].T, aweights=run.tree.probability[a:b], ddof=0))
        assert found["participation_ratio"] == pytest.approx(values.sum() ** 2 / (values**2).sum(), rel=1e-5)


def test_components_of_other_histories_explain_what_scikit_learn_says() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 5)) @ random.normal(size=(5, 5))
    fold = np.arange(60) % 3
    explained, total = np.zeros(5), 0.0
    for k in range(3):
        reference = PCA(svd_solver="full").fit(x[fold != k])
        explained += (reference.transform(x[fold == k]) ** 2).sum(axis=0)
        total += float(((x[fold == k] - reference.mean_) ** 2).sum())
    found = held_out_cumulative(fold_factors([x], np.empty((60, 0)), np.full(60, 1 / 60), fold))
    assert found == pytest.approx(np.cumsum(explained) / total, abs=1e-9)


@given(st.integers(1, 6), st.integers(0, 1000))
def test_points_in_a_plane_of_some_dimension_have_that_dimension(dimension: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.normal(size=(40, dimension)) @ random.normal(size=(dimension, 8)) + random.normal(size=8)
    (factor,) = fold_factors([x], np.empty((40, 0)), np.full(40, 1 / 40), np.zeros(40, dtype=np.int64))
    found = spectrum(factor)
    assert found.dimensions([1 - 1e-9]) == [dimension]
    assert found.participation_ratio is not None
    assert 1 - 1e-9 <= found.participation_ratio <= dimension + 1e-9


def test_equal_variances_have_their_number_as_participation_ratio() -> None:
    assert Spectrum(np.full(4, 0.25), 1.0).participation_ratio == pytest.approx(4)


@dataclass(frozen=True)
class Constant(InventedRun):
    """Each point holds one vector, whatever the history."""

    def activations(self, step: Any = None, tree: Any = None) -> dict[str, np.ndarray]:
        return {name: np.full((len(tree), width), 0.3, dtype=np.float32) for name, width in self.model.points().items()}


def test_constant_activations_have_no_dimensions() -> None:
    run = Constant(**vars(invented_run(context=3)))
    analysis = _pca(controls=["untrained", "held_out"], by_position=True)
    results = _results(analysis, run)
    assert_shape(results, analysis.results(surroundings(run)))
    assert results["final_norm"]["participation_ratio"] is None
    assert results["final_norm"]["dimensions"] == [None, None, None]
    assert set(results["final_norm"]["held_out"]["captured"].values()) == {None}


def test_theory_counts_beliefs_predictive_states_and_factors() -> None:
    whole = product({"left": mess3(), "right": product({"a": rrxor(), "b": COIN})})
    theory = _results(_pca(at="final_norm"), invented_run(whole, context=3))["theory"]
    assert theory["factored"] == 2 + 4 + 0
    assert theory["joint"] == theory["hankel"] == 3 * 5 * 1 - 1
    assert _results(_pca(at="final_norm"), invented_run(mess3(), context=3))["theory"] == {"beliefs": 2, "hankel": 2}
    assert _results(_pca(at="final_norm"), invented_run(COIN, context=3))["theory"] == {"beliefs": 0, "hankel": 0}


def test_few_histories_are_warned_of() -> None:
    (problem,) = _pca(at="concat").problems(surroundings(invented_run(context=3, width=16)))
    assert problem.code == "W0980"
    assert not _pca(at="final_norm").problems(surroundings(invented_run(context=8)))


def test_a_block_that_is_not_there_is_a_mistake() -> None:
    (problem,) = _pca(at=[{"kind": "block", "index": 2}]).problems(surroundings(invented_run()))
    assert (problem.code, problem.path) == ("E0821", ("at", 0))
