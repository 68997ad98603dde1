"""The rows of a layout by depth: how a recurrent network goes through words, or through a whole history tree, all at once.

The state after a history comes from the state after its prefix and from its last token. So all rows of one depth are one batch,
and a shared prefix is computed once; the only loop is over depths.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from jaxtyping import Float, Int64
    from torch import Tensor

    from hmmdsl.models.layout import Layout


@dataclass(frozen=True)
class Levels:
    """Rows sorted by depth.

    order   rows of the layout, level after level
    back    where in `order` each row of the layout stands
    sizes   rows of each level
    above   for each level where the rows' parents stand in the level before it; None where they stand at the same places
    """

    order: Int64[Tensor, " row"]
    back: Int64[Tensor, " row"]
    sizes: tuple[int, ...]
    above: tuple[Int64[Tensor, " row_of_level"] | None, ...]

    def split(self, x: Float[Tensor, "row width"]) -> tuple[Float[Tensor, "row_of_level width"], ...]:
        """Rows in level order, cut into levels."""
        return torch.split(x, list(self.sizes))

    def handed_down(self, depth: int, state: Float[Tensor, "row_above width"]) -> Float[Tensor, "row_of_level width"]:
        """For each row of a level the state after its prefix, given the states of the level before it."""
        above = self.above[depth]
        return state if above is None else state.index_select(0, above)


def levels_of_words(layout: Layout) -> Levels:
    """Words side by side: every level has a row of each word."""
    length = layout.block
    words = layout.token.shape[0] // length
    rows = torch.arange(words * length, device=layout.token.device)
    back = rows.view(length, words).T.reshape(-1)
    return Levels(rows.view(words, length).T.reshape(-1), back, (words,) * length, (None,) * length)


def levels_of_tree(layout: Layout, parent: Int64[Tensor, " row"]) -> Levels:
    """Rows of a tree, each with its parent's row (-1: none)."""
    order = torch.argsort(layout.position, stable=True)
    back = torch.empty_like(order)
    back[order] = torch.arange(len(order), device=order.device)
    sizes = tuple(torch.bincount(layout.position).tolist())
    above: list[Tensor | None] = [None]
    begin = 0
    for before, size in pairwise(sizes):
        rows = order[begin + before : begin + before + size]
        above.append(back[parent[rows]] - begin)
        begin += before
    return Levels(order, back, sizes, tuple(above))
