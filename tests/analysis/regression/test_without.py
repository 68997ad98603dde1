"""Regressions after another probe's subspace is projected out, against the same in numpy and scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from hmmdsl.analysis.emergence.record import Emergence
from hmmdsl.analysis.fitting.folds import draw_folds
from hmmdsl.analysis.fitting.least_squares import AffineMap
from hmmdsl.analysis.loss.record import Loss
from hmmdsl.analysis.outcome import Outcome
from hmmdsl.analysis.reading.held_out import ByHistory
from hmmdsl.analysis.reading.targets import target_values
from hmmdsl.analysis.regression.compute import belief_map
from hmmdsl.analysis.regression.record import Regression
from hmmdsl.analysis.subspaces.record import Subspaces
from hmmdsl.process.algebra.product import product
from hmmdsl.process.history_tree import history_weights
from hmmdsl.training.streams import generator
from tests.analysis.invented import InventedRun, inputs_of, invented_run, mess3, rrxor, surroundings
from tests.analysis.shapes import assert_shape

FACTORS = ["factor.left", "factor.right"]
PAIR = product({"left": mess3(), "right": rrxor()})


def _regression(**options: Any) -> Regression:
    return Regression.model_validate({"of": "fit", **options})


def _compute(analysis: Regression, run: InventedRun, **others: Regression) -> Outcome:
    return analysis.compute(inputs_of("less", run, less=analysis, **others))


# ---------------------------------------------------------------- the same by hand


def _slope(X: np.ndarray, Y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Weighted least squares with an intercept, by numpy."""
    s = np.sqrt(w)[:, None]
    return np.linalg.lstsq(s * (X - w @ X / w.sum()), s * (Y - w @ Y / w.sum()), rcond=1e-9)[0]


def _without(X: np.ndarray, Y: np.ndarray, w: np.ndarray, directions: str) -> np.ndarray:
    """The projector onto the orthogonal complement of a probe's subspace."""
    matrix = _slope(X, Y, w) if directions == "readout" else (w[:, None] * (X - w @ X / w.sum())).T @ Y
    left, strength, _ = np.linalg.svd(matrix, full_matrices=False)
    basis = left[:, strength > 1e-7 * strength[0]]
    return np.eye(len(basis)) - basis @ basis.T


def _r2(Y: np.ndarray, predicted: np.ndarray, w: np.ndarray) -> float:
    """Over the coordinates that vary."""
    squares = w @ (Y - w @ Y / w.sum()) ** 2
    varies = squares > 1e-20
    return float(1 - (w @ (Y - predicted) ** 2)[varies].sum() / squares[varies].sum())


def _predicted(train: np.ndarray, X: np.ndarray, Y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """For all histories by the fit to some."""
    slope = _slope(X[train], Y[train], w[train])
    share = w[train] / w[train].sum()
    return (X - share @ X[train]) @ slope + share @ Y[train]


@pytest.mark.parametrize("directions", ["encoding", "readout"])
@pytest.mark.parametrize("weights", ["probability", "uniform"])
@pytest.mark.parametrize("point", ["block[1]", "concat"])
def test_scores_are_those_of_projected_activations(directions: Any, weights: Any, point: str) -> None:
    run = invented_run(PAIR, context=3, width=16)
    factors = _regression(target=FACTORS, at=["blocks", "concat"], weights=weights)
    less = factors.model_copy(update={"without": "factors.factor.left", "directions": directions})
    outcome = _compute(less, run, factors=factors)
    parts = run.activations() if point == "concat" else {point: run.activations()[point]}
    X = np.concatenate(list(parts.values()), axis=1).astype(np.float64)
    w = history_weights(run.tree, weights)
    left, right = (target_values(PAIR, run.tree, name) for name in FACTORS)
    kept = X @ _without(X, left, w, directions)
    everywhere = np.arange(len(w))
    for name, Y in zip(FACTORS, (left, right), strict=True):
        found = less.map_results(outcome.results, name, point)
        predicted = _predicted(everywhere, kept, Y, w)
        assert found["r2"] == pytest.approx(_r2(Y, predicted, w), abs=1e-7)
        for k, (a, b) in enumerate(zip(run.tree.levels, run.tree.levels[1:], strict=False)):
            if found["position"][k]["r2"] is not None:
                there = _r2(Y[a:b], predicted[a:b], w[a:b])
                assert found["position"][k]["r2"] == pytest.approx(there, abs=1e-6)


@pytest.mark.parametrize("directions", ["encoding", "readout"])
@pytest.mark.parametrize("ridge", ["none", 0.01])
def test_a_held_out_fold_is_projected_by_a_probe_of_the_other_folds(directions: Any, ridge: Any) -> None:
    run = invented_run(PAIR, context=3)
    controls = [{"kind": "held_out", "folds": 4, "repeats": 1}]
    other = _regression(target="factor.left", at="final_norm")
    less = _regression(
        target="factor.right", at="final_norm", controls=controls, ridge=ridge, without="other", directions=directions
    )
    found = _compute(less, run, other=other).results["held_out"]["r2"]
    X = run.activations()["final_norm"].astype(np.float64)
    w = history_weights(run.tree, "probability")
    left, right = (target_values(PAIR, run.tree, name) for name in FACTORS)
    (fold,) = draw_folds(run.tree, slice(None), ByHistory(), 4, 1, run.train.seed)
    predicted = np.empty_like(right)
    for k in range(4):
        train = np.flatnonzero(fold != k)
        kept = X @ _without(X[train], left[train], w[train], directions)
        if ridge == "none":
            all_of_them = _predicted(train, kept, right, w)
        else:
            scaler = StandardScaler().fit(kept[train], sample_weight=w[train])
            fit = Ridge(alpha=ridge * w[train].sum()).fit(scaler.transform(kept[train]), right[train], sample_weight=w[train])
            all_of_them = fit.predict(scaler.transform(kept))
        predicted[fold == k] = all_of_them[fold == k]
    assert found == pytest.approx(_r2(right, predicted, w), abs=1e-7)


def test_an_untrained_network_loses_the_subspace_of_its_own_probe() -> None:
    run = invented_run(PAIR, context=3, width=16)
    other = _regression(target="factor.left", at="final_norm")
    less = _regression(target="factor.right", at="final_norm", controls=["untrained"], without="other", directions="readout")
    found = _compute(less, run, other=other).results["untrained"]["r2"]
    X = run.activations(0)["final_norm"].astype(np.float64)
    w = history_weights(run.tree, "probability")
    left, right = (target_values(PAIR, run.tree, name) for name in FACTORS)
    kept = X @ _without(X, left, w, "readout")
    assert found == pytest.approx(_r2(right, _predicted(np.arange(len(w)), kept, right, w), w), abs=1e-7)


# ---------------------------------------------------------------- what it means


@dataclass(frozen=True)
class Factored(InventedRun):
    """Both factors' beliefs in two subspaces at an acute angle, and noise everywhere."""

    def activations(self, step: int | None = None, tree: Any = None) -> dict[str, np.ndarray]:
        histories = tree if tree is not None else self.tree
        random = np.random.default_rng(3)
        left, right = (target_values(self.process, histories, target) for target in FACTORS)
        A, B = random.normal(size=(3, 16)), random.normal(size=(5, 16))
        found = left @ A + right @ (B + 0.5 * A[[0, 1, 2, 0, 1]]) + 0.01 * random.normal(size=(len(histories), 16))
        return dict.fromkeys(self.model.points(), found.astype(np.float32))


def _factored() -> Factored:
    return Factored(**vars(invented_run(PAIR, context=4, width=16)))


CONTROLS = [{"kind": "held_out", "folds": 4}, "untrained", {"kind": "shuffled", "repeats": 3}, "noise"]


def test_one_factor_goes_and_the_other_stays() -> None:
    factors = _regression(target=FACTORS, at="final_norm", controls=CONTROLS)
    less = factors.model_copy(update={"without": "factors.factor.left"})
    before = _compute(factors, _factored()).results["factor"]
    outcome = _compute(less, _factored(), factors=factors)
    after = outcome.results["factor"]
    assert before["left"]["held_out"]["r2"] > 0.99
    assert after["left"]["r2"] == pytest.approx(0, abs=1e-9)  # no covariance with the target is left
    assert after["left"]["held_out"]["r2"] < 0.05
    assert after["right"]["held_out"]["r2"] > 0.98
    assert after["left"]["noise"]["r2"] < before["left"]["noise"]["r2"]  # the noise loses its own probe's subspace
    assert abs(after["right"]["shuffled"]["held_out"]["r2"]["mean"]) < 0.1
    assert outcome.facts["dimensions left out"] == {"final_norm": "2 of 16"}
    assert outcome.facts["rank"] == {"final_norm": "14 of 16 features"}


def test_both_factors_go_one_after_the_other() -> None:
    one = _regression(target=FACTORS, at="final_norm")
    two = one.model_copy(update={"without": "one.factor.left"})
    three = one.model_copy(update={"without": "two.factor.right", "controls": (), "target": (*FACTORS, "belief")})
    outcome = _compute(three, _factored(), one=one, two=two)
    assert outcome.facts["dimensions left out"] == {"final_norm": "6 of 16"}
    assert outcome.results["factor"]["left"]["r2"] == pytest.approx(0, abs=1e-9)
    assert outcome.results["factor"]["right"]["r2"] == pytest.approx(0, abs=1e-9)


def test_a_shuffled_control_scores_as_the_permuted_targets_do() -> None:
    """Its shortcut through moments gives what a fit to each permutation gives."""
    run = invented_run(PAIR, context=3, width=16)
    other = _regression(target="factor.left", at="final_norm")
    less = _regression(
        target="factor.right", at="final_norm", without="other", controls=[{"kind": "shuffled", "repeats": 1}], weights="uniform"
    )
    found = _compute(less, run, other=other).results["shuffled"]["r2"]
    X = run.activations()["final_norm"].astype(np.float64)
    w = history_weights(run.tree, "uniform")
    left, right = (target_values(PAIR, run.tree, name) for name in FACTORS)
    kept = X @ _without(X, left, history_weights(run.tree, "probability"), "encoding")
    order = generator(run.train.seed, "regression shuffled").permutation(len(w))
    permuted = right[order]
    assert found == pytest.approx(_r2(permuted, _predicted(np.arange(len(w)), kept, permuted, w), w), abs=1e-7)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 8), st.sampled_from(["encoding", "readout"]), st.sampled_from(["auto", "none", 0.1]))
def test_where_nothing_else_varies_nothing_is_left(width: int, directions: Any, ridge: Any) -> None:
    """What remains of activations that lie in the subspace is rounding, and rounding is no feature."""

    @dataclass(frozen=True)
    class Narrow(InventedRun):
        def activations(self, step: int | None = None, tree: Any = None) -> dict[str, np.ndarray]:
            belief = (self.tree if tree is None else tree).belief[:, :2]
            image = belief @ np.random.default_rng(width).normal(size=(2, width)) + 3
            return dict.fromkeys(self.model.points(), image.astype(np.float32))

    run = Narrow(**vars(invented_run(mess3(), context=4, width=8)))
    other = _regression(at="final_norm")
    less = _regression(at="final_norm", without="other", directions=directions, ridge=ridge, controls=CONTROLS)
    results = _compute(less, run, other=other).results
    assert results["r2"] == pytest.approx(0, abs=1e-6)
    assert abs(results["shuffled"]["r2"]["max"]) < 1e-6
    assert -0.2 < results["held_out"]["r2"] <= 1e-6


def test_results_have_the_announced_shape_and_repeat_to_the_bit() -> None:
    run = invented_run(PAIR, context=3)
    factors = _regression(target=FACTORS, at=["blocks", "concat"])
    less = factors.model_copy(update={"without": "factors.factor.right", "controls": _regression(controls=CONTROLS).controls})
    around = surroundings(run, factors=factors, less=less)
    assert less.problems(around) == []
    assert less.needs() == ("fit", "factors")
    one, two = (_compute(less, run, factors=factors).results for _ in range(2))
    assert_shape(one, less.results(around))
    assert one == two


def test_a_checkpoint_leaves_out_its_own_probe() -> None:
    run = invented_run(PAIR, context=3)
    factors = _regression(target=FACTORS, at="final_norm")
    less = factors.model_copy(update={"without": "factors.factor.left"})
    inputs = inputs_of("less", run, less=less, factors=factors)
    last = less.compute_at_checkpoint(inputs, run.steps[-1]).results
    assert last["factor"]["right"]["r2"] == less.compute(inputs).results["factor"]["right"]["r2"]
    first = less.compute_at_checkpoint(inputs, 0).results["factor"]
    assert first["left"]["r2"] == pytest.approx(0, abs=1e-9)
    assert Emergence(of="less").problems(surroundings(run, less=less, factors=factors)) == []


def test_its_map_is_one_of_the_activations_themselves() -> None:
    run = invented_run(context=5)
    other, less = _regression(target="next_token", at="final_norm"), _regression(at="final_norm", without="other")
    inputs = inputs_of("less", run, less=less, other=other)
    affine = belief_map(less, inputs, "final_norm")
    assert isinstance(affine, AffineMap)
    predicted = affine([run.activations()["final_norm"]])
    assert np.abs(predicted - less.compute(inputs).arrays["belief.final_norm.predicted"]).max() < 1e-6


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"without": "losses"}, "E0580"),
        ({"without": "factors"}, "E0581"),
        ({"without": "factors.factor"}, "E0581"),
        ({"without": "factors.factor.left.block[0]"}, "E0581"),
        ({"without": "single.belief"}, "E0581"),
        ({"without": "factors.factor.left", "at": ["blocks", "final_norm"]}, "E0582"),
        ({"without": "single", "at": {"kind": "concat", "of": ["blocks"]}}, "E0582"),
        ({"without": "elsewhere"}, "E0583"),
        ({"without": "factors.factor.left", "on": "same"}, "E0583"),
        ({"without": "factors.factor.left", "histories": {"kind": "sampled"}}, "E0583"),
    ],
)
def test_mistakes_are_found_before_the_run(options: Any, code: str) -> None:
    run = invented_run(PAIR, context=3)
    around = surroundings(
        run,
        {"same": PAIR},
        factors=_regression(target=FACTORS, at=["blocks"]),
        single=_regression(at="concat"),
        elsewhere=_regression(of="other", at="blocks"),
        losses=Loss(of="fit"),
    )
    problem = _regression(**{"at": "blocks", **options}).problems(around)[0]
    assert (problem.code, problem.path) == (code, ("without",))
    assert problem.help


def test_points_correspond_by_what_they_read() -> None:
    run = invented_run(PAIR, context=3)
    around = surroundings(run, factors=_regression(target=FACTORS, at="blocks"))
    assert _regression(at={"kind": "block", "index": 1}, without="factors.factor.left").problems(around) == []


def test_subspaces_of_what_is_left_say_nothing() -> None:
    run = invented_run(PAIR, context=3)
    factors = _regression(target=FACTORS, at="blocks")
    less = factors.model_copy(update={"without": "factors.factor.left"})
    problems = Subspaces(between="less").problems(surroundings(run, factors=factors, less=less))
    assert [problem.code for problem in problems] == ["E0584"]


def test_captions_say_what_is_left_out() -> None:
    run = invented_run(PAIR, context=3)
    factors = _regression(target=FACTORS, at="final_norm")
    less = factors.model_copy(update={"without": "factors.factor.left"})
    outcome = _compute(less, run, factors=factors)
    assert "factors.factor.left is projected out" in less.caption("points", outcome)
    assert "projected out" not in factors.caption("points", outcome)
