"""Figures of distinctions: scatter and distances by layer, and pairs of histories followed through the layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from hmmdsl.analysis.drawing.wording import note, read_histories
from hmmdsl.analysis.reading.by_place import results_of
from hmmdsl.analysis.reading.points import place_label, places

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hmmdsl.analysis.distinctions.record import Distinctions
    from hmmdsl.analysis.outcome import Inputs, Outcome

SHARES = {
    "next_token": ("between next-token distributions", "C0"),
    "beyond": ("between beliefs beyond that", "C2"),
    "within": ("within one belief", "0.8"),
}
PAIRS = {"degenerate": ("same next token, different beliefs", "C2"), "same_belief": ("same belief", "0.35")}
STYLES = {"": ("-", "o", None), "untrained": ("--", "o", "white"), "shuffled": (":", "d", "white"), "noise": ("-.", "s", "white")}
MAPS = {"same next token": "viridis", "same belief": "autumn", "different next token": "cool"}


def figures(analysis: Distinctions, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
    """By name: `scatter`, `distances`, and `followed` where there are pairs to follow."""
    found = places(analysis.at, inputs.trained[analysis.of].model)
    groups = [results_of(analysis.at, outcome.results, place.name) for place in found]
    names = [place_label(place.name) for place in found]
    drawn = {"scatter": _scatter(analysis, outcome, groups, names), "distances": _distances(analysis, outcome, groups, names)}
    if any(kind in MAPS for kind, _, _ in outcome.facts["followed"]):
        drawn["followed"] = _followed(outcome, names)
    return drawn


def caption(analysis: Distinctions, figure: str, outcome: Outcome) -> str:
    """What one of the figures shows."""
    compared = " of one length" if analysis.positions == "same" else ""
    histories = f"Histories{compared}: {read_histories(outcome)}; pairs: {outcome.facts['pairs']}."
    if figure == "scatter":
        return (
            "How the variance of the activations divides: between classes of histories that predict the same next token; between "
            f"beliefs within those; and among histories of one belief. {histories}"
        )
    unit = "over the typical distance (the root of the mean squared distance of any two histories)"
    if figure == "distances":
        return (
            f"Mean distance {unit} of pairs that predict the same next token though their beliefs differ, and of pairs with "
            f"the same belief, beside the controls. {histories}"
        )
    chosen = "named in the spec" if analysis.follow else "that separate most, and of one belief that collapse most"
    return f"Distance {unit} of single pairs of histories, {chosen}, from point to point. {histories}"


def _values(groups: Sequence[Mapping[str, Any]], *path: str) -> np.ndarray:
    """One number by place: the mean where a control was repeated, NaN where it is undefined."""
    found = []
    for group in groups:
        value: Any = group
        for name in path:
            value = value[name]
        found.append(value["mean"] if isinstance(value, Mapping) else value)
    return np.array(found, dtype=np.float64)


def _scatter(analysis: Distinctions, outcome: Outcome, groups: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Figure:
    """Stacked shares at each place, trained and untrained side by side."""
    kinds = ["", *(control.kind for control in analysis.controls if control.kind == "untrained")]
    figure = Figure(figsize=(max(3.4, 1.2 + 0.62 * len(names)) * len(kinds) + 2.4, 3.5), layout="constrained")
    panels = figure.subplots(1, len(kinds), squeeze=False, sharey=True)[0]
    for axes, kind in zip(panels, kinds, strict=True):
        bottom = np.zeros(len(names))
        for share, (label, colour) in SHARES.items():
            values = np.nan_to_num(_values(groups, *([kind] if kind else []), "scatter", share))
            axes.bar(np.arange(len(names)), values, bottom=bottom, color=colour, width=0.75, label=label)
            bottom += values
        _ticks(axes, names)
        axes.set_ylim(0, 1)
        axes.set_title(kind or "trained")
        axes.grid(visible=False)
    panels[0].set_ylabel("share of variance")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right upper")
    note(figure, read_histories(outcome))
    return figure


def _distances(analysis: Distinctions, outcome: Outcome, groups: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Figure:
    """Mean distances at each place, with those of the controls."""
    figure = Figure(figsize=(max(6.4, 4.4 + 0.7 * len(names)), 3.6), layout="constrained")
    axes = figure.subplots()
    x = np.arange(len(names))
    for kind in ("", *(control.kind for control in analysis.controls)):
        line, marker, face = STYLES[kind]
        for name, (label, colour) in PAIRS.items():
            values = _values(groups, *([kind] if kind else []), name, "distance")
            style: dict[str, Any] = {"markerfacecolor": face or colour, "linewidth": 1.0 if kind else 2.0}
            axes.plot(x, values, line, marker=marker, color=colour, label=label + (f", {kind}" if kind else ""), **style)
    _distance_axes(figure, axes, names)
    note(figure, f"{read_histories(outcome)}; pairs: {outcome.facts['pairs']}")
    return figure


def _followed(outcome: Outcome, names: Sequence[str]) -> Figure:
    """A line for each pair, its two histories named beside it."""
    figure = Figure(figsize=(max(6.8, 4.8 + 0.7 * len(names)), 3.6), layout="constrained")
    axes = figure.subplots()
    kinds = [kind for kind, _, _ in outcome.facts["followed"]]
    for k, (kind, first, second) in enumerate(outcome.facts["followed"]):
        if kind not in MAPS:
            continue
        nth, count = kinds[:k].count(kind), kinds.count(kind)
        colour = colormaps[MAPS[kind]](0.15 + 0.6 * nth / max(1, count - 1))
        dashes = {"same belief": "--", "different next token": ":"}.get(kind, "-")
        label = f"{first or 'bos'} | {second or 'bos'}  ({kind})"
        axes.plot(np.arange(len(names)), outcome.arrays["followed"][:, k], dashes, marker="o", color=colour, label=label)
    _distance_axes(figure, axes, names)
    note(figure, read_histories(outcome))
    return figure


def _distance_axes(figure: Figure, axes: Axes, names: Sequence[str]) -> None:
    """Axes of distances by point, beside a line at the typical one."""
    axes.axhline(1, color="0.8", linewidth=0.8, zorder=0)
    _ticks(axes, names)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("distance / typical distance")
    axes.grid(axis="y")
    figure.legend(loc="outside right upper")


def _ticks(axes: Axes, names: Sequence[str]) -> None:
    axes.set_xticks(range(len(names)), names)
    if len(names) > 4:
        axes.tick_params(axis="x", labelrotation=30)
