"""Activation patching between two histories."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hmmdsl.analysis.patching.compute import restored_shares
from hmmdsl.analysis.patching.record import Patching
from hmmdsl.analysis.reading.words import possible
from hmmdsl.process.algebra.product import product
from hmmdsl.process.process import Process
from hmmdsl.process.words import read_word
from tests.analysis.invented import inputs_of, surroundings
from tests.analysis.real_networks import real_run
from tests.analysis.shapes import assert_shape

CONTROLS = [{"kind": "random", "repeats": 4}, {"kind": "untrained"}]


def _patching(**options: Any) -> Patching:
    return Patching.model_validate({"of": "fit", "source": "0 1 1", "base": "0 0 1", **options})


@pytest.mark.parametrize("bos", [False, True])
@pytest.mark.parametrize("controls", [[], CONTROLS, [{"kind": "random", "repeats": 1}]])
def test_results_have_the_announced_shape(bos: bool, controls: Any, golden_mean: Process) -> None:
    run, analysis = real_run(golden_mean, 3, bos=bos), _patching(source="0 1 0", base="0 0 1", controls=controls)
    around = surroundings(run)
    assert analysis.problems(around) == []
    outcome = analysis.compute(inputs_of("x", run))
    assert_shape(outcome.results, analysis.results(around))
    assert set(analysis.figures(outcome, inputs_of("x", run))) == {"restored"}
    assert "0 1 0" in analysis.caption("restored", outcome)


@pytest.mark.parametrize("options", [{}, {"bos": True}, {"heads": 3, "positions": "rotary"}], ids=str)
def test_all_positions_at_once_give_the_sources_prediction(options: dict[str, Any], golden_mean: Process) -> None:
    run = real_run(golden_mean, 4, **options)
    results = _patching(source="0 1 0 0", base="1 0 0 1").compute(inputs_of("x", run)).results
    points = [results["embedding"], *results["block"], results["final_norm"]]
    assert [point["whole"]["restored"] for point in points] == pytest.approx([1.0] * 5, abs=1e-4)
    # After the last block only the last position is read.
    for point in points[-2:]:
        alone = [position["restored"] for position in point["position"]]
        assert alone == pytest.approx([0.0] * (len(alone) - 1) + [1.0], abs=1e-4)


def test_a_patch_is_a_forward_pass_with_a_hook(mess3: Process) -> None:
    network = real_run(mess3, 5).network()
    base, source = np.array([0, 1, 2, 0, 1]), np.array([2, 1, 0, 0, 1])
    before, shares = restored_shares(network, base, source[None])
    read = torch.tensor(np.stack([base, source]))
    wanted = network(read)[1, -1].double().log_softmax(0)
    there = network.residuals(read)["block[1]"][1]

    def divergence(logits: torch.Tensor) -> float:
        return float((wanted.exp() * (wanted - logits.double().log_softmax(0))).sum())

    assert before == pytest.approx(divergence(network(read)[0, -1]), rel=1e-4)
    for position in range(5):

        def hook(module: Any, arguments: Any, out: torch.Tensor, position: int = position) -> torch.Tensor:
            patched = out.clone()
            patched[position] = there[position]
            return patched

        handle = network.blocks[1].register_forward_hook(hook)
        expected = 1 - divergence(network(read[:1])[0, -1]) / before
        handle.remove()
        assert shares[0, 2, position] == pytest.approx(expected, abs=1e-4)


def test_patching_equal_tokens_in_the_embedding_does_nothing(mess3: Process) -> None:
    network = real_run(mess3, 5).network()
    before, shares = restored_shares(network, np.array([0, 1, 2, 0, 1]), np.array([[2, 1, 0, 0, 1]]))
    np.testing.assert_allclose(shares[0, 0, [1, 3, 4]] * before, 0, atol=1e-6)  # in nats, of float32 logits


def test_equal_histories_leave_nothing_to_restore(golden_mean: Process) -> None:
    run = real_run(golden_mean, 3)
    analysis = _patching(base="0 1 0", source="010")
    assert [problem.code for problem in analysis.problems(surroundings(run))] == ["W0983"]
    assert analysis.compute(inputs_of("x", run)).results["embedding"]["whole"]["restored"] is None


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"source": "0 2 1"}, "source"),
        ({"source": ""}, "source"),
        ({"base": "0 1 1"}, "base"),  # two ones never follow each other
        ({"base": "0 0"}, "base"),
        ({"base": "0 0 0 0", "source": "0 0 0 1"}, "source"),
    ],
)
def test_words_that_do_not_fit_are_mistakes(options: Any, path: str, golden_mean: Process) -> None:
    problems = _patching(**{"source": "0 1 0", "base": "0 0 1", **options}).problems(surroundings(real_run(golden_mean, 3)))
    assert {problem.code for problem in problems} == {"E0579"}
    assert problems[0].path == (path,)
    assert problems[0].help


def test_words_of_products_are_read_and_judged(golden_mean: Process, rrxor: Process) -> None:
    pair = product({"left": golden_mean, "right": rrxor})
    word = read_word(pair.tokens, "(1,0) (0, 1)")
    assert [pair.tokens[x] for x in word] == ["(1, 0)", "(0, 1)"]
    assert possible(word, pair)
    assert not possible(read_word(pair.tokens, "(1, 0) (1, 1)"), pair)
