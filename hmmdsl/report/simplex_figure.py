"""Beliefs drawn in their simplex: a line for two states, the triangle for three, a plane for more."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from hmmdsl.process.simplex import SimplexProjection, drawn_colours, simplex_projection
from hmmdsl.report.style import FAINT, INK

if TYPE_CHECKING:
    from jaxtyping import Float64
    from matplotlib.axes import Axes

_LARGEST_AREA = 420.0
_SMALLEST_AREA = 0.35
_ALL_AREA = 26_000.0
_FEW = 60
_MOST_EDGES = 24
"""Corners whose names and edges are drawn, at most: of more they are a blot, and as many lines as half the square."""


def draw_beliefs(
    states: Sequence[str],
    beliefs: Float64[np.ndarray, "belief state"],
    weights: Float64[np.ndarray, " belief"],
    right: Float64[np.ndarray, " state"] | None = None,
) -> Figure:
    """Distinct beliefs with their probabilities as areas. At most two states lie on a line, more in a plane. With
    `right`, the eigenvector of a generalized HMM, they lie in a disk or their principal plane."""
    projection = simplex_projection(len(states), beliefs, weights, right)
    places, corners = projection(beliefs), projection.corners
    line = projection.kind == "line"
    figure = Figure(figsize=(5, 1.6) if line else (5, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_aspect("equal")
    if projection.directions is None:
        _draw_corners(axes, states, corners)
    else:
        _draw_disk(axes, states, projection)
    order = np.argsort(-weights, kind="stable")
    axes.scatter(
        places[order, 0],
        places[order, 1],
        s=_areas(weights)[order],
        c=drawn_colours(projection, beliefs)[order],
        edgecolors="white" if len(beliefs) <= _FEW else "none",
        linewidths=0.7 if len(beliefs) <= _FEW else 0,
        rasterized=len(beliefs) > 500,
        zorder=3,
    )
    if projection.kind in ("polygon", "principal", "plane") or projection.explained < 1:
        axes.set_title(f"this plane shows {projection.explained:.0%} of the variance", fontweight="normal", loc="center")
    axes.margins(0.14)
    return figure


def _areas(weights: Float64[np.ndarray, " belief"]) -> Float64[np.ndarray, " belief"]:
    """Areas in square points: proportional to probability among few beliefs, and never too small to see."""
    share = weights / weights.max()
    if len(weights) <= _FEW:
        return np.asarray(np.maximum(_LARGEST_AREA * share, 14.0))
    return np.asarray(np.clip(_ALL_AREA * weights / weights.sum(), _SMALLEST_AREA, 60.0))


def _draw_disk(axes: Axes, states: Sequence[str], projection: SimplexProjection) -> None:
    """The rim of a qubit's disk, with the names of the two coordinates that it shows; nothing for other planes."""
    if projection.kind != "disk" or projection.directions is None:
        return
    angle = np.linspace(0, 2 * np.pi, 181)
    axes.plot(np.cos(angle), np.sin(angle), color="#A9B0B8", linewidth=1.0, zorder=1)
    across, up = projection.directions.argmax(axis=0)
    axes.annotate(states[across], (1.05, 0), va="center", color=INK, parse_math=False)
    axes.annotate(states[up], (0, 1.05), ha="center", color=INK, parse_math=False)


def _draw_corners(axes: Axes, states: Sequence[str], corners: Float64[np.ndarray, "state 2"]) -> None:
    """The outline and the names of the corners; corners that lie together share a label."""
    if len(states) <= 3:
        outline = np.concatenate([corners, corners[:1]]) if len(states) == 3 else corners
        axes.plot(outline[:, 0], outline[:, 1], color="#A9B0B8", linewidth=1.0, zorder=1)
    else:
        axes.scatter(corners[:, 0], corners[:, 1], marker="+", s=36, color="#8A9098", linewidths=1.0, zorder=2)
        drawn = np.unique(np.round(corners, 6), axis=0)
        for i, j in combinations(range(len(drawn) if len(drawn) <= _MOST_EDGES else 0), 2):
            axes.plot(*drawn[[i, j]].T, color=FAINT, linewidth=0.7, zorder=0)
    centre = corners.mean(axis=0)
    together: dict[tuple[float, float], list[str]] = {}
    for name, corner in zip(states, np.round(corners, 6), strict=True):
        together.setdefault((float(corner[0]), float(corner[1])), []).append(name)
    if len(together) > _MOST_EDGES:
        return
    for corner, names in together.items():
        away = np.array(corner) - centre
        away = away / max(float(np.linalg.norm(away)), 1e-9)
        axes.annotate(
            ", ".join(names),
            corner,
            textcoords="offset points",
            xytext=tuple(15 * away),
            ha="center" if abs(away[0]) < 0.5 else ("left" if away[0] > 0 else "right"),
            va="center" if abs(away[1]) < 0.5 else ("bottom" if away[1] > 0 else "top"),
            color=INK,
            parse_math=False,
            zorder=4,
        )
