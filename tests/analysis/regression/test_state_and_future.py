"""The hidden state and the next k tokens as targets, against scikit-learn on explicit rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import accuracy_score, mean_squared_error, r2_score

from hmmdsl.analysis.distances.record import Distances
from hmmdsl.analysis.emergence.record import Emergence
from hmmdsl.analysis.outcome import Outcome
from hmmdsl.analysis.regression.record import Regression
from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.algebra.product import product as product_of
from hmmdsl.process.futures import word_vectors
from hmmdsl.process.history_tree import history_weights, words_of
from hmmdsl.process.process import Process
from tests.analysis.invented import InventedRun, inputs_of, invented_run, mess3, rrxor, surroundings
from tests.analysis.other_coordinates import MOVED, PLAIN
from tests.analysis.shapes import assert_shape

THIRD = Fraction(1, 3)
CONTROLS = [{"kind": "held_out", "folds": 3, "repeats": 1}, "untrained", {"kind": "shuffled", "repeats": 2}, "noise"]
EVERY = ["belief", "next_token", "state", {"kind": "future", "k": 1}, {"kind": "future", "k": 3}]


def _regression(**options: Any) -> Regression:
    return Regression.model_validate({"of": "fit", **options})


def _activations(run: InventedRun) -> np.ndarray:
    return np.concatenate([part.astype(np.float64) for part in run.activations().values()], axis=1)


def _joint(process: Process, word: tuple[int, ...]) -> np.ndarray:
    """Pr(word, hidden state after it) by every path of hidden states."""
    found = np.zeros(len(process.states))
    for path in product(range(len(process.states)), repeat=len(word) + 1):
        probability = float(process.start[path[0]])
        for x, i, j in zip(word, path, path[1:], strict=False):
            probability *= float(process.operators[x].get((i, j), 0))
        found[path[-1]] += probability
    return found


@pytest.mark.parametrize("weights", ["probability", "uniform", "words"])
@pytest.mark.parametrize("intercept", [True, False])
def test_scores_of_the_state_are_those_of_one_row_for_each_history_and_state(weights: Any, intercept: bool) -> None:
    run = invented_run(mess3(), context=4)
    analysis = _regression(target="state", at="concat", weights=weights, intercept=intercept, controls=CONTROLS[:1])
    outcome = analysis.compute(inputs_of("x", run))
    tree, states = run.tree, 3
    words = [tuple(int(x) for x in word if x >= 0) for word in words_of(tree)]
    joint = np.stack([_joint(run.process, word) for word in words])
    given = joint / joint.sum(axis=1, keepdims=True)
    row = np.repeat(np.arange(len(tree)), states)
    state = np.tile(np.arange(states), len(tree))
    one_hot, X = np.eye(states)[state], _activations(run)[row]
    w = history_weights(tree, weights)[row] * given.ravel()
    fitted = LinearRegression(fit_intercept=intercept).fit(X, one_hot, sample_weight=w).predict(X)

    def r2(predicted: np.ndarray, rows: slice = slice(None)) -> float:
        found = r2_score(one_hot[rows], predicted[rows], sample_weight=w[rows], multioutput="variance_weighted")
        return float(found)

    found = outcome.results
    assert found["r2"] == pytest.approx(r2(fitted), abs=1e-9)
    assert found["mse"] == pytest.approx(mean_squared_error(one_hot, fitted, sample_weight=w), abs=1e-9)
    assert found["accuracy"] == pytest.approx(accuracy_score(state, fitted.argmax(axis=1), sample_weight=w), abs=1e-9)
    best = LinearRegression().fit(given[row], one_hot, sample_weight=w).predict(given[row])
    assert found["ceiling"] == pytest.approx(r2(best), abs=1e-9)
    assert found["r2_of_ceiling"] == pytest.approx(r2(fitted) / r2(best), abs=1e-9)
    assert found["best_accuracy"] == pytest.approx(accuracy_score(state, given[row].argmax(axis=1), sample_weight=w), abs=1e-9)
    for k, (a, b) in enumerate(zip(tree.levels, tree.levels[1:], strict=False)):
        there = slice(a * states, b * states)
        assert found["position"][k]["r2"] == pytest.approx(r2(fitted, there), abs=1e-7)
    unseen = outcome.arrays["state.concat.held_out"].astype(np.float64)[row]
    assert found["held_out"]["r2"] == pytest.approx(r2(unseen), abs=1e-6)
    there_accuracy = accuracy_score(state, unseen.argmax(axis=1), sample_weight=w)
    assert found["held_out"]["accuracy"] == pytest.approx(there_accuracy, abs=1e-9)


def test_the_states_share_of_its_ceiling_is_the_beliefs_r2() -> None:
    """The best linear predictor of the hidden state is the belief, so a probe of the one is a probe of the other."""
    run = invented_run()
    found = _regression(target=["belief", "state"], at="concat", controls=CONTROLS[:3]).compute(inputs_of("x", run)).results
    belief, state = found["belief"], found["state"]
    for path in ([], ["held_out"], ["untrained"], ["untrained", "held_out"]):
        left, right = belief, state
        for name in path:
            left, right = left[name], right[name]
        assert right["r2_of_ceiling"] == pytest.approx(left["r2"], abs=1e-9)
    assert state["r2"] < state["ceiling"] < 1
    assert state["shuffled"]["r2_of_ceiling"]["max"] < state["r2_of_ceiling"]
    for scores in (state, state["held_out"], state["untrained"]):
        assert scores["accuracy"] <= scores["best_accuracy"] == state["best_accuracy"]
    for shuffled in (state["shuffled"], state["shuffled"]["held_out"]):
        assert shuffled["accuracy"]["max"] <= shuffled["best_accuracy"]["max"]


@pytest.mark.parametrize("k", [1, 3])
def test_scores_of_the_next_tokens_are_those_of_a_column_for_each_word(k: int) -> None:
    run = invented_run(rrxor(), context=5)
    options = {"at": "concat", "target": {"kind": "future", "k": k}, "ridge": 0.01, "controls": CONTROLS[:2]}
    for ridge in (0.01, "none"):
        outcome = _regression(**{**options, "ridge": ridge}).compute(inputs_of("x", run))
        Y, w = run.tree.belief @ word_vectors(run.process, k), history_weights(run.tree, "probability")
        predicted = outcome.arrays[f"future_{k}.concat.predicted"] @ outcome.arrays[f"future_{k}.words"]
        if ridge == "none":
            X = _activations(run)
            fitted = LinearRegression().fit(X, Y, sample_weight=w).predict(X)
            assert np.allclose(predicted, fitted, atol=1e-6)
            best = r2_score(Y, fitted, sample_weight=w, multioutput="variance_weighted")
            assert outcome.results["r2"] == pytest.approx(best, abs=1e-9)
            assert outcome.results["mse"] == pytest.approx(mean_squared_error(Y, fitted, sample_weight=w), abs=1e-9)
        unseen = outcome.arrays[f"future_{k}.concat.held_out"] @ outcome.arrays[f"future_{k}.words"]
        there = r2_score(Y, unseen, sample_weight=w, multioutput="variance_weighted")
        assert outcome.results["held_out"]["r2"] == pytest.approx(there, abs=1e-6)


def test_the_next_token_is_the_future_of_one_token() -> None:
    run = invented_run()
    analysis = _regression(target=["next_token", {"kind": "future", "k": 1}], at="concat", controls=CONTROLS[:2])
    found = analysis.compute(inputs_of("x", run)).results
    for path in (["r2"], ["mse"], ["held_out", "r2"], ["untrained", "held_out", "mse"]):
        left, right = found["next_token"], found["future_1"]
        for name in path:
            left, right = left[name], right[name]
        assert left == pytest.approx(right, abs=1e-9)


@pytest.mark.parametrize(
    ("target", "at", "histories"),
    [
        ("state", "concat", "exact"),
        ("state", ["blocks", "concat"], {"kind": "sampled", "words": 40}),
        ({"kind": "future", "k": 2}, "concat", {"kind": "sampled", "words": 40}),
        (EVERY, "concat", {"kind": "sampled", "words": 40}),
        (EVERY, ["blocks", "concat"], "exact"),
    ],
)
def test_results_have_the_announced_shape(target: Any, at: Any, histories: Any) -> None:
    chosen = {"kind": histories} if isinstance(histories, str) else histories
    analysis = _regression(target=target, at=at, controls=CONTROLS, histories=chosen)
    run = invented_run(context=4, width=5)
    along = Emergence(of="x")
    around = surroundings(run, x=analysis)
    assert [problem for problem in analysis.problems(around) if problem.code != "W0960"] == []
    outcome = analysis.compute(inputs_of("x", run, x=analysis))
    assert_shape(outcome.results, analysis.results(around))
    inputs = inputs_of("along", run, {"x": outcome}, x=analysis)
    later = along.compute(inputs)
    assert_shape(later.results, along.results(around))
    assert set(analysis.figures(outcome, inputs)) >= {"points", "positions"}
    assert ("accuracy" in analysis.figures(outcome, inputs)) == ("state" in analysis.target_names)
    assert along.figures(later, inputs)


def _scores(results: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(results, Mapping):
        for name, below in results.items():
            yield from _scores(below, (*path, name))
    elif isinstance(results, list):
        for below in results:
            yield from _scores(below, path)
    else:
        yield path, results


def biased(name: str) -> Process:
    """A coin that shows heads once in three times: nothing to know but that."""
    return Process(name, ("h", "t"), ("C",), ({(0, 0): THIRD}, {(0, 0): 1 - THIRD}), (Fraction(1),))


SAME = mixture({"A": biased("a"), "B": biased("b")}, [THIRD, 1 - THIRD])
PAIR = product_of({"left": biased("a"), "right": rrxor()})


@pytest.mark.parametrize(
    ("process", "target"),
    [
        (biased("coin"), "belief"),
        (biased("coin"), "next_token"),
        (biased("coin"), {"kind": "future", "k": 3}),
        (biased("coin"), "state"),
        (SAME, "belief"),
        (SAME, "component"),
        (SAME, "within.A"),
        (SAME, {"kind": "future", "k": 2}),
        (PAIR, "factor.left"),
    ],
    ids=lambda value: value.name if isinstance(value, Process) else str(value),
)
@pytest.mark.parametrize("intercept", [True, False])
def test_a_constant_target_has_no_r2_in_any_score(process: Process, target: Any, intercept: bool) -> None:
    run = invented_run(process, context=3, width=3)
    outcome = _regression(target=target, at="concat", controls=CONTROLS, intercept=intercept).compute(inputs_of("x", run))
    for path, value in _scores(outcome.results):
        assert value is None or np.isfinite(value)
        if {"r2", "ceiling", "r2_of_ceiling"} & set(path) or path[-2:] == ("held_out", "sd"):
            assert value is None, path
        else:
            assert value is not None, path


def test_a_state_of_which_nothing_is_known_has_a_ceiling_of_zero() -> None:
    """Two equal coins: which one it is varies, and no history tells."""
    run = invented_run(SAME, context=3, width=3)
    found = _regression(target="state", at="concat").compute(inputs_of("x", run)).results
    assert found["ceiling"] == 0
    assert found["r2_of_ceiling"] is None
    assert found["r2"] == pytest.approx(0, abs=1e-9)
    assert found["accuracy"] == found["best_accuracy"] == pytest.approx(2 / 3)


def test_distances_of_what_is_all_the_same_correlate_with_nothing() -> None:
    run = invented_run(PAIR, context=4)
    source = _regression(at="concat")
    analysis = Distances.model_validate({"of": "beliefs", "against": [{"kind": "future", "k": 2}, "belief"]})
    outcome = source.compute(inputs_of("beliefs", run))
    found = analysis.compute(inputs_of("x", run, {"beliefs": outcome}, beliefs=source)).results
    assert found["future_2"]["r2"] > 0
    still = invented_run(SAME, context=4)
    outcome = source.compute(inputs_of("beliefs", still))
    found = analysis.compute(inputs_of("x", still, {"beliefs": outcome}, beliefs=source)).results
    assert found["future_2"]["r2"] is found["belief"]["r2"] is None


@pytest.mark.parametrize("against", [{"kind": "future", "k": 3}, ["belief", {"kind": "future", "k": 3}, "next_token"]])
def test_distances_between_futures_are_those_between_distributions_of_words(against: Any) -> None:
    run, source = invented_run(rrxor(), context=6), _regression(at="concat")
    analysis = Distances.model_validate({"of": "beliefs", "against": against})
    around = surroundings(run, beliefs=source)
    assert analysis.problems(around) == []
    known = source.compute(inputs_of("beliefs", run))
    outcome = analysis.compute(inputs_of("x", run, {"beliefs": known}, beliefs=source))
    assert_shape(outcome.results, analysis.results(around))
    assert len(analysis.figures(outcome, inputs_of("x", run))) == 1
    beliefs = np.unique(known.arrays["belief"].round(12), axis=0)
    ahead = beliefs @ word_vectors(run.process, 3)
    left, right = np.triu_indices(len(beliefs), 1)
    true = np.linalg.norm(ahead[left] - ahead[right], axis=1)
    assert np.allclose(np.sort(outcome.arrays["future_3"]), np.sort(true), atol=1e-6)


def test_futures_of_a_generalized_process_do_not_depend_on_its_coordinates() -> None:
    """Scores of `future(k)` are the same in any basis; those of the belief are those of its basis."""
    run, other = invented_run(PLAIN, context=4), invented_run(MOVED, context=4)
    activations = run.activations()
    object.__setattr__(other, "activations", lambda step=None, tree=None: activations)
    analysis = _regression(target=[{"kind": "future", "k": 2}, "belief"], at="concat")
    first, second = (analysis.compute(inputs_of("x", one)).results for one in (run, other))
    assert first["future_2"]["r2"] == pytest.approx(second["future_2"]["r2"], abs=1e-9)
    assert first["belief"]["r2"] != pytest.approx(second["belief"]["r2"], abs=1e-6)


@pytest.mark.parametrize(
    ("process", "target", "code"),
    [
        (rrxor(), {"kind": "future", "k": 17}, "E0560"),
        (mess3(), ["belief", {"kind": "future", "k": 11}], "E0560"),
        (PLAIN, ["belief", "state"], "E0561"),
        (rrxor(), "future_2", "E0825"),
        (rrxor(), [{"kind": "future", "k": 2}, {"kind": "future", "k": 2}], "E0822"),
    ],
)
def test_a_target_that_cannot_be_read_is_known_before_the_run(process: Process, target: Any, code: str) -> None:
    (problem,) = _regression(target=target).problems(surroundings(invented_run(process, context=3, width=4)))
    assert problem.code == code
    if code == "E0561":
        assert "`future(k)`" in problem.help
        assert "`state`" not in problem.help
    if code == "E0560":
        V, k = len(process.tokens), 17 if process.name == "rrxor" else 11
        assert f"{V**k:,} columns" in problem.message
        assert problem.help == f"write `future({k - 1})` or less"


def test_drawn_words_say_how_sure_the_states_r2_is() -> None:
    run = invented_run(rrxor(), context=5)
    analysis = _regression(target=["belief", "state"], at="concat", histories={"kind": "sampled", "words": 200})
    outcome: Outcome = analysis.compute(inputs_of("x", run))
    errors = outcome.facts["standard error of R²"]
    assert 0 < errors["state.concat"] < 0.2
    assert 0 < errors["belief.concat"] < 0.2
