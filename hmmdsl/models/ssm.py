"""A state-space model with a diagonal linear recurrence, read from top to bottom (Orvieto et al. 2023, the LRU).

    x = token embedding
    for each block:  s_t = a s_(t-1) + gamma B norm(x)_t          complex, number by number
                     x += GLU(gelu(Re(C s) + D norm(x)))
    logits = unembedding(norm(x))

|a| = exp(-exp(nu)) is below 1 whatever nu is, so no state explodes; gamma = sqrt(1 - |a|^2) keeps states that remember long as
large as others. A complex number is a pair of reals, all real parts before all imaginary ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from hmmdsl.models.layout import Layout
from hmmdsl.models.network import Network, block_number, draw_normal, initialize_norm
from hmmdsl.models.norms import normalization
from hmmdsl.models.transformer import Affine
from hmmdsl.schema.models.ssm import SSM

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from hmmdsl.models.layout import Levels

LEAST_RADIUS = 1e-3
"""The least |a| that initialization draws: its logarithm must be finite."""


class DiagonalRecurrence(nn.Module):
    """s_t = a s_(t-1) + gamma B u_t with a = exp(-exp(nu) + i exp(theta)) (Orvieto et al. 2023, Eqs. 6 and 7)."""

    def __init__(self, spec: SSM) -> None:
        super().__init__()
        self.nu, self.theta = nn.Parameter(torch.empty(spec.d_state)), nn.Parameter(torch.empty(spec.d_state))
        self.enter = nn.Parameter(torch.empty(spec.d_model, 2 * spec.d_state))

    def forward(self, u: Float[Tensor, "row d_model"], levels: Levels) -> Float[Tensor, "row 2_d_state"]:
        """The states after each row, rows in level order."""
        radius = torch.exp(-torch.exp(self.nu))
        real, imaginary = radius * torch.cos(torch.exp(self.theta)), radius * torch.sin(torch.exp(self.theta))
        gamma = torch.sqrt(1 - radius * radius).repeat(2)
        by_level = levels.split(u @ (self.enter * gamma))
        # (x + iy)(a + ib): the stacked pair times (a, a), plus the swapped pair (y, x) times (-b, b).
        straight, crossed = torch.cat([real, real]), torch.cat([-imaginary, imaginary])
        found = [by_level[0]]
        for depth in range(1, len(by_level)):
            before = levels.handed_down(depth, found[-1])
            x, y = before.chunk(2, dim=1)
            found.append(by_level[depth] + straight * before + crossed * torch.cat([y, x], dim=1))
        return torch.cat(found)


class SSMBlock(nn.Module):
    """The recurrence, what is read off it, and a gated linear unit (Dauphin et al. 2017) that adds to the residual stream."""

    def __init__(self, spec: SSM) -> None:
        super().__init__()
        self.norm = normalization(spec.norm, spec.d_model)
        self.recurrence = DiagonalRecurrence(spec)
        self.show = nn.Parameter(torch.empty(2 * spec.d_state, spec.d_model))
        self.skip = nn.Parameter(torch.empty(spec.d_model))
        self.gated = Affine(spec.d_model, 2 * spec.d_model)

    def forward(
        self, x: Float[Tensor, "row d_model"], levels: Levels
    ) -> tuple[Float[Tensor, "row d_model"], Float[Tensor, "row 2_d_state"]]:
        """The residual stream after this block, and the states."""
        u = self.norm(x)
        states = self.recurrence(u, levels)
        return x + F.glu(self.gated(F.gelu(states @ self.show + self.skip * u)), dim=1), states


class SSMNetwork(Network):
    """The network of a `model NAME: ssm`, freshly initialized from `seed`."""

    record = SSM

    spec: SSM

    def __init__(self, spec: SSM, vocabulary: int, seed: int = 0, outputs: int | None = None) -> None:
        super().__init__(spec, vocabulary, outputs)
        self.token = nn.Parameter(torch.empty(vocabulary + (1 if spec.bos else 0), spec.d_model))
        self.blocks = nn.ModuleList([SSMBlock(spec) for _ in range(spec.layers)])
        self.norm = normalization(spec.norm, spec.d_model)
        self.unembedding = nn.Parameter(torch.empty(self.outputs, spec.d_model))
        self.unembedding_bias = nn.Parameter(torch.empty(self.outputs))
        self.initialize(torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """|a|^2 is uniform between r_min^2 and r_max^2, and the angle of a uniform in [0, pi] (Orvieto et al. 2023, Lemma 3.2);
        weights are normal with standard deviation 1/sqrt(inputs), in the embedding 1; biases are zero."""
        for name, parameter in self.named_parameters():
            kind = name.rsplit(".", 1)[-1]
            if "norm" in name:
                initialize_norm(name, parameter)
            elif kind == "nu":
                least, greatest = max(self.spec.r_min, LEAST_RADIUS) ** 2, self.spec.r_max**2
                squared = least + (greatest - least) * torch.rand(parameter.shape, generator=generator)
                parameter.copy_(torch.log(-0.5 * torch.log(squared)))
            elif kind == "theta":
                # 1 - rand lies in (0, 1]: an angle of exactly 0 has no logarithm.
                parameter.copy_(torch.log(math.pi * (1 - torch.rand(parameter.shape, generator=generator))))
            elif kind.endswith("bias"):
                parameter.zero_()
            else:
                inputs = 1 if name in ("token",) or kind == "skip" else _inputs(name, parameter)
                draw_normal(parameter, inputs**-0.5 if self.spec.initial_sd is None else self.spec.initial_sd, generator)

    def stream(self, layout: Layout) -> Iterator[tuple[str, Float[Tensor, "row width"]]]:
        """`embedding`, the residual stream after each block, each block's states, and `final_norm` if there is a norm."""
        embedding, blocks, cells = self._blocks(layout)
        named = [("embedding", embedding)]
        named += [(f"block[{i}]", x) for i, x in enumerate(blocks)]
        named += [(f"cell[{i}]", states) for i, states in enumerate(cells)]
        if self.spec.norm != "none":
            named.append(("final_norm", self.norm(blocks[-1])))
        for name, x in named:
            yield name, x.index_select(0, layout.levels.back)

    def logits(self, layout: Layout) -> Float[Tensor, "row output"]:
        """Next-token logits after each row."""
        _, blocks, _ = self._blocks(layout)
        return F.linear(self.norm(blocks[-1]), self.unembedding, self.unembedding_bias).index_select(0, layout.levels.back)

    def logits_from(self, point: str, layout: Layout, x: Float[Tensor, "row d_model"]) -> Float[Tensor, "row output"]:
        """From the embedding, the residual stream after a block, or the final norm."""
        if point == "final_norm":
            return F.linear(x, self.unembedding, self.unembedding_bias)
        if point != "embedding" and not point.startswith("block["):
            return super().logits_from(point, layout, x)
        levels = layout.levels
        x = x.index_select(0, levels.order)
        for block in self.blocks[0 if point == "embedding" else block_number(point) + 1 :]:
            x, _ = block(x, levels)
        return F.linear(self.norm(x), self.unembedding, self.unembedding_bias).index_select(0, levels.back)

    def _blocks(self, layout: Layout) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The embedding, the residual stream after each block, and each block's states, rows in level order."""
        levels = layout.levels
        x = embedding = F.embedding(layout.token.index_select(0, levels.order), self.token)
        blocks, cells = [], []
        for block in self.blocks:
            x, states = block(x, levels)
            blocks.append(x)
            cells.append(states)
        return embedding, blocks, cells


def _inputs(name: str, parameter: nn.Parameter) -> int:
    """How many numbers each output of a map sums: weights stand as (inputs, outputs), the unembedding the other way."""
    return parameter.shape[1] if name == "unembedding" else parameter.shape[0]
