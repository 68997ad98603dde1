"""Recurrent networks beside PyTorch's own, and the state-space model beside its definition in complex numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from hmmdsl.models.layout import tree_layout
from hmmdsl.process.history_tree import build_history_tree
from hmmdsl.process.process import Process
from hmmdsl.schema.models.gru import GRU
from hmmdsl.schema.models.lstm import LSTM
from hmmdsl.schema.models.rnn import RNN
from hmmdsl.schema.models.ssm import SSM
from tests.models.networks import wide

CASES = [
    (RNN(layers=3, d_model=8, context=7), nn.RNN(8, 8, 3, batch_first=True)),
    (RNN(layers=2, d_model=8, context=7, activation="relu"), nn.RNN(8, 8, 2, "relu", batch_first=True)),
    (GRU(layers=2, d_model=8, context=7), nn.GRU(8, 8, 2, batch_first=True)),
    (LSTM(layers=2, d_model=8, context=7), nn.LSTM(8, 8, 2, batch_first=True)),
]


@pytest.mark.parametrize(("spec", "theirs"), CASES, ids=lambda case: getattr(case, "kind", ""))
def test_the_same_weights_in_pytorchs_own_module_give_the_same_numbers(spec: RNN | GRU | LSTM, theirs: nn.RNNBase) -> None:
    network = wide(spec, 5)
    theirs.load_state_dict(
        {
            f"{kind}_{side}_l{i}": getattr(getattr(layer, ours), kind).T if kind == "weight" else getattr(layer, ours).bias
            for i, layer in enumerate(network.layers)
            for side, ours in (("ih", "read"), ("hh", "recur"))
            for kind in ("weight", "bias")
        }
    )
    words = torch.tensor(np.random.default_rng(0).integers(0, 5, (6, 7)))
    with torch.no_grad():
        top, last = theirs(network.token[words])
        ours = network.residuals(words)
        torch.testing.assert_close(ours[f"block[{spec.layers - 1}]"], top, atol=1e-6, rtol=1e-5)
        hidden, cells = last if spec.kind == "lstm" else (last, None)
        for i in range(spec.layers):
            torch.testing.assert_close(ours[f"block[{i}]"][:, -1], hidden[i], atol=1e-6, rtol=1e-5)
            if cells is not None:
                torch.testing.assert_close(ours[f"cell[{i}]"][:, -1], cells[i], atol=1e-6, rtol=1e-5)
        logits = top @ network.unembedding.T + network.unembedding_bias
        torch.testing.assert_close(network(words), logits, atol=1e-6, rtol=1e-5)


def test_the_state_space_model_is_a_sum_of_decaying_rotations() -> None:
    """s_t = sum_k a^(t-k) gamma B u_k in complex numbers, in float64."""
    spec = SSM(layers=1, d_model=6, d_state=4, norm="none", context=9)
    network = wide(spec, 3).double()
    words = torch.tensor(np.random.default_rng(1).integers(0, 3, (5, 9)))
    block = network.blocks[0]
    with torch.no_grad():
        a = torch.exp(-torch.exp(block.recurrence.nu) + 1j * torch.exp(block.recurrence.theta))
        assert (a.abs() < 1).all()
        B = torch.complex(block.recurrence.enter[:, :4], block.recurrence.enter[:, 4:]) * torch.sqrt(1 - a.abs() ** 2)
        u = network.token[words]
        powers = a ** torch.arange(9)[:, None]
        expected = torch.stack([(powers[: t + 1].flip(0) * (u[:, : t + 1].to(B.dtype) @ B)).sum(dim=1) for t in range(9)], dim=1)
        found = network.residuals(words)
        torch.testing.assert_close(found["cell[0]"], torch.cat([expected.real, expected.imag], dim=2))
        shown = nn.functional.gelu(found["cell[0]"] @ block.show + block.skip * u)
        value, gate = (shown @ block.gated.weight + block.gated.bias).chunk(2, dim=2)
        torch.testing.assert_close(found["block[0]"], u + value * torch.sigmoid(gate))


def test_initial_radii_lie_in_the_ring() -> None:
    network = wide(SSM(d_state=500, r_min=0.6, r_max=0.9), 2, 0)
    network.initialize(torch.Generator().manual_seed(3))
    radii = torch.exp(-torch.exp(network.blocks[0].recurrence.nu))
    assert 0.6 <= radii.min() < 0.62
    assert 0.88 < radii.max() <= 0.9


def test_a_shared_prefix_is_computed_once(mess3: Process) -> None:
    """As many rows go through the recurrence as there are histories, not as there are positions of words."""
    tree = build_history_tree(mess3, 7)
    network, rows = wide(GRU(d_model=4, context=7), 3), []
    step = network.layers[0].step
    network.layers[0].step = lambda read, state: rows.append(len(read)) or step(read, state)
    network.on_tree(tree_layout(tree))
    padding = 16
    assert len(tree) == sum(3**k for k in range(1, 8)) <= sum(rows) < len(tree) + padding
    assert len(rows) == 7
