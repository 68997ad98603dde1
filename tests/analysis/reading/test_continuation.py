"""The forward pass goes on from a changed stream as it does with a hook in a plain forward pass, history by history."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hmmdsl.analysis.reading.continuation import Continuation, with_copies
from hmmdsl.models.layout import tree_layout
from hmmdsl.models.transformer import TransformerNetwork
from hmmdsl.process.history_tree import ancestors, build_history_tree, words_of
from hmmdsl.process.process import Process
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.training.objective import predictions
from tests.analysis.real_networks import random_network

SMALL = {"layers": 3, "d_model": 12, "d_head": 4, "d_mlp": 20, "context": 4, "initial_sd": 0.4}
POINTS = ["embedding", "block[0]", "block[2]", "final_norm"]


def hooked(network: TransformerNetwork, word: list[int], point: str, added: dict[int, np.ndarray]) -> np.ndarray:
    """log Pr(next token | word) where the stream at the point is changed at some positions, by a hook on the module there."""

    def hook(module: torch.nn.Module, arguments: Any, out: torch.Tensor) -> torch.Tensor:
        changed = out.clone()
        for position, change in added.items():
            changed[position] += torch.from_numpy(change).float()
        return changed

    def before(module: torch.nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        return (hook(module, (), arguments[0]), *arguments[1:])

    if point == "embedding":
        handle = network.blocks[0].register_forward_pre_hook(before)
    elif point == "final_norm":
        handle = network.norm.register_forward_hook(hook)
    else:
        handle = network.blocks[int(point[6:-1])].register_forward_hook(hook)
    try:
        logits = network(torch.tensor([word]))[0, -1].double()
    finally:
        handle.remove()
    return logits.log_softmax(dim=0).numpy()


@pytest.mark.parametrize("positions", ["own", "every"])
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("options", [{}, {"heads": 3, "positions": "rotary"}, {"bos": True}], ids=str)
def test_it_is_a_plain_forward_pass_with_a_hook(options: dict[str, Any], point: str, positions: Any, mess3: Process) -> None:
    spec = Transformer(**SMALL, **options)
    network, tree = random_network(spec, 3), build_history_tree(mess3, 4, spec.bos)
    change = np.random.default_rng(0).normal(size=(len(tree), 12))
    found = Continuation.of(network, tree, point, positions).log_probabilities(change)
    words, path = words_of(tree), ancestors(tree)
    for node in np.random.default_rng(1).integers(0, len(tree), 25):
        word = [int(token) for token in words[node] if token >= 0]
        prefixes = [int(prefix) for prefix in path[node] if prefix >= 0]
        changed = {len(prefixes) - 1: change[node]} if positions == "own" else {p: change[h] for p, h in enumerate(prefixes)}
        np.testing.assert_allclose(found[node], hooked(network, word, point, changed), atol=2e-5)


@pytest.mark.parametrize("positions", ["own", "every"])
def test_no_change_leaves_the_predictions(positions: Any, rrxor: Process) -> None:
    spec = Transformer(**{**SMALL, "context": 6})
    network, tree = random_network(spec, 2), build_history_tree(rrxor, 6)
    found = Continuation.of(network, tree, "block[1]", positions).log_probabilities(np.zeros((len(tree), 12)))
    np.testing.assert_allclose(found, predictions(network, tree), atol=1e-5)


def test_a_large_tree_goes_through_in_parts(monkeypatch: pytest.MonkeyPatch, mess3: Process) -> None:
    from hmmdsl.analysis.reading import continuation

    network, tree = random_network(Transformer(**SMALL), 3), build_history_tree(mess3, 4)
    change = np.random.default_rng(0).normal(size=(len(tree), 12))
    whole = Continuation.of(network, tree, "block[0]", "own").log_probabilities(change)
    cut = continuation.tree_layouts
    monkeypatch.setattr(continuation, "tree_layouts", lambda tree, device: cut(tree, device, 37))
    parted = Continuation.of(network, tree, "block[0]", "own")
    assert len(parted.parts) > 1
    np.testing.assert_allclose(parted.log_probabilities(change), whole, atol=1e-5)


@pytest.mark.parametrize("bos", [False, True])
def test_copies_stand_beside_their_originals_and_have_no_children(bos: bool, rrxor: Process) -> None:
    tree = build_history_tree(rrxor, 5, bos)
    both = with_copies(tree)
    assert np.array_equal(words_of(both)[::2], words_of(tree))
    assert np.array_equal(words_of(both)[1::2], words_of(tree))
    assert not (both.parent[both.parent >= 0] % 2).any()
    assert np.array_equal(both.belief[1::2], tree.belief)
    assert np.array_equal(tree_layout(both).history, np.arange(2 * len(tree)))
