"""The joint distribution of the next k tokens after each history of a tree, made for those that are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.futures import word_vectors
from hmmdsl.process.histories import SMALLEST_PROBABILITY, HistoryTree
from hmmdsl.process.history_tree import next_token_entropies
from hmmdsl.process.process import Process

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

_AT_ONCE = 4096
"""Histories whose distributions are there together while entropies are summed."""


@dataclass(frozen=True)
class Ahead:
    """The next `k` tokens after the histories of `tree`, which are of `process`; the tree itself knows the next token."""

    tree: HistoryTree
    k: int = 1
    process: Process | None = None

    @cached_property
    def _words(self) -> Float64[np.ndarray, "state word"]:
        if self.process is None:
            raise ValueError("more tokens than the next one are known by the process alone")
        return word_vectors(self.process, self.k)

    @property
    def words(self) -> int:
        """V^k."""
        return int(self.tree.vocabulary**self.k)

    def of(self, rows: Int64[np.ndarray, " row"]) -> Float64[np.ndarray, "row word"]:
        """Pr(next k tokens | history): one column for each word of k tokens, the last token fastest."""
        if self.k == 1:
            return self.tree.next_token_of(rows)
        found = self.tree.belief_of(rows) @ self._words
        if (
            self.process is not None and self.process.generalized
        ):  # negative entries cancel, so what is this small is rounding of zero
            found[found < SMALLEST_PROBABILITY] = 0.0
        return np.asarray(found)

    def entropies(self) -> Float64[np.ndarray, " history"]:
        """The entropy of what comes after each history, in nats: the least loss that any predictor can have there."""
        if self.k == 1:
            return next_token_entropies(self.tree)
        found = np.empty(len(self.tree))
        for start in range(0, len(self.tree), _AT_ONCE):
            p = self.of(np.arange(start, min(start + _AT_ONCE, len(self.tree))))
            found[start : start + len(p)] = -np.sum(p * np.log(np.where(p > 0, p, 1.0)), axis=1)
        return found
