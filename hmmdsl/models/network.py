"""What training and the analyses know of a network, whatever its kind.

A network computes its points row by row of a `Layout`, which stands for words side by side or for a history tree: the same
weights and the same numbers on both.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import nn

from hmmdsl.models.layout import Layout, TreeLayout, word_layout
from hmmdsl.schema.models.base import Model

if TYPE_CHECKING:
    from jaxtyping import Float, Int64
    from torch import Tensor


class Network(nn.Module):
    """A network of `spec` for `vocabulary` tokens. With `bos` there is one more token, V, which stands before every word, and one
    more position. The global random state is neither read nor changed.

    It has one logit for each of `outputs`: the tokens if not given, the words of k tokens where it predicts the next k jointly, a
    single one for a discriminator.
    """

    record: ClassVar[type[Model]]
    """The kind of record that it stands for."""
    spec: Model
    vocabulary: int
    outputs: int

    def __init__(self, spec: Model, vocabulary: int, outputs: int | None = None) -> None:
        super().__init__()
        self.spec, self.vocabulary = spec, vocabulary
        self.outputs = vocabulary if outputs is None else outputs

    # ------------------------------------------------------------ what each kind gives

    @abstractmethod
    def initialize(self, generator: torch.Generator) -> None:
        """Draw the weights on the CPU, so that a seed means the same weights on every device."""

    @abstractmethod
    def stream(self, layout: Layout) -> Iterator[tuple[str, Float[Tensor, "row width"]]]:
        """The activations after each row, point by point: those of `spec.points()`, in that order."""

    @abstractmethod
    def logits(self, layout: Layout) -> Float[Tensor, "row output"]:
        """Next-token logits after each row."""

    def logits_from(self, point: str, layout: Layout, x: Float[Tensor, "row width"]) -> Float[Tensor, "row output"]:
        """Next-token logits after each row, where the activations at `point` are `x`, which need not be what the network made.
        Layers up to the point stay as they were: a recurrent layer carries on its own states, and shows the layers above it `x`.
        Raises ValueError for a point that no forward pass goes on from, such as an LSTM's cell."""
        raise ValueError(f"no forward pass goes on from {point} of a network of the kind {type(self.spec).__name__}")

    # ------------------------------------------------------------ on words

    def forward(self, tokens: Int64[Tensor, "word position"]) -> Float[Tensor, "word position output"]:
        """Logits after each position; with `bos` the first position is the empty history, so there is one more."""
        return self.logits(self._words(tokens)).view(tokens.shape[0], -1, self.outputs)

    def residuals(self, tokens: Int64[Tensor, "word position"]) -> dict[str, Float[Tensor, "word position width"]]:
        """The activations at every position, by point: `embedding`, `block[0]`, …"""
        return {point: x.view(tokens.shape[0], -1, x.shape[1]) for point, x in self.stream(self._words(tokens))}

    def _words(self, tokens: Int64[Tensor, "word position"]) -> Layout:
        if self.spec.bos:
            tokens = torch.cat([tokens.new_full((tokens.shape[0], 1), self.vocabulary), tokens], dim=1)
        return word_layout(tokens, next(self.parameters()).dtype)

    # ------------------------------------------------------------ on a history tree

    def on_tree(self, layout: TreeLayout) -> Float[Tensor, "history output"]:
        """Logits after each of the layout's histories."""
        return self.logits(layout).index_select(0, layout.row)

    def residuals_on_tree(self, layout: TreeLayout) -> dict[str, Float[Tensor, "history width"]]:
        """The activations after each of the layout's histories, by point."""
        return {point: x.index_select(0, layout.row) for point, x in self.stream(layout)}

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device


def block_number(point: str) -> int:
    """The index in `block[3]`."""
    return int(point.removeprefix("block[").removesuffix("]"))


def draw_normal(parameter: nn.Parameter, sd: float, generator: torch.Generator) -> None:
    """Fill a parameter, on whatever device, with numbers drawn on the CPU."""
    parameter.copy_(torch.empty(parameter.shape).normal_(0.0, sd, generator=generator))


def initialize_norm(name: str, parameter: nn.Parameter) -> None:
    """A normalization begins with scale 1 and shift 0."""
    parameter.fill_(1.0 if name.endswith("weight") else 0.0)
