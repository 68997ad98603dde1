"""Belief geometry: the true one, and what an affine map reads off the activations, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from hmmdsl.analysis.drawing.simplex import FEW, draw_beliefs, draw_centres, draw_outline, plane_limits
from hmmdsl.process.distinct import centres, distinct
from hmmdsl.process.simplex import SimplexProjection, drawn_colours, simplex_projection

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.axes import Axes

    from hmmdsl.process.process import Process

LINE, POINTS = 1.45, 72.0
"""Height of a line of text as a multiple of its size; points in an inch."""

PANEL, NARROW = 3.3, 2.0
"""Width of a panel, in inches; the corners of narrow panels are named in the true geometry only."""


MOST_POINTS = 100_000
"""Of more histories than these, so many are drawn, chosen at random."""


@dataclass(frozen=True)
class Panel:
    """One picture of beliefs: true or represented, one for each history, with its title."""

    title: str
    beliefs: Float[np.ndarray, "history state"]
    represented: bool


def draw_geometry(panels: Sequence[Panel], arrays: Mapping[str, np.ndarray], process: Process, width: float = PANEL) -> Figure:
    """All panels in one row, in the same plane and with the same colours, which are those of the true beliefs.

    Processes of two states are drawn along a line, with the histories' lengths upward, since beliefs alone would lie upon one
    another. `width` is that of a panel, in inches.
    """
    states, true, weights = process.states, arrays["belief"], arrays["weights"]
    projection = belief_plane(process, arrays)
    colours = drawn_colours(projection, true)
    label = distinct(true)
    few = int(label.max()) < FEW
    limits = plane_limits(projection, [panel.beliefs for panel in panels])
    figure, drawn = _line_panels(panels, width) if projection.kind in ("line", "point") else _panels(panels, width, limits)
    order = np.random.default_rng(0).permutation(len(true))[:MOST_POINTS]
    for axes, panel in zip(drawn, panels, strict=True):
        axes.set_title(panel.title, x=0.02)
        if projection.kind in ("line", "point"):
            _draw_line(axes, panel, arrays["length"], colours, states)
            continue
        draw_outline(axes, projection, states if width > NARROW or not panel.represented else (), limits, beside=width > NARROW)
        alpha = (0.35 if few else 0.8) if panel.represented else 0.9
        draw_beliefs(axes, projection, panel.beliefs[order], colours[order], weights[order], width, alpha)
        if few:
            first = np.unique(label, return_index=True)[1]
            draw_centres(axes, projection, centres(panel.beliefs.astype(np.float64), weights, label), colours[first], width)
    return figure


def _panels(panels: Sequence[Panel], width: float, limits: Float[np.ndarray, "end axis"]) -> tuple[Figure, list[Axes]]:
    """Panels of exactly the shape of the part of the plane that they show, below their titles and above a line for the note."""
    across, up = limits[1] - limits[0]
    line = FontProperties(size=rcParams["axes.titlesize"]).get_size_in_points() * LINE / POINTS
    titles = line * (1 + max(panel.title.count("\n") for panel in panels)) + rcParams["axes.titlepad"] / POINTS
    height, foot = width * float(up / across), line
    size = (width * len(panels), titles + height + foot)
    figure = Figure(figsize=size)
    rows = (foot / size[1], height / size[1])
    return figure, [figure.add_axes((i / len(panels), rows[0], 1 / len(panels), rows[1])) for i in range(len(panels))]


def _line_panels(panels: Sequence[Panel], width: float) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width * len(panels), width + 0.6), layout="constrained")
    return figure, list(figure.subplots(1, len(panels), squeeze=False, sharey=True)[0])


def _draw_line(axes: Axes, panel: Panel, length: np.ndarray, colours: np.ndarray, states: Sequence[str]) -> None:
    """Beliefs over one or two states: the probability of the last against the history's length."""
    axes.scatter(panel.beliefs[:, -1], length, s=12, c=colours, alpha=0.7, linewidths=0, rasterized=True)
    axes.set_xlabel(f"Pr({states[-1]} | history)")
    axes.set_ylabel("history length (tokens)")
    axes.set_xlim(-0.08, 1.08)


def belief_plane(process: Process, arrays: Mapping[str, np.ndarray]) -> SimplexProjection:
    """Where the beliefs of a regression are drawn."""
    right = process.r if process.generalized else None
    return simplex_projection(len(process.states), arrays["belief"], arrays["weights"], right)


def shown_variance(projection: SimplexProjection) -> str:
    """What the plane leaves out, in words; empty if nothing."""
    if projection.explained > 0.9995:
        return ""
    return f"the plane shows {100 * projection.explained:.0f} % of the beliefs' variance"
