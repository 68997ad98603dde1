"""Layers of recurrent units, read from top to bottom.

    x = token embedding
    for each layer:  state after a history = unit(x there, state after its prefix);  x = what the state shows
    logits = unembedding(norm(x))

`Levels` says which rows there are and which state each goes on from, for words and for history trees alike.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from hmmdsl.models.layout import Layout
from hmmdsl.models.network import Network, block_number, draw_normal, initialize_norm
from hmmdsl.models.norms import normalization
from hmmdsl.models.transformer import Affine
from hmmdsl.schema.models.gru import GRU
from hmmdsl.schema.models.lstm import LSTM
from hmmdsl.schema.models.recurrent import Recurrent
from hmmdsl.schema.models.rnn import RNN

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from hmmdsl.models.layout import Levels

State: TypeAlias = "tuple[Float[Tensor, 'row d_model'], ...]"
"""What a layer carries from a history to the next: the hidden state first, then an LSTM's cell."""


class Unit(nn.Module):
    """One layer: the affine maps of its input and of its hidden state, `gates` of each side by side, as in `torch.nn.RNNBase`."""

    carried = 1
    """Vectors of its state."""

    def __init__(self, width: int, gates: int) -> None:
        super().__init__()
        self.width = width
        self.read, self.recur = Affine(width, gates * width), Affine(width, gates * width)

    @abstractmethod
    def step(self, read: Float[Tensor, "row gates_width"], state: State) -> State:
        """The next state, from what the input map gave and from the state before."""

    def forward(self, x: Float[Tensor, "row d_model"], levels: Levels) -> State:
        """The state after each row, rows in level order. The input map is one product for all levels."""
        before: State = (x.new_zeros(levels.sizes[0], self.width),) * self.carried
        found = []
        for depth, read in enumerate(levels.split(self.read(x))):
            if depth:
                before = tuple(levels.handed_down(depth, each) for each in before)
            before = self.step(read, before)
            found.append(before)
        return tuple(torch.cat(each) for each in zip(*found, strict=True))


class RecurrentNetwork(Network):
    """The network of a recurrent `spec`, freshly initialized from `seed`."""

    spec: Recurrent

    def __init__(self, spec: Recurrent, vocabulary: int, units: list[Unit], seed: int, outputs: int | None) -> None:
        super().__init__(spec, vocabulary, outputs)
        self.token = nn.Parameter(torch.empty(vocabulary + (1 if spec.bos else 0), spec.d_model))
        self.layers = nn.ModuleList(units)
        self.norm = normalization(spec.norm, spec.d_model)
        self.unembedding = nn.Parameter(torch.empty(self.outputs, spec.d_model))
        self.unembedding_bias = nn.Parameter(torch.empty(self.outputs))
        self.initialize(torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """Normal weights, by default as widely spread as PyTorch's: 1 in the embedding, and the 1/sqrt(3 d_model) of its uniform
        distribution elsewhere. Biases are zero, but for an LSTM's forget gates (Jozefowicz et al. 2015)."""
        given = self.spec.initial_sd
        for name, parameter in self.named_parameters():
            if name.startswith("norm"):
                initialize_norm(name, parameter)
            elif name.endswith("bias"):
                parameter.zero_()
            else:
                usual = 1.0 if name == "token" else (3 * self.spec.d_model) ** -0.5
                draw_normal(parameter, usual if given is None else given, generator)

    def stream(self, layout: Layout) -> Iterator[tuple[str, Float[Tensor, "row d_model"]]]:
        """`embedding`, the hidden states `block[i]`, for an LSTM the cells, and `final_norm` if there is a norm."""
        embedding, states = self._states(layout)
        yield "embedding", embedding.index_select(0, layout.levels.back)
        for name, which in (("block", 0), ("cell", 1)):
            for i, state in enumerate(states):
                if which < len(state):
                    yield f"{name}[{i}]", state[which].index_select(0, layout.levels.back)
        if self.spec.norm != "none":
            yield "final_norm", self.norm(states[-1][0]).index_select(0, layout.levels.back)

    def logits(self, layout: Layout) -> Float[Tensor, "row output"]:
        """Next-token logits after each row."""
        _, states = self._states(layout)
        found = F.linear(self.norm(states[-1][0]), self.unembedding, self.unembedding_bias)
        return found.index_select(0, layout.levels.back)

    def logits_from(self, point: str, layout: Layout, x: Float[Tensor, "row d_model"]) -> Float[Tensor, "row output"]:
        """From the embedding, a layer's hidden states, or the final norm."""
        if point == "final_norm":
            return F.linear(x, self.unembedding, self.unembedding_bias)
        if point != "embedding" and not point.startswith("block["):
            return super().logits_from(point, layout, x)
        levels = layout.levels
        x = x.index_select(0, levels.order)
        for layer in self.layers[0 if point == "embedding" else block_number(point) + 1 :]:
            x = layer(x, levels)[0]
        return F.linear(self.norm(x), self.unembedding, self.unembedding_bias).index_select(0, levels.back)

    def _states(self, layout: Layout) -> tuple[Float[Tensor, "row d_model"], list[State]]:
        """The embedding and each layer's state, rows in level order."""
        levels = layout.levels
        x = embedding = F.embedding(layout.token.index_select(0, levels.order), self.token)
        states: list[State] = []
        for layer in self.layers:
            states.append(layer(x, levels))
            x = states[-1][0]
        return embedding, states


class RNNUnit(Unit):
    """h' = activation(W x + U h + b), the plainest form (Elman 1990)."""

    def __init__(self, width: int, activation: Literal["tanh", "relu"]) -> None:
        super().__init__(width, 1)
        self.activation = torch.tanh if activation == "tanh" else torch.relu

    def step(self, read: Float[Tensor, "row d_model"], state: State) -> State:
        return (self.activation(read + self.recur(state[0])),)


class RNNNetwork(RecurrentNetwork):
    """The network of a `model NAME: rnn`."""

    record = RNN

    def __init__(self, spec: RNN, vocabulary: int, seed: int = 0, outputs: int | None = None) -> None:
        super().__init__(spec, vocabulary, [RNNUnit(spec.d_model, spec.activation) for _ in range(spec.layers)], seed, outputs)


class GRUUnit(Unit):
    """h' = (1 - z) n + z h with the candidate n = tanh(W x + r (U h + b)); reset r and update z are sigmoids of affine maps
    (Cho et al. 2014, with the reset gate behind the recurrent map, as in PyTorch and cuDNN)."""

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

    record = GRU

    def __init__(self, spec: GRU, vocabulary: int, seed: int = 0, outputs: int | None = None) -> None:
        super().__init__(spec, vocabulary, [GRUUnit(spec.d_model) for _ in range(spec.layers)], seed, outputs)


class LSTMUnit(Unit):
    """c' = f c + i g and h' = o tanh(c'); input i, forget f and output o are sigmoids, g a tanh, of affine maps of x and h
    (Hochreiter & Schmidhuber 1997, with the forget gates of Gers et al. 2000)."""

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

    record = LSTM

    def __init__(self, spec: LSTM, vocabulary: int, seed: int = 0, outputs: int | None = None) -> None:
        super().__init__(spec, vocabulary, [LSTMUnit(spec.d_model) for _ in range(spec.layers)], seed, outputs)

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """As every recurrent network's; forget gates begin open, with a bias of 1."""
        super().initialize(generator)
        width = self.spec.d_model
        for name, parameter in self.named_parameters():
            if name.endswith("read.bias"):
                parameter[width : 2 * width] = 1.0
