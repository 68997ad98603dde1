"""Which beliefs are the same: equal but for rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64


SAME = 1e-9
"""Beliefs whose coordinates differ by less are one."""


def distinct(vectors: Float64[np.ndarray, "history state"], same: float = SAME) -> Int64[np.ndarray, " history"]:
    """The number of each vector's class, from 0 in the order of first appearance.

    Along each coordinate in turn a class is split wherever two neighbours in sorted order are further apart than `same`, until
    nothing splits. Other than rounding to a grid, this never parts two vectors that happen to lie on both sides of a grid line.
    """
    label = np.zeros(len(vectors), dtype=np.int64)
    before, classes = -1, 0
    while before < classes:
        before = classes
        for coordinate in vectors.T:
            order = np.lexsort((coordinate, label))
            new = np.diff(label[order], prepend=-1) != 0
            new[1:] |= np.diff(coordinate[order]) > same
            label[order] = np.cumsum(new) - 1
        classes = int(label.max(initial=-1)) + 1
    _, first, label = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[label]


def centres(
    points: Float64[np.ndarray, "history coordinate"],
    weights: Float64[np.ndarray, " history"],
    label: Int64[np.ndarray, " history"],
) -> Float64[np.ndarray, "belief coordinate"]:
    """The weighted centre of mass of each class."""
    mass = np.bincount(label, weights)
    return np.stack([np.bincount(label, weights * column) / mass for column in points.T], axis=1)
