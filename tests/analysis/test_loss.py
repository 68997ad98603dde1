"""Loss by position against the myopic entropies."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from hmmdsl.analysis.loss.record import Loss
from hmmdsl.process.history_tree import history_weights
from tests.analysis.invented import inputs_of, invented_run, mess3, surroundings
from tests.analysis.shapes import assert_shape


@pytest.mark.parametrize("bos", [False, True])
def test_results_have_the_announced_shape(bos: bool) -> None:
    run, analysis = invented_run(bos=bos), Loss(of="fit")
    inputs, around = inputs_of("x", run), surroundings(run)
    assert_shape(analysis.compute(inputs).results, analysis.results(around))
    assert_shape(analysis.compute_at_checkpoint(inputs, 0).results, analysis.results_at_checkpoint(around))


def test_the_optimum_is_the_myopic_entropy() -> None:
    results = Loss(of="fit").compute(inputs_of("x", invented_run(context=5))).results
    bits = [one["optimum"] / np.log(2) for one in results["position"]]
    assert bits == pytest.approx([1, 0.9183, 0.9067, 0.8637, 0.8333], abs=5e-5)


def test_the_total_is_the_mean_over_positions_and_over_histories() -> None:
    run = invented_run(mess3(), context=4)
    results = Loss(of="fit").compute(inputs_of("x", run)).results
    assert results["loss"] == pytest.approx(np.mean([one["loss"] for one in results["position"]]))
    cross_entropy = -(run.tree.next_token * run.log_probabilities()).sum(axis=1)
    assert results["loss"] == pytest.approx(history_weights(run.tree) @ cross_entropy, abs=1e-12)
    assert results["gap"] == pytest.approx(results["loss"] - results["optimum"], abs=1e-12)


def test_the_gap_falls_along_training() -> None:
    run = invented_run()
    gaps = [Loss(of="fit").compute_at_checkpoint(inputs_of("x", run), step).results["gap"] for step in run.steps]
    assert all(after < before for before, after in pairwise(gaps))
    assert gaps[-1] > 0


def test_drawn_histories_say_how_sure_the_gap_is() -> None:
    run = invented_run()
    outcome = Loss.model_validate({"of": "fit", "histories": {"kind": "sampled", "words": 500}}).compute(inputs_of("x", run))
    assert outcome.facts["histories"].startswith("sampled, 500 words")
    assert outcome.facts["standard error of the gap"].endswith("nats")
    exact = Loss(of="fit").compute(inputs_of("x", run)).results["gap"]
    assert abs(outcome.results["gap"] - exact) < 5 * float(outcome.facts["standard error of the gap"].split()[0])


def test_another_process_needs_the_same_tokens() -> None:
    around = surroundings(invented_run(), {"other": mess3()})
    assert [problem.code for problem in Loss(of="fit", on="other").problems(around)] == ["E0820"]
