"""Short memories beside the network, the nonlinear probe beside the linear one, and rival geometries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from hmmdsl.analysis.drawing.axes import COLOURS, LOWEST, count_along
from hmmdsl.analysis.drawing.wording import note, read_histories
from hmmdsl.analysis.reading.by_place import results_of
from hmmdsl.analysis.reading.points import place_label, places

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hmmdsl.analysis.baselines.record import Baselines
    from hmmdsl.analysis.outcome import Inputs, Outcome

LEAST_GAP = 1e-12
"""Gaps below this are rounding, and stand on the axis."""

PROBES = {"linear": "linear", "nonlinear": "nonlinear"}
CONTROLS = {"trained": "trained", "untrained": "untrained", "shuffled": "shuffled beliefs", "noise": "Gaussian features"}
RIVALS = {
    "belief": "belief",
    "log_belief": "log belief",
    "unnormalized": "unnormalized\nbelief",
    "next_token": "next\ntoken",
    "future": "next {} tokens",
}


def figures(analysis: Baselines, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
    """By name: `memories` (short memories by k), `probes`, `rivals` (each with a row of panels, one for each place)."""
    found = [place.name for place in places(analysis.at, inputs.trained[analysis.of].model)]
    return {
        "memories": _memories(analysis, outcome, found),
        "probes": _by_place(analysis, outcome, found, "probes"),
        "rivals": _by_place(analysis, outcome, found, "rivals"),
    }


def _memories(analysis: Baselines, outcome: Outcome, found: Sequence[str]) -> Figure:
    results = outcome.results
    k = np.arange(analysis.longest + 1)
    figure = Figure(figsize=(9.8, 3.7), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(k, [one["r2"] for one in results["markov"]], "s-", color="0.15", label="optimal observer of the last k")
    left.plot(k, _values(results["tokens"]), "o-", color="C3", label="last k tokens one-hot, in sample")
    held = {"color": "C3", "markerfacecolor": "white", "label": "last k tokens one-hot, held out"}
    left.plot(k, _clipped([one["held_out"]["r2"] for one in results["tokens"]]), "o--", **held)
    shown = [(place, results_of(analysis.at, results, place)["linear"]["held_out"]["r2"]) for place in found]
    best = max((pair for pair in shown if pair[1] is not None), key=lambda pair: float(pair[1]), default=None)
    if best is not None:
        left.axhline(best[1], color="C0", linestyle="--", label=f"activations ({place_label(best[0])}), held out")
    left.set_ylabel("R² of the belief")
    left.set_title("beliefs from the last k tokens")
    right.plot(k, np.maximum([one["gap"] for one in results["markov"]], LEAST_GAP), "s-", color="0.15")
    right.axhline(max(results["network"]["gap"], LEAST_GAP), color="C0", linestyle="-", label="network")
    right.set_yscale("log")
    right.set_ylabel("gap (nats per token)")
    right.set_title("loss above that of the whole history")
    for axes in (left, right):
        count_along(axes, "k (tokens)")
    figure.legend(loc="outside right upper")
    note(figure, read_histories(outcome))
    return figure


def _by_place(analysis: Baselines, outcome: Outcome, found: Sequence[str], what: str) -> Figure:
    figure = Figure(figsize=(min(4.6 * len(found) + 1.6, 14.0), 3.7), layout="constrained")
    for axes, place in zip(figure.subplots(1, len(found), squeeze=False, sharey=True)[0], found, strict=True):
        results = results_of(analysis.at, outcome.results, place)
        if what == "probes":
            _probes(axes, results)
        else:
            _rivals(axes, results["rivals"], analysis.future)
        axes.set_title(place_label(place))
        axes.axhline(0, color="0.6", linewidth=0.8)
        axes.set_ylim(LOWEST - 0.05, 1.04)
        axes.grid(axis="y")
    figure.axes[0].set_ylabel("R² of the belief" if what == "probes" else "R²")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper")
    note(figure, read_histories(outcome))
    return figure


def _probes(axes: Axes, results: Mapping[str, Any]) -> None:
    groups = {name: {"trained": results[name], **results[name]} for name in PROBES}
    x = np.arange(len(PROBES), dtype=float)
    for shift, (name, label) in enumerate(CONTROLS.items()):
        scores = [groups[probe][name] for probe in PROBES]
        _points(axes, x + 0.16 * (shift - 1.5), scores, COLOURS[name], label)
    axes.set_xticks(x, list(PROBES.values()))
    axes.set_xlim(-0.5, len(PROBES) - 0.5)


def _rivals(axes: Axes, results: Mapping[str, Any], future: int) -> None:
    x = np.arange(len(RIVALS), dtype=float)
    _points(axes, x - 0.12, [results[name] for name in RIVALS], COLOURS["trained"], "trained")
    _points(axes, x + 0.12, [results[name]["untrained"] for name in RIVALS], COLOURS["untrained"], "untrained")
    axes.set_xticks(x, [label.format(future) for label in RIVALS.values()], fontsize="small")
    axes.set_xlim(-0.5, len(RIVALS) - 0.5)
    for place, name in enumerate(RIVALS):
        if results[name]["r2"] is None:
            axes.text(place, 0.03, "undefined", ha="center", fontsize="x-small", color="0.45")


def _points(axes: Axes, x: np.ndarray, scores: Sequence[Mapping[str, Any]], colour: str, label: str) -> None:
    axes.plot(x, _values(scores), "o", color=colour, label=f"{label}, in sample")
    held_out = _values([one["held_out"] for one in scores])
    axes.plot(x, held_out, "o", color=colour, markerfacecolor="white", label=f"{label}, held out")


def _values(scores: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """R², its mean over permutations."""
    found = [one["r2"] for one in scores]
    return _clipped([value["mean"] if isinstance(value, Mapping) else value for value in found])


def _clipped(values: Sequence[float | None]) -> np.ndarray:
    """Undefined ones left out, and those far below zero on the lower edge."""
    return np.array([np.nan if value is None else max(value, LOWEST) for value in values])


def caption(analysis: Baselines, figure: str, outcome: Outcome) -> str:
    """What one of the figures shows."""
    histories = f"Histories: {read_histories(outcome)}."
    if figure == "memories":
        return (
            "What the last k tokens tell. Left: how much of the beliefs' variance an optimal observer of them explains, and an "
            "affine map from these tokens, one-hot. Right: by how much the observer's next-token loss is above that of the whole "
            f"history, and the network's. {histories}"
        )
    if figure == "probes":
        return (
            "Beliefs read off the activations by an affine map, and by one that also has random Fourier features of them. "
            f"Filled: in sample. Hollow: histories that the fit never saw. {histories}"
        )
    return (
        "Other geometries read off the same activations by an affine map, each scored by the share of its own variance. "
        f"Filled: in sample. Hollow: held out. {histories}"
    )
