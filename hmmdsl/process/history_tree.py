"""The history tree: every word up to the context that can occur, with what an optimal observer knows after it.

One structure that activations, losses, regressions, distances and figures all read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64, Int64


@dataclass(frozen=True)
class HistoryTree:
    """Nodes in breadth-first order: all histories of one length stand together, and children stand in the order of their
    parents, then of their tokens.

    With `bos` the empty history is node 0, with token V (one past the vocabulary); without, the histories of length 1 have no
    parent (-1).

    token        last token's index in the vocabulary
    parent       index of the history without its last token, -1 if that is no node
    length       number of tokens (the empty history: 0)
    belief       Pr(state | history), the mixed state `eta T_w / (eta T_w 1)` (Shai et al. 2024, Eq. 2)
    next_token   Pr(next token | history)
    probability  Pr(word); the histories of one length sum to 1. From samples: the share of the drawn words
    levels       nodes of the l-th length are `levels[l] : levels[l + 1]`
    vocabulary   number of tokens, V
    words        drawn words, None where the tree is exact
    """

    token: Int64[np.ndarray, " history"]
    parent: Int64[np.ndarray, " history"]
    length: Int64[np.ndarray, " history"]
    belief: Float64[np.ndarray, "history state"]
    next_token: Float64[np.ndarray, "history token"]
    probability: Float64[np.ndarray, " history"]
    levels: tuple[int, ...]
    vocabulary: int
    context: int
    bos: bool
    source: Literal["exact", "sampled"]
    words: int | None = None

    def __len__(self) -> int:
        return int(self.token.shape[0])
