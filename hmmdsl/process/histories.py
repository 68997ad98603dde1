"""The history tree as data: every word up to the context that can occur, with what an optimal observer knows after it.

One structure that activations, losses, regressions, distances and figures all read. Beliefs and predictions of a product are kept
apart for each factor, since independent factors stay independent whatever is observed: the belief after a word is the outer
product of the factors' beliefs after their own parts of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64, Int32, Int64

SMALLEST_PROBABILITY = 1e-12
"""Words below this are dropped where the process is not exact: a float's rounding error is not a word."""

Rows: TypeAlias = "slice | np.ndarray"
"""Some histories of a tree: a slice, or their indices."""


@dataclass(frozen=True)
class FactorHistories:
    """What an optimal observer of one factor knows: one row for each of the factor's own histories.

    belief      Pr(state | history), the mixed state `eta T_w / (eta T_w r)`, r = 1 but for a ghmm (Shai et al. 2024, Eq. 2)
    next_token  Pr(next token | history)
    node        the factor's own history in each history of the tree; None where they are the tree's
    """

    belief: Float64[np.ndarray, "own_history state"]
    next_token: Float64[np.ndarray, "own_history token"]
    node: Int32[np.ndarray, " history"] | None = None

    def of(
        self, values: Float64[np.ndarray, own_history * rest], rows: Rows = slice(None)
    ) -> Float64[np.ndarray, history * rest]:
        """Values of the factor's own histories, seen from histories of the tree."""
        return values[rows] if self.node is None else values[self.node[rows]]


@dataclass(frozen=True)
class HistoryTree:
    """Nodes in breadth-first order: all histories of one length stand together, and children stand in the order of their
    parents, then of their tokens.

    With `bos` the empty history is node 0, with token V (one past the vocabulary); without, the histories of length 1 have no
    parent (-1).

    token        last token's index in the vocabulary
    parent       index of the history without its last token, -1 if that is no node
    length       number of tokens (the empty history: 0)
    probability  Pr(word); the histories of one length sum to 1. From samples: the share of the drawn words
    levels       nodes of the l-th length are `levels[l] : levels[l + 1]`
    vocabulary   number of tokens, V
    words        drawn words, None where the tree is exact
    factors      beliefs and predictions, apart for each independent factor of a product; of any other process there is one
    """

    token: Int64[np.ndarray, " history"]
    parent: Int64[np.ndarray, " history"]
    length: Int64[np.ndarray, " history"]
    probability: Float64[np.ndarray, " history"]
    levels: tuple[int, ...]
    vocabulary: int
    context: int
    bos: bool
    source: Literal["exact", "sampled"]
    factors: tuple[FactorHistories, ...]
    words: int | None = None

    def __len__(self) -> int:
        return int(self.token.shape[0])

    @property
    def positions(self) -> int:
        """Number of different lengths, which is the number of positions that a network predicts at."""
        return len(self.levels) - 1

    @property
    def nbytes(self) -> int:
        """Bytes of what it holds; joint beliefs that were asked for are not counted."""
        own = [array for factor in self.factors for array in (factor.belief, factor.next_token, factor.node) if array is not None]
        return sum(array.nbytes for array in (self.token, self.parent, self.length, self.probability, *own))

    def frozen(self) -> HistoryTree:
        """Itself, with all arrays read-only."""
        own = [array for factor in self.factors for array in (factor.belief, factor.next_token, factor.node) if array is not None]
        for array in (self.token, self.parent, self.length, self.probability, *own):
            array.setflags(write=False)
        return self

    @cached_property
    def belief(self) -> Float64[np.ndarray, "history state"]:
        """Pr(state | history): of a product the joint belief, the outer product of its factors'. Raises JointSizeError where that
        would take too much memory: read factors, or fewer histories by `belief_of`."""
        return self.belief_of()

    @cached_property
    def next_token(self) -> Float64[np.ndarray, "history token"]:
        """Pr(next token | history), in the same way."""
        return self.next_token_of()

    def belief_of(
        self, rows: Rows = slice(None), first: int = 0, last: int | None = None
    ) -> Float64[np.ndarray, "history state"]:
        """The joint belief about the factors `first : last` (all, if not said) after some histories."""
        chosen = self.factors[first:last]
        return _outer([(factor, factor.belief) for factor in chosen], rows, len(self), "belief")

    def next_token_of(self, rows: Rows = slice(None)) -> Float64[np.ndarray, "history token"]:
        """Pr(next token | history) after some histories."""
        return _outer([(factor, factor.next_token) for factor in self.factors], rows, len(self), "next-token distribution")


LARGEST_JOINT = 500_000_000
"""Numbers of all joint beliefs that are held at once, at most: 4 GB."""


class JointSizeError(MemoryError):
    """The joint beliefs, or predictions, of a product would take too much memory."""

    def __init__(self, what: str, histories: int, size: int) -> None:
        super().__init__(
            f"the joint {what} has {size:,} numbers after each of {histories:,} histories: {histories * size * 8 / 1e9:,.1f} GB"
        )


def _outer(
    factors: list[tuple[FactorHistories, Float64[np.ndarray, "own_history value"]]], rows: Rows, histories: int, what: str
) -> Float64[np.ndarray, "history value"]:
    """The outer product of the factors' values for each history; of one factor its own rows, read-only."""
    if len(factors) == 1:
        factor, values = factors[0]
        found = factor.of(values, rows)
        found.setflags(write=False)
        return found
    chosen = len(range(*rows.indices(histories))) if isinstance(rows, slice) else len(rows)
    size = prod(values.shape[1] for _, values in factors)
    if chosen * size > LARGEST_JOINT:
        raise JointSizeError(what, chosen, size)
    joint = np.ones((chosen, 1))
    for factor, values in factors:
        joint = (joint[:, :, None] * factor.of(values, rows)[:, None, :]).reshape(chosen, -1)
    joint.setflags(write=False)
    return joint
