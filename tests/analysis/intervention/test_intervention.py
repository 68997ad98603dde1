"""Predictions after another belief was written into the residual stream."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from hmmdsl.analysis.intervention import compute as steer
from hmmdsl.analysis.intervention.compute import Aim
from hmmdsl.analysis.intervention.record import Intervention
from hmmdsl.analysis.loss.record import Loss
from hmmdsl.analysis.outcome import Outcome
from hmmdsl.analysis.reading.continuation import Continuation
from hmmdsl.analysis.reading.losses import divergences
from hmmdsl.analysis.regression.record import Regression
from hmmdsl.models.build import build_network
from hmmdsl.models.layout import tree_layout, word_layout
from hmmdsl.models.network import Network
from hmmdsl.process.history_tree import build_history_tree, history_weights, words_of
from hmmdsl.process.process import Process
from hmmdsl.schema.models.lstm import LSTM
from hmmdsl.training.objective import predictions
from tests.analysis.invented import inputs_of, surroundings
from tests.analysis.real_networks import RealRun, real_run
from tests.analysis.shapes import assert_drawn_whole, assert_shape
from tests.models.networks import KINDS, wide

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
    for figure in figures.values():
        assert_drawn_whole(figure)


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


def test_results_are_the_same_each_time_whatever_the_name(mess3: Process) -> None:
    run, analysis = real_run(mess3, 3), _intervention(to="uniform", controls=CONTROLS)
    assert _run(analysis, run).results == _run(analysis, run).results
    other = analysis.compute(replace(inputs_of("x", run, beliefs=BELIEFS), name="y"))
    assert other.results == _run(analysis, run).results


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


class OtherRun(RealRun):
    """A run of a network of another kind."""

    def network(self, step: int | None = None) -> Network:
        return wide(self.model, len(self.process.tokens), 1 if step == 0 else 0)


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm", "ssm", "embedded mlp"])
def test_other_networks_go_on_from_a_changed_hidden_state(kind: str, mess3: Process) -> None:
    model = KINDS[kind].model_copy(update={"context": 3})
    tree = build_history_tree(mess3, 3)
    alike = real_run(mess3, 3)
    run = OtherRun(**{each.name: getattr(alike, each.name) for each in fields(alike)} | {"model": model, "tree": tree})
    source = Regression.model_validate({"of": "fit", "at": ["blocks"]})
    analysis = _intervention(probe="beliefs.block[0]", controls=CONTROLS, strengths=[0, 1])
    around = surroundings(run, beliefs=source)
    assert [problem for problem in analysis.problems(around) if problem.code.startswith("E")] == []
    outcome = _run(analysis, run, source)
    assert_shape(outcome.results, analysis.results(around))
    # By brute force: the hidden state of the last token of each word by itself, and the layers above it.
    network, random = run.network(), np.random.default_rng(0)
    change = random.normal(size=(len(tree), model.points()["block[0]"]))
    found = Continuation.of(network, tree, "block[0]", "own").log_probabilities(change)
    for i, word in enumerate(words_of(tree)):
        layout = word_layout(torch.tensor([list(word[word >= 0])]))
        with torch.no_grad():
            stream = dict(network.stream(layout))["block[0]"].clone()
            stream[-1] += torch.tensor(change[i], dtype=stream.dtype)
            alone = network.logits_from("block[0]", layout, stream)[-1].log_softmax(dim=0)
        np.testing.assert_allclose(found[i], alone.numpy(), atol=1e-5)


def test_a_change_of_the_last_hidden_state_is_read_by_the_unembedding_alone(mess3: Process) -> None:
    network, tree = wide(KINDS["lstm"].model_copy(update={"context": 3}), 3), build_history_tree(mess3, 3)
    change = np.random.default_rng(0).normal(size=(len(tree), 7))
    found = Continuation.of(network, tree, "block[1]", "own").log_probabilities(change)
    with torch.no_grad():
        hidden = network.residuals_on_tree(tree_layout(tree))["block[1]"] + torch.tensor(change, dtype=torch.float32)
        expected = (hidden @ network.unembedding.T + network.unembedding_bias).log_softmax(dim=1)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


def test_what_layers_carry_is_read_and_not_written(mess3: Process) -> None:
    source = Regression.model_validate({"of": "fit", "at": ["blocks", "cells"]})
    around = replace(surroundings(real_run(mess3, 3), beliefs=source), models={"net": LSTM(d_model=8, context=3, layers=2)})
    assert [problem.code for problem in _intervention(probe="beliefs.cell[1]").problems(around)] == ["E0545"]
    at_norm = _intervention(probe="beliefs.block[1]", at="final_norm")
    assert [problem.code for problem in at_norm.problems(around)] == ["E0576"]
    outside = _intervention(probe="beliefs.block[1]", at={"kind": "block", "index": 2})
    assert [problem.code for problem in outside.problems(around)] == ["E0576"]


def test_ablation_takes_no_new_belief() -> None:
    with pytest.raises(ValidationError, match="no belief to steer to"):
        _intervention(mode="ablate", to="uniform")
    ablation = _intervention(mode="ablate")
    assert ablation.aims == ("mean",)
    assert _intervention().aims == ("counterfactual",)
    assert Intervention.model_validate(ablation.model_dump()) == ablation


def test_a_network_of_the_next_two_tokens_is_scored_by_the_first(mess3: Process) -> None:
    spec = KINDS["gru"].model_copy(update={"context": 3})
    network, tree = build_network(spec, 3, 0, 9).eval(), build_history_tree(mess3, 3)
    found = Continuation.of(network, tree, "block[0]", "own").log_probabilities(np.zeros((len(tree), 7)))
    np.testing.assert_allclose(found, predictions(network, tree), atol=1e-5)
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1.0)
