"""The estimate of memory: it grows as it must, and is not far from what training keeps."""

from __future__ import annotations

import pytest

from hmmdsl.spec.memory import LARGEST_PART, activation_floats, block_size, tree_training_bytes
from hmmdsl.spec.model import Transformer

PAPER = Transformer(layers=4, heads=1, d_head=8, d_model=64, d_mlp=256, context=10)


def test_activations_stop_growing_once_a_tree_is_read_in_parts() -> None:
    small, large = tree_training_bytes(LARGEST_PART, PAPER), tree_training_bytes(10 * LARGEST_PART, PAPER)
    assert small < large < 2 * small
    assert tree_training_bytes(1_000_000_000, PAPER, states=3, tokens=3) > 100e9


def test_a_larger_network_takes_more() -> None:
    for change in ({"layers": 8}, {"d_model": 128}, {"d_mlp": 512}, {"d_head": 16}, {"context": 20}):
        assert activation_floats(PAPER.model_copy(update=change)) > activation_floats(PAPER)


@pytest.mark.parametrize(("positions", "block"), [(1, 16), (10, 16), (40, 40), (4096, 128)])
def test_blocks_are_about_as_long_as_histories(positions: int, block: int) -> None:
    assert block_size(positions) == block


def test_the_estimate_is_near_what_autograd_saves() -> None:
    import torch

    from hmmdsl.models.layout import word_layout
    from hmmdsl.models.transformer import TransformerNetwork

    saved: dict[int, int] = {}

    def count(tensor: torch.Tensor) -> torch.Tensor:
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    network, words = TransformerNetwork(PAPER, 3), torch.zeros(200, 10, dtype=torch.int64)
    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        logits = network.logits(word_layout(words))
    floats = sum(saved.values()) / 4 / len(logits)
    assert floats / 2 < activation_floats(PAPER) < 3 * floats
