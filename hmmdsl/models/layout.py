"""Where everything stands that a network reads at once: words side by side, or a whole history tree.

Positions are rows, one after another, cut into blocks of equal size. A row attends to rows of its own block and to its block's
chain: a few rows from before the block. For words a block is a word, and there is no chain. For a tree the rows are its histories
in preorder: all that a history extends stands in its own block, or is also a prefix of the block's first history. So the chain is
that history's ancestors, a shared prefix is computed once, and a block attends by one dense product.

   preorder      0  00 000 001 | 01 011 1 10 | 100 11 110 111
   chain                        0             1  10
   block         0  00 000 001 | 01 011 1 10 | 100 11 110 111
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

from hmmdsl.process.history_tree import HistoryTree, ancestors
from hmmdsl.schema.memory import LARGEST_PART, block_size

if TYPE_CHECKING:
    from jaxtyping import Float, Int64
    from torch import Tensor


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


@dataclass(frozen=True)
class Layout:
    """Rows in blocks of `block`.

    token     index of each row's token (V is the bos token)
    position  0 for the first position that the network reads, and so on
    keys      rows that each block looks at: its chain (unused places are masked), then its own; None if there is no chain
    mask      0 where a row of a block may look, else -inf, by the columns of `keys`. One for all blocks, or one each
    parent    row of the history without its last token, -1 if there is none. None for words: it is the row before
    """

    token: Int64[Tensor, " row"]
    position: Int64[Tensor, " row"]
    keys: Int64[Tensor, "block key"] | None
    mask: Float[Tensor, "block_or_1 query key"]
    block: int
    parent: Int64[Tensor, " row"] | None = field(default=None, kw_only=True)

    @property
    def parents(self) -> Int64[Tensor, " row"]:
        """`parent`, also for words."""
        if self.parent is not None:
            return self.parent
        rows = torch.arange(self.token.shape[0], device=self.token.device)
        return torch.where(rows % self.block > 0, rows - 1, -1)

    @cached_property
    def levels(self) -> Levels:
        """The rows by depth, as recurrent networks go through them."""
        return levels_of_words(self) if self.parent is None else levels_of_tree(self, self.parent)


@dataclass(frozen=True)
class TreeLayout(Layout):
    """Histories in preorder. `history` are the tree's nodes that this layout stands for, ascending, and `row` is where each is.

    The rows besides these are prefixes of a part's first history, and padding of the last block.
    """

    history: Int64[np.ndarray, " history"]
    row: Int64[Tensor, " history"]


def word_layout(tokens: Int64[Tensor, "word position"], dtype: torch.dtype = torch.float32) -> Layout:
    """Words side by side, each position looking back over its own word."""
    words, length = tokens.shape
    position = torch.arange(length, device=tokens.device).expand(words, length).reshape(-1)
    mask = torch.full((1, length, length), -torch.inf, device=tokens.device, dtype=dtype).triu(1)
    return Layout(tokens.reshape(-1), position, None, mask, length)


def tree_layout(tree: HistoryTree, device: torch.device | str = "cpu") -> TreeLayout:
    """The whole tree at once."""
    return tree_layouts(tree, device, len(tree))[0]


def tree_layouts(tree: HistoryTree, device: torch.device | str = "cpu", most: int = LARGEST_PART) -> tuple[TreeLayout, ...]:
    """The tree in parts of at most `most` histories, consecutive in preorder; each part repeats its first history's ancestors."""
    path = ancestors(tree)
    order = _preorder(tree)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return tuple(
        _part(tree, path, order, place, first, min(first + most, len(order)), device) for first in range(0, len(order), most)
    )


def _preorder(tree: HistoryTree) -> Int64[np.ndarray, " history"]:
    """The tree's nodes so that each is followed by all that extend it."""
    size = np.ones(len(tree), dtype=np.int64)
    for k in range(tree.positions - 1, 0, -1):
        start, end = tree.levels[k : k + 2]
        np.add.at(size, tree.parent[start:end], size[start:end])
    place = np.empty(len(tree), dtype=np.int64)
    for k in range(tree.positions):
        start, end = tree.levels[k : k + 2]
        before = np.cumsum(size[start:end]) - size[start:end]
        if k == 0:
            place[start:end] = before
            continue
        # Siblings stand together, so what precedes a node below its parent is what precedes it in its level, less what precedes
        # its eldest sibling.
        parent = tree.parent[start:end]
        eldest = np.concatenate([[True], parent[1:] != parent[:-1]])
        place[start:end] = place[parent] + 1 + before - before[eldest][np.cumsum(eldest) - 1]
    order = np.empty(len(tree), dtype=np.int64)
    order[place] = np.arange(len(tree))
    return order


def _part(
    tree: HistoryTree,
    path: Int64[np.ndarray, "history position"],
    order: Int64[np.ndarray, " history"],
    place: Int64[np.ndarray, " history"],
    first: int,
    end: int,
    device: torch.device | str,
) -> TreeLayout:
    """The histories `order[first:end]` behind the ancestors of the first: again a tree in preorder."""
    lead = path[order[first]]
    lead = lead[(lead >= 0) & (lead != order[first])]
    nodes = np.concatenate([lead, order[first:end]])
    rows, m = len(nodes), block_size(tree.positions)
    blocks = -(-rows // m)

    depths = np.arange(tree.positions)
    known = path[nodes] >= 0
    # Row of each ancestor: those before this part are its lead, where the k-th stands at row k.
    row = np.where(place[path[nodes]] < first, depths, place[path[nodes]] - first + len(lead))
    starts = np.arange(blocks) * m
    in_chain = known[starts] & (row[starts] < starts[:, None])
    links = int(in_chain.sum(axis=1).max())
    chain = np.where(in_chain, row[starts], 0)[:, :links]
    keys = np.concatenate([chain, np.arange(blocks * m).reshape(blocks, m)], axis=1)

    # An ancestor from before the block is the block's chain at its own depth.
    block_of = np.arange(rows) // m
    begins = block_of[:, None] * m
    column = np.where(row < begins, depths, links + row - begins)
    mask = np.full((blocks * m, links + m), -np.inf, dtype=np.float32)
    of_row, depth = np.nonzero(known)
    mask[of_row, column[of_row, depth]] = 0
    padding = np.arange(rows, blocks * m)
    mask[padding, links + padding % m] = 0

    token = np.zeros(blocks * m, dtype=np.int64)
    token[:rows] = tree.token[nodes]
    position = np.zeros(blocks * m, dtype=np.int64)
    position[:rows] = known.sum(axis=1) - 1
    parent = np.full(blocks * m, -1, dtype=np.int64)
    extends = np.flatnonzero(position[:rows] > 0)
    parent[extends] = row[extends, position[extends] - 1]
    history = np.sort(order[first:end])
    return TreeLayout(
        token=torch.from_numpy(token).to(device),
        position=torch.from_numpy(position).to(device),
        keys=torch.from_numpy(keys).to(device) if links else None,
        mask=torch.from_numpy(mask.reshape(blocks, m, links + m)).to(device),
        block=m,
        parent=torch.from_numpy(parent).to(device),
        history=history,
        row=torch.from_numpy(place[history] - first + len(lead)).to(device),
    )
