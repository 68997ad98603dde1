"""Distances between represented beliefs against those between true ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.analysis.distances import compute as belief_distances
from hmmdsl.analysis.distances.compute import compute, correlate
from hmmdsl.analysis.distances.record import Distances
from hmmdsl.analysis.loss.record import Loss
from hmmdsl.analysis.outcome import Outcome
from hmmdsl.analysis.regression.record import Regression
from hmmdsl.process.distinct import centres
from hmmdsl.training.trained import Trained
from tests.analysis.invented import inputs_of, invented_run, mess3, surroundings
from tests.analysis.other_coordinates import CHANGE, MOVED, PLAIN
from tests.analysis.shapes import assert_shape


def _regression(**options: Any) -> Regression:
    return Regression.model_validate({"of": "fit", **options})


def _run(analysis: Distances, source: Regression, run: Trained) -> Outcome:
    outcome = source.compute(inputs_of("beliefs", run))
    return analysis.compute(inputs_of("x", run, {"beliefs": outcome}, beliefs=source))


@pytest.mark.parametrize(
    ("of", "options"),
    [
        ("beliefs.concat", {"at": ["blocks", "concat"]}),
        ("beliefs.block[1]", {"at": "blocks"}),
        ("beliefs", {"at": "concat"}),
        ("beliefs.belief.concat", {"at": ["concat"], "target": ["next_token", "belief"]}),
        ("beliefs.belief", {"at": "final_norm", "target": ["belief"]}),
    ],
)
@pytest.mark.parametrize("against", ["belief", ["belief", "next_token"]])
def test_results_have_the_announced_shape(of: str, options: Any, against: Any) -> None:
    source, run = _regression(**options), invented_run()
    analysis = Distances(of=of, against=against)
    around = surroundings(run, beliefs=source)
    assert analysis.problems(around) == []
    assert analysis.needs() == ("beliefs",)
    assert_shape(_run(analysis, source, run).results, analysis.results(around))


def test_rrxor_has_595_pairs_of_beliefs() -> None:
    run = invented_run(context=8)
    results = _run(Distances(of="beliefs", against=["belief", "next_token"]), _regression(at="concat"), run).results
    assert results["belief"]["pairs"] == 595
    assert results["belief"]["r2"] > 0.95 > results["next_token"]["r2"]
    assert results["belief"]["standard_error"] == 0


def test_a_perfect_representation_correlates_perfectly() -> None:
    run = invented_run()
    source = _regression(at="concat")
    known = source.compute(inputs_of("beliefs", run))
    perfect = {**known.arrays, "belief.concat.predicted": (2 * run.tree.belief + 1)}
    outcome = compute(
        Distances(of="beliefs"), inputs_of("x", run, {"beliefs": Outcome(known.results, perfect, known.facts)}, beliefs=source)
    )
    assert outcome.results["r2"] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("of", "source"),
    [
        ("beliefs", _regression(at="blocks")),
        ("beliefs.concat", _regression(at=["blocks"])),
        ("beliefs.block[7]", _regression(at=["blocks"])),
        ("beliefs.concat", _regression(at="concat")),
        ("beliefs", _regression(at="concat", target="next_token")),
        ("beliefs.next_token.concat", _regression(at=["concat"], target=["belief", "next_token"])),
        ("beliefs", Loss(of="fit")),
    ],
)
def test_a_path_that_leads_to_no_map_of_beliefs_is_a_mistake(of: str, source: Any) -> None:
    problems = Distances(of=of).problems(surroundings(invented_run(), beliefs=source))
    assert [(problem.code, problem.path) for problem in problems] == [("E0823", ("of",))]
    assert problems[0].help


def test_the_help_names_the_paths_there_are() -> None:
    around = surroundings(invented_run(), beliefs=_regression(at=["blocks", "concat"], target=["belief", "next_token"]))
    (problem,) = Distances(of="beliefs.concat").problems(around)
    assert problem.help == "write one of `beliefs.belief.block[0]`, `beliefs.belief.block[1]`, `beliefs.belief.concat`"


@given(st.integers(3, 200), st.integers(0, 1000))
def test_the_squared_correlation_is_numpys(pairs: int, seed: int) -> None:
    a, b = np.random.default_rng(seed).normal(size=(2, pairs))
    assert correlate(a, b).r2 == pytest.approx(np.corrcoef(a, b)[0, 1] ** 2, abs=1e-12)


def test_distances_that_are_all_equal_correlate_with_nothing() -> None:
    assert correlate(np.full(5, 0.1), np.arange(5.0)).r2 is None
    assert correlate(np.ones(1), np.ones(1)).r2 is None


def test_centres_are_weighted_means() -> None:
    points = np.array([[0.0], [1.0], [5.0]])
    assert centres(points, np.array([3.0, 1.0, 2.0]), np.array([0, 0, 1])).tolist() == [[0.25], [5.0]]


def test_the_standard_error_is_the_spread_over_samples_of_pairs() -> None:
    random = np.random.default_rng(0)
    found = []
    for _ in range(200):
        a = random.exponential(size=2000)
        found.append(correlate(a, a + random.normal(size=2000), all_pairs=False))
    spread = np.std([one.r2 for one in found if one.r2 is not None])
    assert np.mean([one.standard_error for one in found if one.standard_error is not None]) == pytest.approx(spread, rel=0.2)


def test_many_pairs_are_sampled_with_a_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    run = invented_run(mess3(), context=5)
    source, analysis = _regression(at="concat"), Distances(of="beliefs")
    everything = _run(analysis, source, run).results
    monkeypatch.setattr(belief_distances, "MOST_PAIRS", 5_000)
    sampled = _run(analysis, source, run)
    assert sampled.results == _run(analysis, source, run).results
    assert sampled.results["pairs"] == 5_000 < everything["pairs"]
    assert abs(sampled.results["r2"] - everything["r2"]) < 5 * sampled.results["standard_error"]


def test_coordinates_of_a_generalized_process_change_no_distance() -> None:
    analysis, source = Distances(of="beliefs", against=["belief", "next_token"]), _regression(at="concat")
    run = invented_run(PLAIN, context=4)
    outcome = source.compute(inputs_of("beliefs", run))
    there = {
        name: array @ CHANGE if name == "belief" or name.endswith(".predicted") else array
        for name, array in outcome.arrays.items()
    }
    first = analysis.compute(inputs_of("x", run, {"beliefs": outcome}, beliefs=source))
    other = invented_run(MOVED, context=4)
    second = analysis.compute(inputs_of("x", other, {"beliefs": Outcome(outcome.results, there, outcome.facts)}, beliefs=source))
    for against in ("belief", "next_token"):
        assert first.results[against]["r2"] == pytest.approx(second.results[against]["r2"], abs=1e-6)
    assert first.facts["metric"] == "the next token"
    figures, caption = analysis.figures(first, inputs_of("x", run)), analysis.caption("scatter", first)
    assert set(figures) == {"scatter"}
    assert "distributions of the next token" in caption


CONTROLS = ["held_out", "untrained", {"kind": "shuffled", "repeats": 3}, {"kind": "noise", "repeats": 1}]


@pytest.mark.parametrize("against", ["belief", ["belief", "next_token"]])
def test_controls_stand_beside_the_distances(against: Any) -> None:
    source, run = _regression(at="concat", controls=["held_out"]), invented_run()
    analysis = Distances.model_validate({"of": "beliefs", "against": against, "controls": CONTROLS})
    around = surroundings(run, beliefs=source)
    assert analysis.problems(around) == []
    outcome = _run(analysis, source, run)
    assert_shape(outcome.results, analysis.results(around))
    found = outcome.results["belief"] if isinstance(against, list) else outcome.results
    first = Distances(of="beliefs").compute_at_checkpoint(inputs_of("x", run, beliefs=source), 0).results
    assert found["untrained"]["r2"] == pytest.approx(first["r2"], abs=1e-9)
    assert found["r2"] > found["held_out"]["r2"] > found["untrained"]["r2"]


def test_beliefs_that_were_put_in_others_places_are_as_far_apart_as_their_fit_overfits() -> None:
    """With as many features as histories any permutation of beliefs is represented, its distances too: by chance alone."""
    source, run = _regression(at="concat", ridge="none", controls=["held_out"]), invented_run(context=4, width=16)
    assert sum(run.model.points().values()) > len(run.tree)
    found = _run(Distances.model_validate({"of": "beliefs", "controls": CONTROLS}), source, run).results
    assert found["shuffled"]["r2"]["min"] > 0.9
    assert found["noise"]["r2"] > 0.9
    assert found["held_out"]["r2"] < found["r2"] - 0.005


def test_distances_of_unseen_histories_need_a_regression_that_holds_some_out() -> None:
    around = surroundings(invented_run(), beliefs=_regression(at="concat"))
    (problem,) = Distances.model_validate({"of": "beliefs", "controls": ["held_out"]}).problems(around)
    assert (problem.code, problem.path) == ("E0546", ("controls", 0))
