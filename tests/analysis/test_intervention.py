"""Predictions after another belief was written into the residual stream."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from invented import inputs_of, surroundings
from pydantic import ValidationError
from real_networks import RealRun, real_run
from shapes import assert_shape

from hmmdsl.analysis.intervention import Intervention
from hmmdsl.analysis.loss import Loss
from hmmdsl.analysis.outcome import Outcome
from hmmdsl.analysis.probe.losses import divergences
from hmmdsl.analysis.regression import Regression
from hmmdsl.analysis.steering import steer
from hmmdsl.analysis.steering.aims import Aim
from hmmdsl.process.history_tree import history_weights, words_of
from hmmdsl.process.process import Process
from hmmdsl.spec.model import GRU
from hmmdsl.training.objective import predictions

BELIEFS = Regression.model_validate({"of": "fit", "at": ["embedding", "blocks", "final_norm", "concat"]})
CONTROLS = [{"kind": "random", "repeats": 3}, {"kind": "shuffled", "repeats": 1}, {"kind": "untrained"}]


def _intervention(**options: Any) -> Intervention:
    return Intervention.model_validate({"probe": "beliefs.block[2]", **options})


def _run(analysis: Intervention, run: RealRun, source: Regression = BELIEFS) -> Outcome:
    return analysis.compute(inputs_of("x", run, beliefs=source))


@pytest.mark.parametrize(
    "options",
    [
        {"controls": CONTROLS},
        {"to": ["counterfactual", "history", "uniform"], "controls": CONTROLS, "positions": "every"},
        {"to": ["history"], "mode": {"kind": "add", "strength": 2}, "probe": "beliefs.embedding", "strengths": []},
        {"mode": "ablate", "along": "weights", "controls": CONTROLS},
        {"probe": "beliefs.final_norm", "at": "embedding"},
    ],
)
def test_results_have_the_announced_shape(options: Any, mess3: Process) -> None:
    run, analysis = real_run(mess3, 3), _intervention(**options)
    around = surroundings(run, beliefs=BELIEFS)
    assert [problem for problem in analysis.problems(around) if problem.code.startswith("E")] == []
    assert analysis.needs() == ("beliefs",)
    outcome = _run(analysis, run)
    assert_shape(outcome.results, analysis.results(around))
    figures = analysis.figures(outcome, inputs_of("x", run))
    assert set(figures) == ({"strengths", "positions"} if analysis.strengths else {"positions"})
    assert all(len(analysis.caption(name, outcome)) > 40 for name in figures)


@pytest.mark.parametrize("mode", [{"kind": "replace"}, {"kind": "add", "strength": 1}])
@pytest.mark.parametrize("along", ["encoding", "weights"])
def test_a_historys_own_belief_changes_nothing_beyond_the_probes_error(
    mode: Any, along: str, mess3: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = real_run(mess3, 3)
    tree = run.tree
    own = Aim(tree.belief, tree.next_token, np.ones(len(tree), dtype=bool))
    monkeypatch.setattr(steer, "aim", lambda *_: own)
    analysis = _intervention(mode=mode, along=along)
    bench = steer.Bench.of(steer._setting(analysis, inputs_of("x", run, beliefs=BELIEFS)), None)
    error = tree.belief - bench.subspace.reading(bench.activations)
    change = bench.change(own)
    if analysis.mode.kind == "add":
        np.testing.assert_allclose(change, 0, atol=1e-12)
    else:
        np.testing.assert_allclose(change, bench.subspace.change(error), atol=1e-12)
        np.testing.assert_allclose(bench.subspace.reading(bench.activations + change), tree.belief, atol=1e-7)


def test_strength_zero_leaves_the_gap_of_the_network(mess3: Process) -> None:
    run = real_run(mess3, 3)
    results = _run(_intervention(strengths=[0, 1]), run).results
    gap = history_weights(run.tree) @ divergences(run.tree, predictions(run.network(), run.tree))
    assert results["before"]["old"] == pytest.approx(gap, rel=1e-4)
    zero, one = results["strength"]
    assert {name: zero[name] for name in ("old", "new")} == results["before"]
    assert {name: one[name] for name in ("old", "new")} == results["after"]


def test_the_divergences_are_those_of_the_definition(mess3: Process) -> None:
    run = real_run(mess3, 3)
    outcome = _run(_intervention(), run)
    optimum, predicted = (outcome.arrays[f"counterfactual.{name}"].astype(float) for name in ("optimum", "predicted"))
    weights = history_weights(run.tree)
    assert outcome.results["after"]["new"] == pytest.approx(
        weights @ (optimum * np.log(optimum / predicted)).sum(axis=1), rel=1e-4
    )
    old = (run.tree.next_token * np.log(run.tree.next_token / predicted)).sum(axis=1)
    assert outcome.results["after"]["old"] == pytest.approx(weights @ old, rel=1e-4)
    by_length = [one["after"]["old"] for one in outcome.results["position"]]
    assert np.mean(by_length) == pytest.approx(outcome.results["after"]["old"], rel=1e-6)


def test_steering_a_network_that_predicts_from_the_belief_succeeds(mess3: Process) -> None:
    """The stream at the final norm is made of log probabilities, which the unembedding reads: there the optimum is known."""
    run = real_run(mess3, 3, norm="none")
    network = run.network()

    class Ideal(RealRun):
        def network(self, step: int | None = None) -> Any:
            return network

        def activations(self, step: int | None = None, tree: Any = None) -> Any:
            return {**super().activations(step, tree), "final_norm": stream}

    wanted = np.log(run.tree.next_token)
    inverse = np.linalg.pinv(network.unembedding.numpy().astype(float))
    stream = ((wanted - network.unembedding_bias.numpy()) @ inverse.T).astype(np.float32)
    ideal = Ideal(
        **{name: getattr(run, name) for name in ("name", "train", "model", "process", "tree", "folder", "steps")},
        loss=0,
        optimum=0,
        gap=0,
        parameters=1,
        curve=(),
        device="cpu",
    )
    analysis = _intervention(probe="beliefs.final_norm")
    bench = steer.Bench.of(steer._setting(analysis, inputs_of("x", ideal, beliefs=BELIEFS)), None)
    new = steer.aim("history", mess3, run.tree, np.random.default_rng(0))
    after = stream + bench.change(new)
    logits = after @ network.unembedding.numpy().T + network.unembedding_bias.numpy()
    reached = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    before = np.abs(run.tree.next_token - new.next_token).mean()
    assert np.abs(reached - new.next_token).mean() < 0.25 * before


def test_results_are_the_same_each_time_and_differ_by_name(mess3: Process) -> None:
    run, analysis = real_run(mess3, 3), _intervention(to="uniform", controls=CONTROLS)
    assert _run(analysis, run).results == _run(analysis, run).results
    other = analysis.compute(replace(inputs_of("x", run, beliefs=BELIEFS), name="y"))
    assert other.results["after"] != _run(analysis, run).results["after"]


def test_histories_without_a_counterfactual_are_left_out_and_told(golden_mean: Process) -> None:
    """After a one comes a zero."""
    run = real_run(golden_mean, 4)
    outcome = _run(_intervention(), run)
    certain = sum(
        tuple(word)[length - 2 : length] == (1, 0) for word, length in zip(words_of(run.tree), run.tree.length, strict=True)
    )
    assert certain > 0
    assert outcome.facts["without a counterfactual belief"] == f"{certain} histories, left out"


@pytest.mark.parametrize(
    ("options", "source", "code", "path"),
    [
        ({"probe": "beliefs.concat"}, BELIEFS, "E0575", ("probe",)),
        ({"probe": "beliefs"}, BELIEFS, "E0575", ("probe",)),
        ({"probe": "beliefs"}, Loss(of="fit"), "E0575", ("probe",)),
        (
            {"probe": "beliefs"},
            Regression.model_validate({"of": "fit", "at": "final_norm", "target": "next_token"}),
            "E0575",
            None,
        ),
        ({"at": {"kind": "block", "index": 3}}, BELIEFS, "E0576", ("at",)),
        ({"at": {"kind": "block", "index": 1}}, BELIEFS, "W0982", ("at",)),
        ({"to": ["history", "history"]}, BELIEFS, "E0822", ("to", 1)),
        ({"controls": ["untrained", "untrained"]}, BELIEFS, "E0822", ("controls", 1)),
    ],
)
def test_mistakes_are_told_at_their_place(options: Any, source: Any, code: str, path: Any, mess3: Process) -> None:
    problems = _intervention(**options).problems(surroundings(real_run(mess3, 3), beliefs=source))
    assert [problem.code for problem in problems] == [code]
    assert path is None or problems[0].path == path
    assert problems[0].help


def test_its_own_point_is_no_other(mess3: Process) -> None:
    analysis = _intervention(at={"kind": "block", "index": 2})
    assert analysis.problems(surroundings(real_run(mess3, 3), beliefs=BELIEFS)) == []


def test_other_networks_are_refused(mess3: Process) -> None:
    around = surroundings(real_run(mess3, 3), beliefs=Regression.model_validate({"of": "fit", "at": "blocks"}))
    other = replace(around, models={"net": GRU(d_model=8, context=3, layers=3)})
    assert [problem.code for problem in _intervention().problems(other)] == ["E0578"]


def test_ablation_takes_no_new_belief() -> None:
    with pytest.raises(ValidationError, match="no belief to steer to"):
        _intervention(mode="ablate", to="uniform")
