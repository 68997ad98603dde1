"""A multi-layer perceptron on the last tokens, read from top to bottom.

x = the last tokens, one-hot, or each as its learned vector
for each layer:  x = activation(W x + b)
logits = unembedding(x)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from hmmdsl.models.layout import Layout
from hmmdsl.models.network import Network, block_number, draw_normal
from hmmdsl.models.transformer import Affine
from hmmdsl.models.window import last_tokens
from hmmdsl.schema.models.mlp import MLP

if TYPE_CHECKING:
    from jaxtyping import Float, Int64
    from torch import Tensor


class OneHot(nn.Module):
    """An affine map of one-hot tokens: it sums one row of weights for each place of the window, so no one-hot vector is made."""

    def __init__(self, places: int, alphabet: int, outputs: int) -> None:
        super().__init__()
        self.alphabet = alphabet
        self.weight = nn.Parameter(torch.empty(places * alphabet, outputs))
        self.bias = nn.Parameter(torch.empty(outputs))

    def forward(self, tokens: Int64[Tensor, "row place"]) -> Float[Tensor, "row output"]:
        """Row by row."""
        first = torch.arange(tokens.shape[1], device=tokens.device) * self.alphabet
        return F.embedding(tokens + first, self.weight).sum(dim=1) + self.bias


class MLPNetwork(Network):
    """The network of a `model NAME: mlp`, freshly initialized from `seed`. Token V stands where the history has no token."""

    record = MLP

    spec: MLP

    def __init__(self, spec: MLP, vocabulary: int, seed: int = 0, outputs: int | None = None) -> None:
        super().__init__(spec, vocabulary, outputs)
        first: nn.Module
        if spec.d_embed is None:
            first = OneHot(spec.seen, vocabulary + 1, spec.d_model)
        else:
            self.token = nn.Parameter(torch.empty(vocabulary + 1, spec.d_embed))
            first = Affine(spec.seen * spec.d_embed, spec.d_model)
        self.layers = nn.ModuleList([first, *(Affine(spec.d_model, spec.d_model) for _ in range(1, spec.layers))])
        self.unembedding = nn.Parameter(torch.empty(self.outputs, spec.d_model))
        self.unembedding_bias = nn.Parameter(torch.empty(self.outputs))
        self.initialize(torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """Normal weights with standard deviation sqrt(2 / inputs) (He et al. 2015), in the embedding 1, towards the logits
        1/sqrt(inputs); biases zero. A one-hot token is one input."""
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
                continue
            if name == "token":
                usual = 1.0
            elif name == "unembedding":
                usual = self.spec.d_model**-0.5
            else:
                one_hot = name == "layers.0.weight" and self.spec.d_embed is None
                usual = math.sqrt(2 / (self.spec.seen if one_hot else parameter.shape[0]))
            draw_normal(parameter, usual if self.spec.initial_sd is None else self.spec.initial_sd, generator)

    def stream(self, layout: Layout) -> Iterator[tuple[str, Float[Tensor, "row width"]]]:
        """`embedding` if tokens have learned vectors, then each hidden layer."""
        tokens = last_tokens(layout, self.spec.seen, self.vocabulary)
        x: Tensor = tokens
        if self.spec.d_embed is not None:
            x = F.embedding(tokens, self.token).flatten(1)
            yield "embedding", x
        for i, layer in enumerate(self.layers):
            x = self._activation(layer(x))
            yield f"block[{i}]", x

    def logits(self, layout: Layout) -> Float[Tensor, "row output"]:
        """Next-token logits after each row."""
        *_, (_, x) = self.stream(layout)
        return F.linear(x, self.unembedding, self.unembedding_bias)

    def logits_from(self, point: str, layout: Layout, x: Float[Tensor, "row width"]) -> Float[Tensor, "row output"]:
        """From the embedded window or a hidden layer, row by row."""
        for layer in self.layers[0 if point == "embedding" else block_number(point) + 1 :]:
            x = self._activation(layer(x))
        return F.linear(x, self.unembedding, self.unembedding_bias)

    def _activation(self, x: Float[Tensor, "row d_model"]) -> Float[Tensor, "row d_model"]:
        match self.spec.activation:
            case "relu":
                return F.relu(x)
            case "gelu":
                return F.gelu(x)
            case "tanh":
                return torch.tanh(x)
