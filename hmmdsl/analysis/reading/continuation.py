"""Change the residual stream after each history, and go on from there.

Changed `own`, every history is an experiment of its own: only the row of its last token is changed, and it looks back over its
unchanged prefixes. One tree serves them all: each node gets a copy beside it, a leaf with the same token and parent, and the
copies are changed. Changed `every`, the tree's own rows are: a history then looks back over prefixes that are changed too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from hmmdsl.models.layout import TreeLayout, tree_layout, tree_layouts
from hmmdsl.training.objective import next_token_of

if TYPE_CHECKING:
    from jaxtyping import Float, Float64, Int64
    from torch import Tensor

    from hmmdsl.models.network import Network
    from hmmdsl.process.history_tree import HistoryTree

Positions = Literal["own", "every"]


@dataclass(frozen=True)
class _Part:
    """A layout, the stream there at the point, and the rows that are changed with the histories they stand for."""

    layout: TreeLayout
    stream: Float[Tensor, "row d_model"]
    rows: Int64[Tensor, " history"]
    history: Int64[np.ndarray, " history"]


@dataclass(frozen=True)
class Continuation:
    """A network that is stopped at `point` on all histories of a tree."""

    network: Network
    point: str
    parts: tuple[_Part, ...]
    histories: int

    @staticmethod
    @torch.no_grad()
    def of(network: Network, tree: HistoryTree, point: str, positions: Positions) -> Continuation:
        """Compute the stream at `point` once."""
        device = network.device
        # Prefixes of a part's first history belong to no history of the part, so `every` takes the tree in one.
        layouts = tree_layouts(with_copies(tree), device) if positions == "own" else (tree_layout(tree, device),)
        parts = []
        for layout in layouts:
            stream = next(x for name, x in network.stream(layout) if name == point)
            changed = np.flatnonzero(layout.history % 2) if positions == "own" else np.arange(len(layout.history))
            history = layout.history[changed] // 2 if positions == "own" else layout.history
            parts.append(_Part(layout, stream, layout.row[torch.from_numpy(changed).to(device)], history))
        return Continuation(network, point, tuple(parts), len(tree))

    @torch.no_grad()
    def log_probabilities(self, change: Float64[np.ndarray, "history d_model"]) -> Float64[np.ndarray, "history token"]:
        """log Pr(next token | history) in nats, after `change` has been added to the stream at the point; the
        first token's marginal where the network predicts more."""
        logits = np.empty((self.histories, self.network.outputs))
        for part in self.parts:
            added = torch.from_numpy(change[part.history]).to(part.stream)
            x = part.stream.index_add(0, part.rows, added)
            after = self.network.logits_from(self.point, part.layout, x)
            logits[part.history] = after.index_select(0, part.rows).cpu().numpy()
        return next_token_of(normalized(logits), self.network.vocabulary)


def normalized(logits: Float64[np.ndarray, "history token"]) -> Float64[np.ndarray, "history token"]:
    """Logits as log probabilities, in float64."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def with_copies(tree: HistoryTree) -> HistoryTree:
    """The tree with a copy beside each node: node i is 2 i, its copy 2 i + 1, which nothing extends."""

    def twice(array: np.ndarray) -> np.ndarray:
        return np.repeat(array, 2, axis=0)

    return replace(
        tree,
        token=twice(tree.token),
        parent=twice(np.where(tree.parent >= 0, 2 * tree.parent, -1)),
        length=twice(tree.length),
        probability=twice(tree.probability),
        levels=tuple(2 * end for end in tree.levels),
        factors=tuple(
            replace(factor, node=twice(np.arange(len(tree)) if factor.node is None else factor.node)) for factor in tree.factors
        ),
    )


def divergence(
    p: Float64[np.ndarray, "history token"], log_q: Float64[np.ndarray, "history token"]
) -> Float64[np.ndarray, " history"]:
    """KL(p || q) for each history, in nats. Terms are `p log(p / q)` as such, so that small divergences are no differences."""
    occurs = p > 0
    return np.asarray(np.where(occurs, p * (np.log(np.where(occurs, p, 1.0)) - log_q), 0.0).sum(axis=1))
