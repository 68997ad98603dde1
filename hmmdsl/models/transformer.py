"""A decoder-only transformer, read from top to bottom.

    x = token embedding + position embedding
    for each block:  x += attention(norm(x));  x += MLP(norm(x))
    logits = unembedding(norm(x))

One way through it serves words and history trees: a `Layout` says which rows there are and which each may look at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from hmmdsl.models.layout import Layout
from hmmdsl.models.network import Network
from hmmdsl.models.norms import normalization
from hmmdsl.models.positions import rotated, rotation_angles, sinusoids
from hmmdsl.schema.models.transformer import Transformer

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class Affine(nn.Module):
    """x W + b. The weights stand as (inputs, outputs), whose gradient is the quicker product where one of the two is small; they
    are empty until `TransformerNetwork.initialize` draws them, since torch's own layers would use its global random state."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.empty(outputs))

    def forward(self, x: Float[Tensor, "row input"]) -> Float[Tensor, "row output"]:
        """Row by row."""
        return torch.addmm(self.bias, x, self.weight)


class Scores(nn.Module):
    """Q K' / sqrt(d_head) where the mask is zero, and nothing where it is minus infinity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(
        self,
        mask: Float[Tensor, "#block_head query key"],
        q: Float[Tensor, "block_head query d_head"],
        k: Float[Tensor, "block_head key d_head"],
    ) -> Float[Tensor, "block_head query key"]:
        """Block by block and head by head."""
        return torch.baddbmm(mask, q, k.transpose(1, 2), alpha=self.width**-0.5)


class Attention(nn.Module):
    """Causal attention with `heads` heads of width d_head, whatever d_model is."""

    def __init__(self, spec: Transformer) -> None:
        super().__init__()
        self.heads, self.width = spec.heads, spec.head_width
        self.qkv = Affine(spec.d_model, 3 * self.heads * self.width)
        self.scores = Scores(self.width)
        self.out = Affine(self.heads * self.width, spec.d_model)

    def forward(self, x: Float[Tensor, "row d_model"], layout: Layout, angles: Tensor | None) -> Float[Tensor, "row d_model"]:
        """softmax(Q K' / sqrt(d_head)) V, block by block."""
        weights, v = self.weights_and_values(x, layout, angles)
        z = torch.bmm(weights, v)
        if self.heads > 1:
            z = z.view(-1, self.heads, layout.block, self.width).transpose(1, 2)
        return self.out(z.reshape(-1, self.heads * self.width))  # type: ignore[no-any-return]

    def weights_and_values(
        self, x: Float[Tensor, "row d_model"], layout: Layout, angles: Tensor | None
    ) -> tuple[Float[Tensor, "block_head query key"], Float[Tensor, "block_head key d_head"]]:
        """How much each row of a block looks at each of the block's keys, and what it finds there. Where blocks have a chain,
        keys and values are gathered."""
        inner = self.heads * self.width
        q, kv = self.qkv(x).split([inner, 2 * inner], dim=1)
        if angles is not None:
            k, v = kv.chunk(2, dim=1)
            q, kv = rotated(q, angles), torch.cat([rotated(k, angles), v], dim=1)
        looked_at = layout.block
        if layout.keys is not None:
            looked_at = layout.keys.shape[1]
            kv = kv.index_select(0, layout.keys.view(-1))
        k, v = kv.chunk(2, dim=1)
        q, k, v = self._by_head(q, layout.block), self._by_head(k, looked_at), self._by_head(v, looked_at)
        return self.scores(layout.mask, q, k).softmax(dim=-1), v

    def _by_head(self, x: Float[Tensor, "row inner"], block: int) -> Float[Tensor, "block_head row d_head"]:
        if self.heads == 1:  # then a view does, where several heads take a copy
            return x.view(-1, block, self.width)
        return x.view(-1, block, self.heads, self.width).transpose(1, 2).reshape(-1, block, self.width)


class MLP(nn.Module):
    """One hidden layer."""

    def __init__(self, spec: Transformer) -> None:
        super().__init__()
        self.activation = spec.activation
        self.up = Affine(spec.d_model, spec.mlp_width)
        self.down = Affine(spec.mlp_width, spec.d_model)

    def forward(self, x: Float[Tensor, "row d_model"]) -> Float[Tensor, "row d_model"]:
        """The hidden layer is the widest array there is: relu in place saves a copy of it."""
        hidden = self.up(x)
        hidden = F.relu(hidden, inplace=True) if self.activation == "relu" else F.gelu(hidden)
        return self.down(hidden)  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention, then an MLP, each of which reads the normalized residual stream and adds to it."""

    def __init__(self, spec: Transformer) -> None:
        super().__init__()
        self.norm_attention = _norm(spec)
        self.attention = Attention(spec)
        self.norm_mlp = None if spec.attention_only else _norm(spec)
        self.mlp = None if spec.attention_only else MLP(spec)

    def forward(self, x: Float[Tensor, "row d_model"], layout: Layout, angles: Tensor | None) -> Float[Tensor, "row d_model"]:
        """The residual stream after this block."""
        x = self.attention(self.norm_attention(x), layout, angles).add_(x)
        if self.mlp is not None and self.norm_mlp is not None:
            x = self.mlp(self.norm_mlp(x)).add_(x)
        return x


def _for_heads(layout: Layout, heads: int) -> Layout:
    """The layout with its mask once for each head, in the order in which heads are batched."""
    if heads == 1 or len(layout.mask) == 1:
        return layout
    return replace(layout, mask=layout.mask.repeat_interleave(heads, dim=0))


def _norm(spec: Transformer) -> nn.Module:
    return normalization(spec.norm, spec.d_model)


class TransformerNetwork(Network):
    """The network of a `model NAME: transformer` for `vocabulary` tokens, freshly initialized from `seed`.

    With `bos` there is one more token, V, which stands before every word, and one more position. The global random state is
    neither read nor changed.
    """

    record = Transformer

    spec: Transformer
    sinusoids: Tensor
    angles: Tensor

    def __init__(self, spec: Transformer, vocabulary: int, seed: int = 0, outputs: int | None = None) -> None:
        super().__init__(spec, vocabulary, outputs)
        self.positions = spec.context + (1 if spec.bos else 0)
        self.token = nn.Parameter(torch.empty(vocabulary + (1 if spec.bos else 0), spec.d_model))
        if spec.positions == "learned":
            self.position = nn.Parameter(torch.empty(self.positions, spec.d_model))
        elif spec.positions == "sinusoidal":
            self.register_buffer("sinusoids", sinusoids(self.positions, spec.d_model), persistent=False)
        elif spec.positions == "rotary":
            self.register_buffer("angles", rotation_angles(self.positions, spec.head_width), persistent=False)
        self.blocks = nn.ModuleList([Block(spec) for _ in range(spec.layers)])
        self.norm = _norm(spec)
        self.unembedding = nn.Parameter(torch.empty(self.outputs, spec.d_model))
        self.unembedding_bias = nn.Parameter(torch.empty(self.outputs))
        self.initialize(torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """Normal weights with standard deviation `initial_sd` (0.02 if not given), biases zero, norms the identity.

        What a sublayer adds to the residual stream is 1/sqrt(number of sublayers) of that, so that the stream's variance does not
        grow with depth (Radford et al. 2019, §2.3).
        """
        sd = 0.02 if self.spec.initial_sd is None else self.spec.initial_sd
        sublayers = self.spec.layers * (1 if self.spec.attention_only else 2)
        for name, parameter in self.named_parameters():
            if "norm" in name:
                parameter.fill_(1.0 if name.endswith("weight") else 0.0)
            elif name.endswith("bias"):
                parameter.zero_()
            else:
                writes = name.endswith(("attention.out.weight", "mlp.down.weight"))
                # Drawn on the CPU, so that a seed means the same weights on every device.
                drawn = torch.empty(parameter.shape).normal_(
                    0.0, sd / math.sqrt(sublayers) if writes else sd, generator=generator
                )
                parameter.copy_(drawn)

    def logits(self, layout: Layout) -> Float[Tensor, "row output"]:
        """Next-token logits after each row."""
        *_, (_, x) = self.stream(layout)
        return F.linear(x, self.unembedding, self.unembedding_bias)

    def stream(self, layout: Layout) -> Iterator[tuple[str, Float[Tensor, "row d_model"]]]:
        """The residual stream as it is computed, point by point."""
        x = F.embedding(layout.token, self.token)
        if self.spec.positions == "learned":
            x = x + F.embedding(layout.position, self.position)
        elif self.spec.positions == "sinusoidal":
            x = x + self.sinusoids[layout.position]
        yield "embedding", x
        yield from self.stream_after("embedding", layout, x)

    def stream_after(
        self, point: str, layout: Layout, x: Float[Tensor, "row d_model"]
    ) -> Iterator[tuple[str, Float[Tensor, "row d_model"]]]:
        """The points that follow `point`, computed from what stands there: `x`, which need not be what the network made."""
        done = list(self.spec.points()).index(point)
        angles = self.angles[layout.position] if self.spec.positions == "rotary" else None
        layout = _for_heads(layout, self.spec.heads)
        for i in range(done, self.spec.layers):
            x = self.blocks[i](x, layout, angles)
            yield f"block[{i}]", x
        if done <= self.spec.layers:
            yield "final_norm", self.norm(x)

    def logits_from(self, point: str, layout: Layout, x: Float[Tensor, "row d_model"]) -> Float[Tensor, "row vocabulary"]:
        """Next-token logits after each row, where the residual stream at `point` is `x`."""
        for _, after in self.stream_after(point, layout, x):
            x = after
        return F.linear(x, self.unembedding, self.unembedding_bias)

    def attention(self, layout: Layout) -> Iterator[Float[Tensor, "block head query key"]]:
        """The attention of each block of the network, one after another: how much each row of a block of the layout looks at each
        of the keys there. Rows sum to 1."""
        angles = self.angles[layout.position] if self.spec.positions == "rotary" else None
        headed = _for_heads(layout, self.spec.heads)
        for block, (_, x) in zip(self.blocks, self.stream(layout), strict=False):
            assert isinstance(block, Block)
            weights, _ = block.attention.weights_and_values(block.norm_attention(x), headed, angles)
            yield weights.view(-1, self.spec.heads, *weights.shape[1:])
