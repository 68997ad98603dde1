"""Represented distances against true ones, pair by pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from hmmdsl.analysis.drawing.wording import note, number, read_histories, targets_label

if TYPE_CHECKING:
    from hmmdsl.analysis.distances.record import Distances
    from hmmdsl.analysis.outcome import Inputs, Outcome

COLOURS = {"belief": ("C0", "Blues"), "next_token": ("C1", "Oranges")}
OTHER = ("C2", "Greens")
"""The colour of single pairs, and the map for the density of many."""

MANY = 5_000
"""Beyond so many pairs, their density is drawn."""


def figures(analysis: Distances, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
    """By name: `scatter`, one panel for each thing compared with."""
    names = analysis.against_names
    figure = Figure(figsize=(3.6 * len(names) + 0.3, 3.7), layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
    here = outcome.arrays["represented"]
    for axes, name in zip(panels, names, strict=True):
        there = outcome.arrays[name]
        colour, density = COLOURS.get(name, OTHER)
        if len(here) > MANY:
            axes.hexbin(there, here, gridsize=60, bins="log", cmap=density, mincnt=1, linewidths=0)
        else:
            axes.scatter(there, here, s=14, alpha=0.45, color=colour, linewidths=0, rasterized=len(here) > 1000)
        _line(axes, there, here)
        axes.set_title(f"R² = {number(analysis.of_name(outcome.results, name)['r2'])}")
        axes.set_xlabel(f"distance between {targets_label(name)}")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
    panels[0].set_ylabel("distance between represented beliefs")
    note(figure, f"{outcome.facts['beliefs']:,} beliefs, {outcome.facts['pairs']} pairs; {read_histories(outcome)}")
    return {"scatter": figure}


def caption(analysis: Distances, figure: str, outcome: Outcome) -> str:
    """What the figure shows."""
    return (
        f"Each point is a pair of distinct beliefs ({outcome.facts['beliefs']:,} beliefs, {outcome.facts['pairs']} pairs): "
        f"how far apart their representations at {analysis.of} are (Euclidean, between centres of mass), against how far apart "
        "they are in truth. "
        f"{_metric(outcome)}"
        f"Line: least squares. Histories: {read_histories(outcome)}."
    )


def _metric(outcome: Outcome) -> str:
    """For a generalized HMM, what distances are between."""
    metric = str(outcome.facts.get("metric", "beliefs"))
    return "" if metric == "beliefs" else f"Both are distances between the distributions of {metric}. "


def _line(axes: Any, there: np.ndarray, here: np.ndarray) -> None:
    """The least-squares line through the pairs."""
    if len(there) < 2 or np.ptp(there) == 0:
        return
    slope, offset = np.polyfit(there.astype(np.float64), here.astype(np.float64), 1)
    ends = np.array([there.min(), there.max()], dtype=np.float64)
    axes.plot(ends, slope * ends + offset, color="0.25", linewidth=1.1, linestyle="--")
