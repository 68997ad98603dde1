"""How fast what is lost at each step goes: the spectral radius of a nonnegative matrix, class by class.

The radius is the largest of those of the communicating classes' blocks, each of which is irreducible, so that its Perron root is
simple and well conditioned (Seneta 2006). A matrix of zeros and nilpotent parts has exactly 0, where eigenvalues of the whole
would show rounding errors magnified.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.stationary import components

if TYPE_CHECKING:
    from jaxtyping import Float64

LARGEST_BLOCK = 400
"""Classes of more states have their root by iteration."""

ITERATIONS = 3000
"""Steps of that iteration."""


def nonnegative_radius(matrix: Float64[np.ndarray, "state state"]) -> float:
    """The spectral radius of a square matrix with no negative entry."""
    rows, columns = np.nonzero(matrix)
    linked = {(int(i), int(j)): 1.0 for i, j in zip(rows, columns, strict=True)}
    radius = 0.0
    for members in components(linked, len(matrix)):
        inside = sorted(members)
        block = matrix[np.ix_(inside, inside)]
        if len(inside) == 1:
            radius = max(radius, float(block[0, 0]))
        elif len(inside) <= LARGEST_BLOCK:
            radius = max(radius, float(np.abs(np.linalg.eigvals(block)).max()))
        else:
            radius = max(radius, _iterated(block))
    return radius


def _iterated(block: Float64[np.ndarray, "state state"]) -> float:
    """By powers of (1 + A) / 2, which has one eigenvalue of largest size even where A is periodic."""
    vector, size = np.full(len(block), 1 / len(block)), 0.0
    for _ in range(ITERATIONS):
        after = (vector + vector @ block) / 2
        size = float(after.sum())
        vector = after / size
    return 2 * size - 1
