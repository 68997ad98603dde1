"""One panel of beliefs in the plane: the outline of the simplex, and a point for each history."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Float, Float64
    from matplotlib.axes import Axes

    from hmmdsl.process.simplex import SimplexProjection

AREA = 30_000.0
"""Summed area, in square points, that all points of a panel may cover; each has between the two sizes below."""

SMALLEST, LARGEST = 0.35, 16.0

FEW = 200
"""Up to so many distinct beliefs, the centre of mass of each is drawn as a ring."""


def draw_outline(axes: Axes, projection: SimplexProjection, states: Sequence[str]) -> None:
    """The edges between the corners, each with its state's name, and no frame."""
    corners = projection.corners
    for i, j in combinations(range(len(corners)), 2):
        axes.plot(*corners[[i, j]].T, color="0.85", linewidth=0.7, zorder=0)
    middle = corners.mean(axis=0)
    span = max(float(np.ptp(corners, axis=0).max()), 1e-9)
    for corner, state in zip(corners, states, strict=True):
        outward = corner - middle
        at = corner + 0.07 * span * outward / max(float(np.linalg.norm(outward)), 1e-9)
        axes.text(*at, state, ha="center", va="center", fontsize="small", color="0.35")
    axes.set_aspect("equal")
    axes.set_axis_off()
    low, high = corners.min(axis=0) - 0.14 * span, corners.max(axis=0) + 0.14 * span
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])


def draw_beliefs(
    axes: Axes,
    projection: SimplexProjection,
    beliefs: Float[np.ndarray, "history state"],
    colours: Float64[np.ndarray, "history 3"],
    alpha: float = 0.8,
) -> None:
    """A point for each history; what lies far outside the simplex is left out of the panel."""
    size = float(np.clip(AREA / max(len(beliefs), 1) / 10, SMALLEST, LARGEST))
    axes.scatter(*projection(beliefs).T, s=size, c=colours, alpha=alpha, linewidths=0, rasterized=True, zorder=2)


def draw_centres(
    axes: Axes,
    projection: SimplexProjection,
    centres: Float[np.ndarray, "belief state"],
    colours: Float64[np.ndarray, "belief 3"],
) -> None:
    """A ring for the centre of mass of each distinct belief."""
    axes.scatter(*projection(centres).T, s=26, c=colours, edgecolors="0.15", linewidths=0.6, zorder=3)
