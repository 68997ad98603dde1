"""A recurrent network in its plainest form (Elman 1990): h_t = tanh(W x_t + U h_(t-1) + b)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

from hmmdsl.models.recurrent import RecurrentNetwork, State, Unit
from hmmdsl.spec.models.rnn import RNN

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class RNNUnit(Unit):
    """h' = activation(W x + U h + b)."""

    def __init__(self, width: int, activation: Literal["tanh", "relu"]) -> None:
        super().__init__(width, 1)
        self.activation = torch.tanh if activation == "tanh" else torch.relu

    def step(self, read: Float[Tensor, "row d_model"], state: State) -> State:
        return (self.activation(read + self.recur(state[0])),)


class RNNNetwork(RecurrentNetwork):
    """The network of a `model NAME: rnn`."""

    def __init__(self, spec: RNN, vocabulary: int, seed: int = 0) -> None:
        super().__init__(spec, vocabulary, [RNNUnit(spec.d_model, spec.activation) for _ in range(spec.layers)], seed)
