"""Folds for cross-validation: each history stands in one of them, whatever words it occurs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Int64


def assign_folds(histories: int, folds: int, random: np.random.Generator) -> Int64[np.ndarray, " history"]:
    """A fold from 0 to `folds` - 1 for each history, at random, with sizes that differ by one at most.

    There are never more folds than histories.
    """
    fold = np.empty(histories, dtype=np.int64)
    fold[random.permutation(histories)] = np.arange(histories) % min(folds, histories)
    return fold
