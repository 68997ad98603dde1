"""A table of next-token logits for the last n - 1 tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from hmmdsl.models.layout import Layout
from hmmdsl.models.network import Network, draw_normal
from hmmdsl.models.window import last_tokens
from hmmdsl.schema.models.ngram import NGram

if TYPE_CHECKING:
    from jaxtyping import Float, Int64
    from torch import Tensor


class NGramNetwork(Network):
    """The network of a `model NAME: ngram`: a row of logits for each word of `spec.lengths()`, shorter words first."""

    record = NGram

    spec: NGram

    def __init__(self, spec: NGram, vocabulary: int, seed: int = 0, outputs: int | None = None) -> None:
        super().__init__(spec, vocabulary, outputs)
        self.table = nn.Parameter(torch.empty(spec.rows(vocabulary), self.outputs))
        self.initialize(torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """Logits of zero, which predict every token alike, or normal ones if `initial_sd` is given."""
        if self.spec.initial_sd is None:
            self.table.zero_()
        else:
            draw_normal(self.table, self.spec.initial_sd, generator)

    def stream(self, layout: Layout) -> Iterator[tuple[str, Float[Tensor, "row width"]]]:
        """Nothing: a table has no activations."""
        return iter(())

    def logits(self, layout: Layout) -> Float[Tensor, "row output"]:
        """The row of each history's last tokens."""
        return F.embedding(self._rows(layout), self.table)

    def _rows(self, layout: Layout) -> Int64[Tensor, " row"]:
        """Which row of the table: the first of the word's length, plus the word read as a number in base V."""
        if self.spec.n == 1:
            return torch.zeros_like(layout.token)
        V = self.vocabulary
        tokens = last_tokens(layout, self.spec.n - 1, V)
        there = tokens < V
        digits = torch.where(there, tokens, 0)
        scale = torch.tensor([V**k for k in range(self.spec.n - 1)], device=tokens.device)
        shortest = self.spec.lengths()[0]
        first = torch.tensor(
            [0] + [sum(V**k for k in range(shortest, length)) for length in range(1, self.spec.n)], device=tokens.device
        )
        return first[there.sum(dim=1)] + (digits * scale).sum(dim=1)
