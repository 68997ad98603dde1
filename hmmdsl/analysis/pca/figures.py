"""Figures of principal components: cumulative variance by layer, against the dimensions that theory names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from hmmdsl.analysis.drawing.axes import count_along
from hmmdsl.analysis.drawing.wording import note, number, read_histories
from hmmdsl.analysis.reading.by_place import results_of
from hmmdsl.analysis.reading.points import Place, place_label, places
from hmmdsl.process.notation import number_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hmmdsl.analysis.outcome import Inputs, Outcome
    from hmmdsl.analysis.pca.record import Pca

TITLES = {"": "trained", ".untrained": "untrained", ".held_out": "trained, histories left out"}
LABELS = {"beliefs": "beliefs", "hankel": "predictive states", "factored": "sum over factors", "joint": "joint"}
LINES = ["--", "-.", ":", (0, (1, 3))]


def figures(analysis: Pca, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
    """By name: `variance`, and `positions` where they are asked for."""
    found = places(analysis.at, inputs.trained[analysis.of].model)
    drawn = {"variance": _variance(analysis, outcome, found)}
    if analysis.by_position:
        first = 0 if inputs.trained[analysis.of].model.bos else 1
        drawn["positions"] = _positions(analysis, outcome, found, first)
    return drawn


def caption(analysis: Pca, figure: str, outcome: Outcome) -> str:
    """What one of the figures shows."""
    histories = f"Histories: {read_histories(outcome)}."
    if figure == "positions":
        return (
            f"Components that hold {_percent(analysis.thresholds[_middle(analysis)])} of the variance, among the histories of "
            f"each length. {histories}"
        )
    theory = "; ".join(f"{LABELS[name]} {_count(value)}" for name, value in outcome.results["theory"].items())
    return (
        "Share of the variance of the activations in their first principal components, at each point of the network. "
        f"Vertical lines: the dimensions that theory names ({theory}). {histories}"
    )


def _count(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f}"


def _percent(share: float) -> str:
    return f"{number_text(100 * share)} %"


def _middle(analysis: Pca) -> int:
    return len(analysis.thresholds) // 2


def _variance(analysis: Pca, outcome: Outcome, found: Sequence[Place]) -> Figure:
    kinds = ["", *(f".{control.kind}" for control in analysis.controls)]
    theory = {name: value for name, value in outcome.results["theory"].items() if value is not None}
    most = _shown(analysis, outcome, found, theory)
    figure = Figure(figsize=(3.4 * len(kinds) + 1.6, 3.6), layout="constrained")
    panels = figure.subplots(1, len(kinds), squeeze=False, sharey=True)[0]
    colours = colormaps["viridis"](np.linspace(0.0, 0.85, max(1, sum(len(place.parts) == 1 for place in found))))
    for axes, kind in zip(panels, kinds, strict=True):
        single = 0
        for place in found:
            wide = len(place.parts) > 1
            curve = outcome.arrays.get(f"{place.name}{kind}")
            if curve is not None:
                shown = np.concatenate([[0.0], curve[:most]])
                style: dict[str, Any] = {"color": "0.15", "linewidth": 2.2} if wide else {"color": colours[single]}
                axes.plot(np.arange(len(shown)), shown, "o-", markersize=3.5, label=place_label(place.name), **style)
            single += not wide
        _theory_lines(axes, theory)
        for threshold in analysis.thresholds:
            axes.axhline(threshold, color="0.85", linewidth=0.8, zorder=0)
        axes.set_title(TITLES[kind])
        axes.set_xlim(0, most)
        axes.set_ylim(0, 1.02)
        count_along(axes, "components", grid=False)
    panels[0].set_ylabel("cumulative share of variance")
    handles: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if handles:
        figure.legend(list(handles.values()), list(handles), loc="outside right upper")
    note(figure, read_histories(outcome))
    return figure


def _shown(analysis: Pca, outcome: Outcome, found: Sequence[Place], theory: Mapping[str, float]) -> int:
    """How many components the axis has: all that hold 99.9 % of a trained layer's variance, and the theory's, within limits."""
    counts = [int(value) + 2 for value in theory.values()]
    for place in found:
        curve = outcome.arrays.get(place.name)
        if curve is not None:
            counts.append(int(np.searchsorted(curve, 0.999)) + 1)
    return max(3, min(max(counts, default=3), analysis.components))


def _theory_lines(axes: Axes, theory: Mapping[str, float]) -> None:
    """A vertical line for each dimension; equal ones are one line with all names."""
    values = sorted(set(theory.values()))
    for value, style in zip(values, LINES, strict=False):
        names = ", ".join(LABELS[name] for name, dimension in theory.items() if dimension == value)
        axes.axvline(value, color="C3", linestyle=style, linewidth=1.3, zorder=1, label=f"theory: {names} ({value:.0f})")


def _positions(analysis: Pca, outcome: Outcome, found: Sequence[Place], first: int) -> Figure:
    """A table of dimensions at the middle threshold, places by history lengths."""
    middle = _middle(analysis)
    rows = [
        [one["dimensions"][middle] for one in results_of(analysis.at, outcome.results, place.name)["position"]] for place in found
    ]
    table = np.array([[np.nan if value is None else value for value in row] for row in rows], dtype=np.float64)
    figure = Figure(figsize=(min(max(5.4, 2.6 + 0.5 * table.shape[1]), 12.0), 1.6 + 0.36 * len(found)), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(table, aspect="auto", cmap="viridis", vmin=0)
    if table.size <= 200:
        middle_of_range = np.nanmax(table, initial=0.0) / 2
        for (i, k), value in np.ndenumerate(table):
            if np.isfinite(value):
                colour = "white" if value < middle_of_range else "black"
                axes.text(k, i, number(float(value), 0), ha="center", va="center", fontsize="small", color=colour)
    axes.set_xticks(range(table.shape[1]), [str(first + k) for k in range(table.shape[1])])
    axes.set_yticks(range(len(found)), [place_label(place.name) for place in found])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("history length (tokens)")
    axes.set_title(f"components for {_percent(analysis.thresholds[middle])} of the variance, by position")
    figure.colorbar(image, ax=axes, label="components")
    note(figure, read_histories(outcome))
    return figure
