"""Regressions: paths, controls, and what they are worth."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.model_selection import PredefinedSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from hmmdsl.analysis.fitting.folds import draw_folds, groups
from hmmdsl.analysis.fitting.ridge import PENALTIES
from hmmdsl.analysis.outcome import Outcome
from hmmdsl.analysis.reading.controls import HeldOut
from hmmdsl.analysis.regression.record import Regression
from hmmdsl.process.history_tree import distinct_beliefs, history_weights
from tests.analysis.invented import inputs_of, invented_run, mess3, rrxor, surroundings
from tests.analysis.shapes import assert_shape

POINTS = ["embedding", "blocks", {"kind": "block", "index": 1}, "final_norm", {"kind": "concat", "of": ["embedding", "blocks"]}]
CONTROLS = [
    {"kind": "held_out", "folds": 4, "repeats": 1},
    {"kind": "held_out", "folds": 3, "repeats": 2, "by": "belief", "by_position": True},
    "planted",
    {"kind": "planted", "repeats": 2},
    "untrained",
    {"kind": "shuffled", "repeats": 3},
    {"kind": "shuffled", "repeats": 1},
    "noise",
    {"kind": "noise", "repeats": 2},
]


def _regression(**options: Any) -> Regression:
    return Regression.model_validate({"of": "fit", **options})


def _run(analysis: Regression, **options: Any) -> Outcome:
    run = invented_run(**options)
    return analysis.compute(inputs_of("x", run, x=analysis))


def _unique(kind: Any) -> str:
    return kind if isinstance(kind, str) else str(kind["kind"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    target=st.sampled_from(["belief", "next_token", ["belief", "next_token"], ["next_token"]]),
    at=st.one_of(st.sampled_from(POINTS), st.lists(st.sampled_from(POINTS), min_size=1, max_size=4, unique_by=_unique)),
    controls=st.lists(st.sampled_from(CONTROLS), unique_by=_unique),
    weights=st.sampled_from(["probability", "uniform", "words", "beliefs"]),
    intercept=st.booleans(),
    ridge=st.sampled_from(["auto", "none", 0.01]),
    bos=st.booleans(),
)
def test_results_have_the_announced_shape(bos: bool, **options: Any) -> None:
    analysis = _regression(**options)
    run = invented_run(context=4, bos=bos, width=5)
    around = surroundings(run)
    assert analysis.problems(around) == []
    outcome = analysis.compute(inputs_of("x", run, x=analysis))
    assert_shape(outcome.results, analysis.results(around))
    assert_shape(
        analysis.compute_at_checkpoint(inputs_of("x", run, x=analysis), 3).results, analysis.results_at_checkpoint(around)
    )


@pytest.mark.parametrize("weights", ["probability", "uniform", "words"])
@pytest.mark.parametrize("intercept", [True, False])
def test_scores_are_those_of_scikit_learn(weights: Any, intercept: bool) -> None:
    outcome = _run(_regression(at=["concat"], weights=weights, intercept=intercept))
    run = invented_run()
    X = np.concatenate([a.astype(np.float64) for a in run.activations().values()], axis=1)
    w, Y = history_weights(run.tree, weights), run.tree.belief
    fitted = LinearRegression(fit_intercept=intercept).fit(X, Y, sample_weight=w).predict(X)
    concat = outcome.results["concat"]
    assert concat["r2"] == pytest.approx(r2_score(Y, fitted, sample_weight=w, multioutput="variance_weighted"), abs=1e-9)
    assert concat["mse"] == pytest.approx(mean_squared_error(Y, fitted, sample_weight=w), abs=1e-12)
    for k, (a, b) in enumerate(zip(run.tree.levels, run.tree.levels[1:], strict=False)):
        there = r2_score(Y[a:b], fitted[a:b], sample_weight=w[a:b], multioutput="variance_weighted")
        assert concat["position"][k]["r2"] == pytest.approx(there, abs=1e-8)


def test_a_single_point_and_target_have_no_segment() -> None:
    assert {"r2", "mse", "position"} == set(_run(_regression(at="concat")).results)
    assert set(_run(_regression(at="blocks")).results) == {"block"}
    assert set(_run(_regression(at=["concat"], target=["belief"])).results["belief"]) == {"concat"}


def test_held_out_scores_tell_beliefs_from_noise() -> None:
    controls = [{"kind": "held_out", "folds": 10}, "untrained", "noise", {"kind": "shuffled", "repeats": 3}]
    concat = _run(_regression(at=["concat"], weights="uniform", controls=controls), context=8).results["concat"]
    assert concat["r2"] > concat["held_out"]["r2"] > 0.8
    assert concat["held_out"]["folds"]["r2"]["min"] <= concat["held_out"]["r2"] <= concat["held_out"]["folds"]["r2"]["max"]
    assert concat["noise"]["r2"] > 0.05  # in sample, random features explain something
    assert abs(concat["noise"]["held_out"]["r2"]) < 0.05
    assert abs(concat["shuffled"]["held_out"]["r2"]["mean"]) < 0.05
    assert concat["untrained"]["held_out"]["r2"] < concat["held_out"]["r2"] - 0.2


def test_a_constant_target_has_no_r2() -> None:
    outcome = _run(_regression(at=["concat"]), bos=True)
    assert outcome.results["concat"]["position"][0]["r2"] is None
    assert outcome.results["concat"]["position"][0]["mse"] is not None


def test_a_name_is_no_matter() -> None:
    """Ten regressions that differ in name alone agree to the bit, controls, drawn words and all."""
    sampled = {"kind": "sampled", "words": 300}
    for histories in ({"kind": "exact"}, sampled):
        analysis = _regression(at=["blocks", "concat"], histories=histories, controls=[*CONTROLS[1:3], "shuffled", "noise"])
        run = invented_run(context=4)
        found = [analysis.compute(inputs_of(f"x{k}", run)).results for k in range(3)]
        assert found[0] == found[1] == found[2]


def test_other_draws_of_the_folds_lie_within_the_stated_spread() -> None:
    """Means over two sets of draws differ by no more than three of the spreads that they state: whole numbers of folds' seeds
    decide nothing, though three histories of one token have a fifth of the weight."""
    scores = []
    for seed in range(10):
        run = invented_run(mess3(), context=5, seed=seed)
        analysis = _regression(at="concat", controls=[{"kind": "held_out", "folds": 5}])
        scores.append(analysis.compute(inputs_of("x", run)).results["held_out"])
    mean = np.mean([one["r2"] for one in scores])
    assert all(abs(one["r2"] - mean) < 3 * one["sd"] for one in scores)


@pytest.mark.parametrize(
    ("by", "weights"), [("history", "uniform"), ("belief", "beliefs"), ({"kind": "prefix", "tokens": 3}, "words")]
)
def test_held_out_scores_are_those_of_scikit_learn(by: Any, weights: Any) -> None:
    """Nested cross-validation over the same folds: scaler, ridge and penalty see nothing of what is held out."""
    held_out = {"kind": "held_out", "folds": 3, "by": by, "repeats": 2, "by_position": True}
    analysis = _regression(at="concat", weights=weights, controls=[held_out])
    run = invented_run(context=6)
    found = analysis.compute(inputs_of("x", run)).results["held_out"]
    X = np.concatenate([a.astype(np.float64) for a in run.activations().values()], axis=1)
    w, Y = history_weights(run.tree, weights), run.tree.belief
    kind = HeldOut.model_validate(held_out).by
    draws = draw_folds(run.tree, slice(None), kind, 3, 2, run.train.seed)
    group = groups(run.tree, slice(None), kind)
    predicted = [_nested_ridge(X, Y, w, group, fold) for fold in draws]
    expected = [r2_score(Y, one, sample_weight=w, multioutput="variance_weighted") for one in predicted]
    assert found["r2"] == pytest.approx(np.mean(expected), abs=1e-7)
    assert found["sd"] == pytest.approx(np.std(expected, ddof=1), abs=1e-7)
    levels = run.tree.levels
    for k, (a, b) in enumerate(pairwise(levels)):
        there = [r2_score(Y[a:b], one[a:b], sample_weight=w[a:b], multioutput="variance_weighted") for one in predicted]
        assert found["position"][k]["r2"] == pytest.approx(np.mean(there), abs=1e-6)


def _nested_ridge(X: np.ndarray, Y: np.ndarray, w: np.ndarray, group: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Predictions of each fold by scikit-learn; the penalty is the one with which the other folds predict one another best."""
    outer = PredefinedSplit(fold)
    predicted = np.empty_like(Y)
    for train, test in outer.split():
        assert not set(group[train]) & set(group[test])
        errors = np.zeros(len(PENALTIES))
        for inner, scored in PredefinedSplit(fold[train]).split():
            for p, penalty in enumerate(PENALTIES):
                guess = _ridge(X[train[inner]], Y[train[inner]], w[train[inner]], penalty).predict(X[train[scored]])
                errors[p] += (w[train[scored]] @ (Y[train[scored]] - guess) ** 2).sum()
        best = PENALTIES[int(errors.argmin())]
        predicted[test] = _ridge(X[train], Y[train], w[train], best).predict(X[test])
    return predicted


def _ridge(X: np.ndarray, Y: np.ndarray, w: np.ndarray, penalty: float) -> Pipeline:
    model = make_pipeline(StandardScaler(), Ridge(penalty * w.sum()))
    return model.fit(X, Y, standardscaler__sample_weight=w, ridge__sample_weight=w)


def test_twins_in_the_training_folds_hide_that_a_geometry_does_not_extend() -> None:
    """Activations that tell beliefs apart, each at a random place: held out by history they score high, by belief nothing. A
    linear image of the beliefs is nearly perfect either way."""
    run = invented_run(context=8)
    label, width = distinct_beliefs(run.tree), 40
    random = np.random.default_rng(0)
    x = random.normal(size=(label.max() + 1, width))[label] + 0.02 * random.normal(size=(len(label), width))

    def scores(by: str) -> dict[str, Any]:
        controls = [{"kind": "held_out", "by": by, "repeats": 2}, "planted", "noise"]
        analysis = _regression(at="final_norm", weights="uniform", controls=controls)
        told = replace(run, given={point: x.astype(np.float32) for point in run.model.points()})
        return analysis.compute(inputs_of("x", told)).results

    by_history, by_belief = scores("history"), scores("belief")
    assert by_history["held_out"]["r2"] > 0.95
    assert by_history["held_out"]["beliefs"]["distinct"] == 35
    assert by_history["held_out"]["beliefs"]["shared"] > 0.9 * by_history["held_out"]["beliefs"]["in_fold"]
    assert by_belief["held_out"]["r2"] < 0
    assert by_belief["held_out"]["beliefs"] == {"distinct": 35, "in_fold": 3.5, "shared": 0}
    for results in (by_history, by_belief):
        assert results["planted"]["held_out"]["r2"] > 0.99
        assert results["noise"]["held_out"]["r2"] < 0.05


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_a_planted_geometry_scores_what_its_noise_leaves(noise: float) -> None:
    """With one feature a coordinate, the best linear guess of a coordinate with noise: R² = 1 / (1 + noise²) each, if the image
    were orthogonal; for any image 1 without noise, and less with more."""
    controls = [{"kind": "held_out", "repeats": 2}, {"kind": "planted", "noise": noise, "repeats": 3}]
    results = _run(_regression(at="embedding", weights="uniform", controls=controls), context=8)
    planted = results.results["planted"]
    if noise:
        assert 0.5 < planted["held_out"]["r2"]["mean"] < planted["r2"]["mean"] < 0.99
        assert planted["r2"]["sd"] > 0
    else:
        assert planted["held_out"]["r2"]["min"] > 1 - 1e-6


def test_a_regression_may_read_some_lengths_alone() -> None:
    controls = [{"kind": "held_out", "folds": 3, "by_position": True}, "untrained", "noise"]
    run = invented_run(context=6)
    one = _regression(at="concat", shortest=4, longest=4, controls=controls)
    outcome = one.compute(inputs_of("x", run))
    assert_shape(outcome.results, one.results(surroundings(run)))
    rows = np.flatnonzero(run.tree.length == 4)
    X = np.concatenate([a.astype(np.float64) for a in run.activations().values()], axis=1)[rows]
    w, Y = history_weights(run.tree)[rows], run.tree.belief[rows]
    fitted = LinearRegression().fit(X, Y, sample_weight=w).predict(X)
    assert outcome.results["r2"] == pytest.approx(r2_score(Y, fitted, sample_weight=w, multioutput="variance_weighted"), abs=1e-9)
    assert outcome.results["position"][3]["r2"] == pytest.approx(outcome.results["r2"], abs=1e-9)
    assert outcome.results["position"][4]["r2"] is None
    assert outcome.results["held_out"]["position"][3]["r2"] == pytest.approx(outcome.results["held_out"]["r2"], abs=1e-9)
    assert "of length 4" in outcome.facts["histories"]
    assert outcome.arrays["length"].tolist() == [4] * len(rows)


def test_drawn_histories_say_how_sure_r2_is() -> None:
    outcome = _run(_regression(at=["concat"], histories={"kind": "sampled", "words": 300}))
    assert outcome.facts["histories"].startswith("sampled, 300 words")
    assert 0 < outcome.facts["standard error of R²"]["belief.concat"] < 0.1


def test_another_process_needs_the_same_tokens() -> None:
    run = invented_run()
    around = surroundings(run, {"other": mess3(), "same": rrxor()})
    assert [problem.code for problem in _regression(on="other").problems(around)] == ["E0820"]
    assert _regression(on="same").problems(around) == []


@pytest.mark.parametrize(
    ("options", "code", "path"),
    [
        ({"at": {"kind": "block", "index": 2}}, "E0821", ("at",)),
        ({"at": ["concat", {"kind": "concat", "of": [{"kind": "block", "index": 5}]}]}, "E0821", ("at", 1)),
        ({"at": ["concat", "blocks", "concat"]}, "E0822", ("at", 2)),
        ({"target": ["belief", "belief"]}, "E0822", ("target", 1)),
        ({"controls": ["noise", {"kind": "noise", "repeats": 5}]}, "E0822", ("controls", 1)),
        ({"shortest": 5, "longest": 4}, "E0586", ("shortest",)),
        ({"longest": 7}, "E0586", ("longest",)),
        ({"longest": 0}, "E0586", ("longest",)),
        ({"controls": ["noise", {"kind": "held_out", "by": {"kind": "prefix", "tokens": 6}}]}, "E0590", ("controls", 1, "by")),
        ({"controls": [{"kind": "held_out", "by": {"kind": "prefix", "tokens": 2}}]}, "E0591", ("controls", 0, "folds")),
        ({"controls": [{"kind": "held_out", "by": "belief", "folds": 36}]}, "E0591", ("controls", 0, "folds")),
        ({"shortest": 6, "controls": [{"kind": "held_out", "by": "belief", "folds": 18}]}, "E0591", ("controls", 0, "folds")),
    ],
)
def test_mistakes_are_found_before_the_run(options: Any, code: str, path: tuple[str | int, ...]) -> None:
    problems = _regression(**options).problems(surroundings(invented_run()))
    assert (problems[0].code, problems[0].path) == (code, path)
    assert problems[0].help


def test_more_features_than_histories_is_a_warning() -> None:
    run = invented_run(context=3, width=8)  # 2 + 4 + 8 histories, 32 features
    assert [problem.code for problem in _regression(at="concat").problems(surroundings(run))] == ["W0960"]
    assert _regression(at="embedding").problems(surroundings(run)) == []
    assert _regression(at="concat", ridge=0.1).problems(surroundings(run)) == []
