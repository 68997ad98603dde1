"""One panel of beliefs in the plane: the outline of the simplex, and a point for each history."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Float, Float64
    from matplotlib.axes import Axes

    from hmmdsl.process.simplex import SimplexProjection

AREA = 730.0
"""Summed area of a panel's points, in square points for each square inch of the panel."""

SMALLEST, LARGEST, RING = 0.12, 1.5, 2.4
"""Areas of one point, at least (square points) and at most, and of a ring (square points for each square inch of the panel)."""

MARGIN, OUTSIDE = 0.16, 0.25
"""Shares of the simplex' span: around it for labels, and how far outside estimated beliefs are still shown."""

NEARLY_NONE = 0.005
"""Share of the points that may fall off each side of a panel."""

TOGETHER = 0.06
"""Corners nearer than this share of the span have one label."""

LABEL: dict[str, Any] = {"va": "center", "fontsize": "small", "color": "0.35", "zorder": 4}

FEW = 200
"""Up to so many distinct beliefs, the centre of mass of each is drawn as a ring."""


def plane_limits(
    projection: SimplexProjection, panels: Sequence[Float[np.ndarray, "history state"]]
) -> Float64[np.ndarray, "end axis"]:
    """The part of the plane that all panels show: the simplex, and nearly all points, unless they lie far outside."""
    corners = projection.corners
    span = max(float(np.ptp(corners, axis=0).max()), 1e-9)
    low, high = corners.min(axis=0) - MARGIN * span, corners.max(axis=0) + MARGIN * span
    furthest = np.stack([low - OUTSIDE * span, high + OUTSIDE * span])
    for beliefs in panels:
        points = projection(beliefs)
        low = np.minimum(low, np.maximum(np.quantile(points, NEARLY_NONE, axis=0) - 0.02 * span, furthest[0]))
        high = np.maximum(high, np.minimum(np.quantile(points, 1 - NEARLY_NONE, axis=0) + 0.02 * span, furthest[1]))
    return np.stack([low, high])


MOST_CORNERS = 40
"""Corners whose edges are drawn, at most: there are half as many edges as the square of their number."""


def draw_outline(
    axes: Axes,
    projection: SimplexProjection,
    states: Sequence[str],
    limits: Float64[np.ndarray, "end axis"],
    beside: bool = True,
) -> None:
    """The edges between the corners, each with its state's name, and no frame; of more than 40 corners neither.

    States whose corners fall together in this plane share a label; without `states` there is none. Labels stand `beside` the
    corners, or above and below them where that has no room.
    """
    corners = projection.corners
    if projection.directions is not None:
        _draw_disk(axes, projection, states)
        states = ()
    many = len(corners) > MOST_CORNERS
    states = () if many else states
    for i, j in combinations(range(len(corners) if projection.directions is None and not many else 0), 2):
        axes.plot(*corners[[i, j]].T, color="0.85", linewidth=0.7, zorder=0)
    middle = corners.mean(axis=0)
    span = max(float(np.ptp(corners, axis=0).max()), 1e-9)
    named: list[tuple[Float64[np.ndarray, " axis"], list[str]]] = []
    for corner, state in zip(corners, states, strict=False):
        near = next((names for place, names in named if np.linalg.norm(place - corner) < TOGETHER * span), None)
        if near is None:
            named.append((corner, [state]))
        else:
            near.append(state)
    for corner, names in named:
        outward = corner - middle
        outward /= max(float(np.linalg.norm(outward)), 1e-9)
        at = corner + 0.05 * span * outward
        if not beside:
            axes.text(corner[0], corner[1] + (0.1 if outward[1] > 0 else -0.1) * span, ", ".join(names), **LABEL, ha="center")
            continue
        side = "left" if outward[0] > 0.5 else "right" if outward[0] < -0.5 else "center"
        axes.text(at[0], at[1], ", ".join(names), **LABEL, ha=side)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_xlim(limits[0, 0], limits[1, 0])
    axes.set_ylim(limits[0, 1], limits[1, 1])


def _draw_disk(axes: Axes, projection: SimplexProjection, states: Sequence[str]) -> None:
    """The rim of a qubit's disk and, with `states`, the coordinates that it shows; nothing for the plane of other generalized
    HMMs."""
    if projection.kind != "disk" or projection.directions is None:
        return
    angle = np.linspace(0, 2 * np.pi, 181)
    axes.plot(np.cos(angle), np.sin(angle), color="0.85", linewidth=0.7, zorder=0)
    if len(states):
        across, up = projection.directions.argmax(axis=0)
        axes.text(1.04, 0, states[across], **LABEL)
        axes.text(0, 1.08, states[up], **LABEL, ha="center")


def draw_beliefs(
    axes: Axes,
    projection: SimplexProjection,
    beliefs: Float[np.ndarray, "history state"],
    colours: Float64[np.ndarray, "history 3"],
    weights: Float64[np.ndarray, " history"],
    width: float,
    alpha: float = 0.8,
) -> None:
    """A point for each history, the heavier ones larger, in a panel of `width` inches; what lies far outside the simplex falls
    off it."""
    size = AREA * width**2 / max(len(beliefs), 1) * np.sqrt(weights / weights.mean())
    x, y = projection(beliefs).T
    axes.scatter(
        x, y, s=np.clip(size, SMALLEST, LARGEST * width**2), c=colours, alpha=alpha, linewidths=0, rasterized=True, zorder=2
    )


def draw_centres(
    axes: Axes,
    projection: SimplexProjection,
    centres: Float[np.ndarray, "belief state"],
    colours: Float64[np.ndarray, "belief 3"],
    width: float,
) -> None:
    """A ring for the centre of mass of each distinct belief, in a panel of `width` inches."""
    x, y = projection(centres).T
    axes.scatter(x, y, s=RING * width**2, c=colours, edgecolors="0.15", linewidths=0.6, zorder=3)
