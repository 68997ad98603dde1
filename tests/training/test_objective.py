"""The expected loss against brute force over words, drawn words, and its parts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from hmmdsl.models.transformer import TransformerNetwork
from hmmdsl.process.history_tree import build_history_tree, optimal_losses, sample_history_tree
from hmmdsl.process.process import Process
from hmmdsl.schema.base import AutoHistories, Exact, SampledHistories
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.training import objective
from hmmdsl.training.histories import histories_of, withheld
from hmmdsl.training.objective import activations_on_tree, drawn_loss, evaluate, expected_loss
from hmmdsl.training.words import WordSource
from tests.training.expectations import all_words, gradient

CPU = torch.device("cpu")


def network_for(process: Process, bos: bool = False, context: int = 4) -> TransformerNetwork:
    spec = Transformer(layers=2, heads=2, d_model=8, d_head=4, d_mlp=16, context=context, bos=bos, initial_sd=0.5)
    return TransformerNetwork(spec, len(process.tokens))


@pytest.mark.parametrize("bos", [False, True])
@pytest.mark.parametrize("name", ["rrxor", "mess3"])
def test_the_exact_loss_is_the_expectation_over_all_words(name: str, bos: bool, request: pytest.FixtureRequest) -> None:
    process: Process = request.getfixturevalue(name)
    network = network_for(process, bos)
    tree = build_history_tree(process, 4, bos)
    loss = expected_loss(tree, np.zeros(len(tree), dtype=bool), CPU).backward(network)
    exact = gradient(network)
    words, probability = all_words(process, 5)
    logits = network(words[:, :-1])
    each = F.cross_entropy(logits.transpose(1, 2), words if bos else words[:, 1:], reduction="none").mean(1)
    brute = (probability * each).sum()
    brute.backward()
    assert loss == pytest.approx(brute.item(), abs=1e-6)
    torch.testing.assert_close(exact, gradient(network), atol=1e-6, rtol=1e-4)
    assert evaluate(network, tree).loss == pytest.approx(loss, abs=1e-6)


@pytest.mark.parametrize("bos", [False, True])
def test_the_gradient_of_drawn_words_converges_to_the_exact_one(bos: bool, rrxor: Process) -> None:
    network, tree = network_for(rrxor, bos), build_history_tree(rrxor, 4, bos)
    expected_loss(tree, np.zeros(len(tree), dtype=bool), CPU).backward(network)
    exact = gradient(network)
    errors = []
    for words in (1_000, 100_000):
        drawn_loss(network, WordSource(rrxor, 5, CPU, 3).draw(words)).backward()
        errors.append(float((gradient(network) - exact).norm() / exact.norm()))
    assert errors[1] < 0.02
    assert errors[1] < errors[0] / 3  # a hundred times the words, a tenth of the error


def test_a_large_tree_in_parts_has_the_same_gradient(mess3: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    network, tree = network_for(mess3), build_history_tree(mess3, 4)
    nothing = np.zeros(len(tree), dtype=bool)
    loss, whole = expected_loss(tree, nothing, CPU).backward(network), gradient(network)
    layouts = objective.tree_layouts
    monkeypatch.setattr(objective, "tree_layouts", lambda tree, device: layouts(tree, device, 20))
    in_parts = expected_loss(tree, nothing, CPU)
    assert len(in_parts.parts) > 3
    assert in_parts.backward(network) == pytest.approx(loss, abs=1e-6)
    torch.testing.assert_close(gradient(network), whole, atol=1e-6, rtol=1e-4)


def test_the_optimum_is_the_mean_myopic_entropy(mess3: Process) -> None:
    tree = build_history_tree(mess3, 4)
    found = expected_loss(tree, np.zeros(len(tree), dtype=bool), CPU).optimum
    assert found == pytest.approx(float(optimal_losses(tree).mean()), abs=1e-12)
    assert evaluate(network_for(mess3), tree).gap > 0


@pytest.mark.parametrize("bos", [False, True])
def test_withheld_subtrees_give_no_gradient(bos: bool, rrxor: Process) -> None:
    tree = build_history_tree(rrxor, 6, bos)
    left_out = withheld(tree, 0.3, 0)
    half = tree.levels[3 - (0 if bos else 1)]
    end = tree.levels[4 - (0 if bos else 1)]
    assert not left_out[:half].any()
    assert tree.probability[half:end][left_out[half:end]].sum() == pytest.approx(0.3, abs=0.1)
    below = np.arange(len(tree)) >= end
    assert np.array_equal(left_out[below], left_out[tree.parent[below]])
    found = expected_loss(tree, left_out, CPU)
    rows = found.targets[0][found.parts[0].row]
    assert not rows[torch.tensor(left_out)].any()
    assert float(found.targets[0].sum()) == pytest.approx(1, abs=1e-5)
    assert not np.array_equal(left_out, withheld(tree, 0.3, 1))


def test_drawn_words_have_the_probabilities_of_the_process(mess3: Process) -> None:
    _, probability = all_words(mess3, 3)
    drawn = WordSource(mess3, 3, CPU, 0).draw(200_000)
    counts = torch.bincount((drawn * torch.tensor([9, 3, 1])).sum(1), minlength=27) / 200_000
    assert (counts - probability).abs().max() < 5 * (0.25 / 200_000) ** 0.5
    source = WordSource(mess3, 3, CPU, 0)
    assert torch.equal(source.draw(200_000), drawn)
    assert not torch.equal(source.draw(200_000), drawn)


def test_impossible_words_are_never_drawn(rrxor: Process) -> None:
    words, probability = all_words(rrxor, 6)
    possible = {tuple(word.tolist()) for word, p in zip(words, probability, strict=True) if p > 0}
    assert {tuple(word.tolist()) for word in WordSource(rrxor, 6, CPU, 1).draw(20_000)} == possible


def test_auto_histories_are_exact_while_they_are_few(mess3: Process) -> None:
    assert histories_of(mess3, 5, False, AutoHistories(), 0).source == "exact"
    assert histories_of(mess3, 12, False, AutoHistories(), 0).source == "sampled"
    assert len(histories_of(mess3, 3, True, Exact(), 0)) == 40
    drawn = histories_of(mess3, 5, False, SampledHistories(words=50), 1)
    assert drawn.words == 50
    assert np.array_equal(drawn.token, histories_of(mess3, 5, False, SampledHistories(words=50), 1).token)


def test_activations_come_in_the_tree_s_order(mess3: Process) -> None:
    network, tree = network_for(mess3), sample_history_tree(mess3, 4, 30, 0)
    found = activations_on_tree(network, tree)
    assert list(found) == ["embedding", "block[0]", "block[1]", "final_norm"]
    expected = network.token[torch.tensor(tree.token)] + network.position[torch.tensor(tree.length - 1)]
    np.testing.assert_allclose(found["embedding"], expected.detach().numpy(), atol=1e-6)
