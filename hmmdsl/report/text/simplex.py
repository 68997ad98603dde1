"""The beliefs of a process in their simplex, or a qubit's in its disk, in characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.history_tree import build_history_tree, history_weights
from hmmdsl.process.simplex import SimplexProjection, drawn_colours, simplex_projection
from hmmdsl.report.depths import deepest
from hmmdsl.report.text.canvas import ACROSS, DOWN, Canvas

if TYPE_CHECKING:
    from jaxtyping import Float64
    from rich.text import Text

    from hmmdsl.process.process import Process

HISTORIES = 30_000
"""Histories whose beliefs are shown, at most."""

FEW = 40
"""Up to so many distinct beliefs are shown by a mark of their own, more by dots."""

MARKS = ((0.1, "●"), (0.02, "•"), (0.0, "·"))
"""The mark of a belief by its share of the probability."""


def drawn_beliefs(
    process: Process, histories: int
) -> tuple[Float64[np.ndarray, "belief state"], Float64[np.ndarray, " belief"], int]:
    """The distinct beliefs after histories of every length up to a depth, the start included, their shares of the probability,
    and the depth."""
    depth = deepest(process, histories)
    tree = build_history_tree(process, depth, bos=True)
    weights = history_weights(tree, "probability")
    distinct, place = np.unique(np.round(tree.belief, 9) + 0.0, axis=0, return_inverse=True)
    shares = np.bincount(place.ravel(), weights, len(distinct))
    return distinct, shares / shares.sum(), depth


def belief_picture(process: Process, width: int) -> tuple[str, list[Text]]:
    """A title and the lines of the picture, each of `width` characters."""
    beliefs, shares, depth = drawn_beliefs(process, HISTORIES)
    projection = simplex_projection(len(process.states), beliefs, shares, process.r if process.generalized else None)
    canvas, place = _sheet(projection, width)
    _outline(canvas, place, projection)
    colours = drawn_colours(projection, beliefs)
    places = place(projection(beliefs))
    if len(beliefs) <= FEW:
        for k in np.argsort(shares, kind="stable"):
            canvas.glyph(places[k], next(mark for least, mark in MARKS if shares[k] >= least), colours[k])
    else:
        canvas.dots(places, colours)
    _label(canvas, place, projection, tuple(process.states))
    shown = f" ({projection.explained:.0%})" if projection.explained < 0.995 else ""
    distinct = f"{len(beliefs):,} belief{'' if len(beliefs) == 1 else 's'}"
    return f"{distinct} after up to {depth} tokens{shown}", canvas.rows()


class _Place:
    """From the plane to dots: the same scale both ways, upwards in the plane is upwards on the sheet."""

    def __init__(self, low: Float64[np.ndarray, " xy"], scale: float, offset: Float64[np.ndarray, " xy"], bottom: float) -> None:
        self.low, self.scale, self.offset, self.bottom = low, scale, offset, bottom

    def __call__(self, points: Float64[np.ndarray, "point 2"]) -> Float64[np.ndarray, "point 2"]:
        moved: np.ndarray = (np.asarray(points, dtype=np.float64) - self.low) * self.scale + self.offset
        moved[:, 1] = self.bottom - moved[:, 1]
        return moved


def _sheet(projection: SimplexProjection, width: int) -> tuple[Canvas, _Place]:
    """A sheet in the shape of what is drawn, with a line for labels above and below."""
    low, high = projection.corners.min(axis=0), projection.corners.max(axis=0)
    extent = np.maximum(high - low, 1e-9)
    flat = projection.kind in ("line", "point")
    across = width * ACROSS - 1 - 2 * ACROSS
    scale = across / float(extent[0]) if projection.kind != "point" else 1.0
    tall = 1 if flat else int(np.ceil(float(extent[1]) * scale / DOWN)) + 1
    canvas = Canvas(width, tall + (1 if flat else 2))
    bottom = (tall + (0 if flat else 1)) * DOWN - 1.0
    middle = np.array([ACROSS + (across / 2 if projection.kind == "point" else 0.0), 1.0 if flat else 0.0])
    return canvas, _Place(low, scale, middle, bottom)


def _outline(canvas: Canvas, place: _Place, projection: SimplexProjection) -> None:
    if projection.kind == "disk":
        angle = np.linspace(0, 2 * np.pi, 40 * canvas.width)
        canvas.dots(place(np.stack([np.cos(angle), np.sin(angle)], axis=1)))
    elif projection.kind in ("line", "triangle", "polygon"):
        corners = place(projection.corners)
        for k in range(len(corners)):
            canvas.line(corners[k], corners[(k + 1) % len(corners)], gap=1.0 if projection.kind == "triangle" else 2.0)


def _label(canvas: Canvas, place: _Place, projection: SimplexProjection, states: tuple[str, ...]) -> None:
    """The names of the corners, or of a disk's axes, where there is room for them."""
    if projection.kind == "disk" and projection.directions is not None:
        across, up = projection.directions.argmax(axis=0)
        ends = place(np.array([[1.0, 0.0], [0.0, 1.0]]))
        canvas.write(round(float(ends[0, 1])) // DOWN, canvas.width, states[across])
        canvas.write(0, round(float(ends[1, 0])) // ACROSS, states[up])
        return
    if projection.directions is not None or len(states) > 12 or projection.kind == "principal":
        return
    centre = place(projection.corners).mean(axis=0)
    for name, corner in zip(states, place(projection.corners), strict=True):
        column, row = round(float(corner[0])) // ACROSS, round(float(corner[1])) // DOWN
        below = projection.kind in ("line", "point") or corner[1] > centre[1] + DOWN
        aside = abs(float(corner[1] - centre[1])) <= DOWN and projection.kind == "polygon"
        canvas.write(row + (0 if aside else 1 if below else -1), column - (len(name) - 1) // 2, name)
