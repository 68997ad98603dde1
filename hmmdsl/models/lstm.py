"""Long short-term memory (Hochreiter & Schmidhuber 1997) with forget gates (Gers et al. 2000)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from hmmdsl.models.recurrent import RecurrentNetwork, State, Unit
from hmmdsl.spec.models.lstm import LSTM

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class LSTMUnit(Unit):
    """c' = f c + i g and h' = o tanh(c'); input i, forget f and output o are sigmoids, g a tanh, of affine maps of x and h."""

    carried = 2

    def __init__(self, width: int) -> None:
        super().__init__(width, 4)

    def step(self, read: Float[Tensor, "row gates_d_model"], state: State) -> State:
        hidden, cell = state
        enter, forget, new, show = (read + self.recur(hidden)).chunk(4, dim=1)
        cell = torch.sigmoid(forget) * cell + torch.sigmoid(enter) * torch.tanh(new)
        return torch.sigmoid(show) * torch.tanh(cell), cell


class LSTMNetwork(RecurrentNetwork):
    """The network of a `model NAME: lstm`."""

    def __init__(self, spec: LSTM, vocabulary: int, seed: int = 0) -> None:
        super().__init__(spec, vocabulary, [LSTMUnit(spec.d_model) for _ in range(spec.layers)], seed)

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """As every recurrent network's; forget gates begin open, with a bias of 1."""
        super().initialize(generator)
        width = self.spec.d_model
        for name, parameter in self.named_parameters():
            if name.endswith("read.bias"):
                parameter[width : 2 * width] = 1.0
