"""Bits about the next tokens by point of the network and by position, below what the history tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from hmmdsl.analysis.drawing.axes import COLOURS, count_along
from hmmdsl.analysis.drawing.wording import note, read_histories
from hmmdsl.analysis.reading.by_place import results_of
from hmmdsl.analysis.reading.points import place_label, places

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hmmdsl.analysis.information.record import Information
    from hmmdsl.analysis.outcome import Inputs, Outcome
    from hmmdsl.analysis.reading.points import Place

NAMES = {"trained": "trained", "untrained": "untrained", "shuffled": "shuffled", "noise": "Gaussian features"}


def figures(analysis: Information, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
    """By name: `bits`, by point at the left, by position at the right."""
    found = places(analysis.at, inputs.trained[analysis.of].model)
    figure = Figure(figsize=(10.6, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    _by_place(left, analysis, outcome, found)
    _by_position(right, analysis, outcome, found)
    for axes in (left, right):
        axes.set_ylabel("bits")
        axes.grid(axis="y")
        axes.axhline(0, color="0.6", linewidth=0.8, zorder=1)
    figure.legend(loc="outside right upper")
    note(figure, read_histories(outcome))
    return {"bits": figure}


def _by_place(axes: Axes, analysis: Information, outcome: Outcome, found: list[Place]) -> None:
    x = np.arange(len(found), dtype=float)
    for shift, name in enumerate(("trained", *analysis.controls)):
        groups = [results_of(analysis.at, outcome.results, place.name) for place in found]
        if name != "trained":
            groups = [group[name] for group in groups]
        for kind, values in (("in sample", [g["bits"] for g in groups]), ("held out", [g["held_out"]["bits"] for g in groups])):
            y = np.array([np.nan if value is None else value for value in values])
            style, face = ("-", COLOURS[name]) if kind == "in sample" else ("--", "white")
            label = f"{NAMES[name]}, {kind}"
            at = x + 0.06 * (shift - 1)
            axes.plot(at, y, "o" + style, color=COLOURS[name], markerfacecolor=face, markersize=6, linewidth=1.2, label=label)
    levels = [("history", "-", "the history tells"), ("finite_excess_entropy", ":", "the whole past tells")]
    for key, style, label in levels:
        value = outcome.results[key]
        if value is not None:
            axes.axhline(value, color="0.15", linewidth=1.3, linestyle=style, label=label, zorder=1)
    axes.set_xticks(x, [place_label(place.name) for place in found])
    axes.set_xlim(-0.5, len(found) - 0.5)
    if len(found) > 4:
        axes.tick_params(axis="x", labelrotation=30)
    axes.set_title(f"about the next {_tokens(analysis.k)}, by point")


def _by_position(axes: Axes, analysis: Information, outcome: Outcome, found: list[Place]) -> None:
    length = outcome.arrays["length"]
    axes.plot(length, [one["history"] for one in outcome.results["position"]], "s-", color="0.15", markersize=5, zorder=3)
    shades = colormaps["viridis"](np.linspace(0.05, 0.85, len(found)))
    for place, shade in zip(found, shades, strict=True):
        read: list[dict[str, Any]] = results_of(analysis.at, outcome.results, place.name)["read"]
        y = np.array([np.nan if one["bits"] is None else one["bits"] for one in read])
        axes.plot(length, y, "o-", color=shade, markersize=4, linewidth=1.2)
        if len(found) > 1:
            axes.plot([], [], "o-", color=shade, markersize=4, label=f"{place_label(place.name)} (right)")
    count_along(axes, "history length (tokens)", grid=False)
    axes.set_title("by position, held out; black: the history")


def caption(analysis: Information, figure: str, outcome: Outcome) -> str:
    """What the figure shows."""
    return (
        f"Bits about the next {_tokens(analysis.k)} that an affine reader finds at each point of the network, beside its "
        "controls; right: by the length of the history, held out. Each is a lower bound on what the activations hold, the line "
        "of the history an upper one. Below zero: the reader predicts worse than the mean distribution, as on noise. "
        f"Histories: {read_histories(outcome)}."
    )


def _tokens(k: int) -> str:
    return "token" if k == 1 else f"{k} tokens"
