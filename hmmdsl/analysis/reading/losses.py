"""Divergences of predictions from optimal ones, over histories and by position."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Float64

    from hmmdsl.process.history_tree import HistoryTree


ROWS = 16_384
"""Histories whose distributions are compared at a time: a product's are made for so many."""


def divergences(tree: HistoryTree, log_probabilities: Float[np.ndarray, "history token"]) -> Float64[np.ndarray, " history"]:
    """For each history the KL divergence of the prediction from the true next-token distribution, in nats.

    Terms are `p log(p / q)` as such, so that a gap of 1e-9 is no difference of two losses near 1.
    """
    found = np.empty(len(tree))
    for start in range(0, len(tree), ROWS):
        rows = slice(start, start + ROWS)
        p = tree.next_token_of(rows)
        occurs = p > 0
        terms = np.where(occurs, p * (np.log(np.where(occurs, p, 1.0)) - log_probabilities[rows]), 0.0)
        found[rows] = terms.sum(axis=1)
    return found


def by_position(tree: HistoryTree, values: Float64[np.ndarray, " history"]) -> Float64[np.ndarray, " position"]:
    """The expectation at each position."""
    weighted = values * tree.probability
    return np.array([weighted[a:b].sum() / tree.probability[a:b].sum() for a, b in pairwise(tree.levels)])
