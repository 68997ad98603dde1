"""Figures of subspaces: their overlap at each point beside the controls, and the principal angles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from hmmdsl.analysis.drawing.wording import note, read_histories, target_label
from hmmdsl.analysis.reading.by_place import in_gathered
from hmmdsl.analysis.reading.points import place_label
from hmmdsl.analysis.reading.targets import target_name
from hmmdsl.analysis.subspaces.probes import compared

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hmmdsl.analysis.outcome import Inputs, Outcome
    from hmmdsl.analysis.subspaces.record import Subspaces

SPANNED = {
    "encoding": "the directions along which activations move with the target",
    "readout": "the directions that the map reads",
}


def figures(analysis: Subspaces, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
    """By name: `overlap` and `angles`."""
    pairs = _pair_names(analysis, inputs)
    return {"overlap": _overlap(pairs, outcome), "angles": _angles(pairs, outcome)}


def caption(analysis: Subspaces, figure: str, outcome: Outcome) -> str:
    """What one of the figures shows."""
    histories = f"A probe's subspace: {SPANNED[analysis.directions]}. Histories: {read_histories(outcome)}."
    if figure == "angles":
        return f"Principal angles between the subspaces of two probes, from the smallest; 90 degrees are orthogonal. {histories}"
    return (
        "Mean squared cosine of the principal angles between the subspaces of probes: 0 is orthogonal, 1 is one inside the "
        f"other. Halves: one probe found twice, on two halves of the histories. {histories}"
    )


def _groups(outcome: Outcome) -> list[tuple[str, Mapping[str, Any]]]:
    """The results by point."""
    names = outcome.facts["places"]
    if "overlap" in outcome.results:
        return [(names[0], outcome.results)]
    return [(name, in_gathered(outcome.results, name)) for name in names]


def _pair_names(analysis: Subspaces, inputs: Inputs) -> list[str]:
    """What each pair is of, in words: of the targets, or of the regressions where those are the same."""
    probes = compared(analysis.between, inputs.surroundings())[0].probes
    targets = [target_label(target_name(probe.target)) for probe in probes]
    names = targets if len(set(targets)) == len(targets) else [probe.name for probe in probes]
    return [f"{a} – {b}" for a, b in combinations(names, 2)]


def _overlap(pairs: Sequence[str], outcome: Outcome) -> Figure:
    groups = _groups(outcome)
    x = np.arange(len(groups))
    figure = Figure(figsize=(max(5.2, 3.2 + 0.8 * len(groups)), 3.5), layout="constrained")
    axes = figure.subplots()
    many = len(pairs) > 1
    _line(axes, x, [one["halves"]["overlap"] for _, one in groups], "halves", color="0.55", marker="s", linestyle=":")
    for kind, colour, label in (("random", "C2", "random subspaces"), ("shuffled", "C6", "shuffled targets")):
        if kind in groups[0][1]:
            _band(axes, x, [one[kind]["overlap"] for _, one in groups], colour, label)
    if "untrained" in groups[0][1]:
        first = [one["untrained"]["overlap"] for _, one in groups]
        _line(axes, x, first, "untrained", color="C1", marker="o", linestyle="--", markerfacecolor="white")
    for k, pair in enumerate(pairs if many else []):
        shade = 0.45 + 0.4 * k / len(pairs)
        _line(
            axes,
            x,
            [list(one["pair"].values())[k]["overlap"] for _, one in groups],
            pair,
            color=(0.35, 0.5, shade),
            marker=".",
            linewidth=0.9,
        )
    label = "trained, mean over pairs" if many else f"trained: {pairs[0]}"
    _line(axes, x, [one["overlap"] for _, one in groups], label, color="C0", marker="o", linewidth=2.0, zorder=4)
    axes.set_xticks(x, [place_label(name) for name, _ in groups])
    axes.set_xlim(-0.4, len(groups) - 0.6)
    axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel("overlap (mean squared cosine)")
    axes.grid(axis="y")
    figure.legend(loc="outside right upper")
    note(figure, read_histories(outcome))
    return figure


def _line(axes: Axes, x: np.ndarray, values: Sequence[float | None], label: str, **style: Any) -> None:
    axes.plot(x, np.array(values, dtype=np.float64), label=label, **style)


def _band(axes: Axes, x: np.ndarray, spreads: Sequence[Mapping[str, float | None]], colour: str, label: str) -> None:
    """Mean over repeats, with a standard deviation to each side."""
    mean, sd = (
        np.array([np.nan if one[name] is None else one[name] for one in spreads], dtype=np.float64) for name in ("mean", "sd")
    )
    axes.errorbar(x, mean, sd, color=colour, marker="d", markersize=5, capsize=3, linestyle="-.", linewidth=1.0, label=label)


def _angles(pairs: Sequence[str], outcome: Outcome) -> Figure:
    """One row of dots for each pair and point: filled trained, hollow untrained."""
    groups = _groups(outcome)
    rows = [(name, k) for name, _ in groups for k in range(len(pairs))]
    figure = Figure(figsize=(6.4, 1.4 + 0.34 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for row, (name, k) in enumerate(rows):
        for kind, face, label in ((".untrained", "white", "untrained"), ("", "C0", "trained")):
            angles = outcome.arrays.get(f"{name}{kind}.angle[{k}]")
            if angles is not None and len(angles):
                edge = "C1" if kind else "C0"
                axes.plot(
                    angles, np.full(len(angles), row), "o", color=edge, markerfacecolor=face, label=label if row == 0 else None
                )
    labels = [place_label(name) + (f": {pairs[k]}" if len(pairs) > 1 else "") for name, k in rows]
    axes.set_yticks(range(len(rows)), labels)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(-2, 92)
    axes.set_xticks(range(0, 91, 15))
    axes.set_xlabel("principal angle (degrees)")
    axes.grid(axis="both")
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside right upper")
    note(figure, read_histories(outcome))
    return figure
