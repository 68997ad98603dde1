"""Belief geometry: the true one, and what an affine map reads off the activations, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from hmmdsl.analysis.figures.simplex import FEW, draw_beliefs, draw_centres, draw_outline, plane_limits
from hmmdsl.analysis.probe.belief_distances import centres
from hmmdsl.analysis.probe.distinct import distinct
from hmmdsl.process.simplex import belief_colours, simplex_projection

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.axes import Axes

    from hmmdsl.process.simplex import SimplexProjection

PANEL = 3.3
"""Width of a panel, in inches."""


MOST_POINTS = 100_000
"""Of more histories than these, so many are drawn, chosen at random."""


@dataclass(frozen=True)
class Panel:
    """One picture of beliefs: true or represented, one for each history, with its title."""

    title: str
    beliefs: Float[np.ndarray, "history state"]
    represented: bool


def draw_geometry(
    panels: Sequence[Panel], arrays: Mapping[str, np.ndarray], states: Sequence[str], width: float = PANEL
) -> Figure:
    """All panels in one row, in the same plane and with the same colours, which are those of the true beliefs.

    Processes of two states are drawn along a line, with the histories' lengths upward, since beliefs alone would lie upon one
    another. `width` is that of a panel, in inches.
    """
    true, weights = arrays["belief"], arrays["weights"]
    projection = simplex_projection(len(states), true, weights)
    colours = belief_colours(true)
    label = distinct(true)
    few = int(label.max()) < FEW
    lines = max(panel.title.count("\n") for panel in panels)
    limits = plane_limits(projection, [panel.beliefs for panel in panels])
    across, up = limits[1] - limits[0]
    height = width if projection.kind in ("line", "point") else width * float(np.clip(up / across, 0.5, 1.5))
    figure = Figure(figsize=(width * len(panels), height + 0.6 + 0.2 * lines), layout="constrained")
    drawn = figure.subplots(1, len(panels), squeeze=False)[0]
    order = np.random.default_rng(0).permutation(len(true))[:MOST_POINTS]
    for axes, panel in zip(drawn, panels, strict=True):
        axes.set_title(panel.title)
        if projection.kind in ("line", "point"):
            _draw_line(axes, panel, arrays["length"], colours, states)
            continue
        draw_outline(axes, projection, states, limits)
        alpha = (0.35 if few else 0.8) if panel.represented else 0.9
        draw_beliefs(axes, projection, panel.beliefs[order], colours[order], weights[order], alpha)
        if few:
            first = np.unique(label, return_index=True)[1]
            draw_centres(axes, projection, centres(panel.beliefs.astype(np.float64), weights, label), colours[first], width)
    return figure


def _draw_line(axes: Axes, panel: Panel, length: np.ndarray, colours: np.ndarray, states: Sequence[str]) -> None:
    """Beliefs over one or two states: the probability of the last against the history's length."""
    axes.scatter(panel.beliefs[:, -1], length, s=12, c=colours, alpha=0.7, linewidths=0, rasterized=True)
    axes.set_xlabel(f"Pr({states[-1]} | history)")
    axes.set_ylabel("history length (tokens)")
    axes.set_xlim(-0.08, 1.08)


def shown_variance(projection: SimplexProjection) -> str:
    """What the plane leaves out, in words; empty if nothing."""
    if projection.explained > 0.9995:
        return ""
    return f"the plane shows {100 * projection.explained:.0f} % of the beliefs' variance"
