"""Gated recurrent units (Cho et al. 2014), with the reset gate behind the recurrent map, as in PyTorch and cuDNN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from hmmdsl.models.recurrent import RecurrentNetwork, State, Unit
from hmmdsl.spec.models.gru import GRU

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class GRUUnit(Unit):
    """h' = (1 - z) n + z h with the candidate n = tanh(W x + r (U h + b)); reset r and update z are sigmoids of affine maps."""

    def __init__(self, width: int) -> None:
        super().__init__(width, 3)

    def step(self, read: Float[Tensor, "row gates_d_model"], state: State) -> State:
        (hidden,) = state
        recurrent = self.recur(hidden)
        both = 2 * self.width
        reset, update = torch.sigmoid(read[:, :both] + recurrent[:, :both]).chunk(2, dim=1)
        candidate = torch.tanh(read[:, both:] + reset * recurrent[:, both:])
        return (torch.lerp(candidate, hidden, update),)


class GRUNetwork(RecurrentNetwork):
    """The network of a `model NAME: gru`."""

    def __init__(self, spec: GRU, vocabulary: int, seed: int = 0) -> None:
        super().__init__(spec, vocabulary, [GRUUnit(spec.d_model) for _ in range(spec.layers)], seed)
