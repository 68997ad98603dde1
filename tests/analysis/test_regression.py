"""Regressions: paths, controls, and what they are worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error, r2_score

from hmmdsl.analysis.outcome import Outcome
from hmmdsl.analysis.regression import Regression
from hmmdsl.process.history_tree import history_weights
from tests.analysis.invented import inputs_of, invented_run, mess3, rrxor, surroundings
from tests.analysis.shapes import assert_shape

POINTS = ["embedding", "blocks", {"kind": "block", "index": 1}, "final_norm", {"kind": "concat", "of": ["embedding", "blocks"]}]
CONTROLS = [
    {"kind": "held_out", "folds": 4},
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
    weights=st.sampled_from(["probability", "uniform", "words"]),
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


def test_the_same_seed_and_name_give_the_same_bits() -> None:
    analysis = _regression(at=["blocks", "concat"], controls=[*CONTROLS[:3], "noise"])
    assert _run(analysis).results == _run(analysis).results


def test_a_name_of_its_own_means_folds_of_its_own() -> None:
    analysis = _regression(controls=[{"kind": "held_out", "folds": 5}])
    run = invented_run()
    one, two = (analysis.compute(inputs_of(name, run)).results for name in ("x", "y"))
    assert one["r2"] == two["r2"]
    assert one["held_out"]["r2"] != two["held_out"]["r2"]


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
