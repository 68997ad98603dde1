"""The estimate of memory: it grows as it must, and is not far from what training keeps."""

from __future__ import annotations

import pytest

from hmmdsl.schema.memory import LARGEST_PART, block_size, tree_training_bytes
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.models.gru import GRU
from hmmdsl.schema.models.lstm import LSTM
from hmmdsl.schema.models.mlp import MLP
from hmmdsl.schema.models.rnn import RNN
from hmmdsl.schema.models.ssm import SSM
from hmmdsl.schema.models.transformer import Transformer

PAPER = Transformer(layers=4, heads=1, d_head=8, d_model=64, d_mlp=256, context=10)


def test_activations_stop_growing_once_a_tree_is_read_in_parts() -> None:
    small, large = tree_training_bytes(LARGEST_PART, PAPER), tree_training_bytes(10 * LARGEST_PART, PAPER)
    assert small < large < 2 * small
    assert tree_training_bytes(1_000_000_000, PAPER, states=3, tokens=3) > 100e9


def test_a_larger_network_takes_more() -> None:
    for change in ({"layers": 8}, {"d_model": 128}, {"d_mlp": 512}, {"d_head": 16}, {"context": 20}):
        assert PAPER.model_copy(update=change).activation_floats() > PAPER.activation_floats()


@pytest.mark.parametrize(("positions", "block"), [(1, 16), (10, 16), (40, 40), (4096, 128)])
def test_blocks_are_about_as_long_as_histories(positions: int, block: int) -> None:
    assert block_size(positions) == block


KINDS = [
    PAPER,
    RNN(layers=2),
    GRU(layers=2),
    LSTM(layers=2),
    SSM(layers=3, d_state=16),
    MLP(layers=3, window=1),
    MLP(d_embed=8, activation="gelu"),
]


@pytest.mark.parametrize("model", KINDS, ids=lambda model: f"{model.kind}")
def test_the_estimate_is_near_what_autograd_saves(model: Model) -> None:
    import torch

    from hmmdsl.models.build import build_network
    from hmmdsl.models.layout import word_layout

    saved: dict[int, int] = {}

    def count(tensor: torch.Tensor) -> torch.Tensor:
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        kept.append(tensor)  # so that no address is used twice
        return tensor

    kept: list[torch.Tensor] = []
    network, words = build_network(model, 3), torch.zeros(200, 10, dtype=torch.int64)
    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        logits = network.logits(word_layout(words))
    floats = sum(saved.values()) / 4 / len(logits)
    assert floats / 2 < model.activation_floats() < 3 * floats
