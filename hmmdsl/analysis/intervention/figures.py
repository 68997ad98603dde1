"""Figures of an intervention: divergences from the old and the new optimum along the strength, and by position."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from hmmdsl.analysis.drawing.axes import count_along, legend_above
from hmmdsl.analysis.drawing.wording import note, read_histories
from hmmdsl.analysis.reading.points import place_label
from hmmdsl.process.notation import number_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hmmdsl.analysis.intervention.record import Intervention
    from hmmdsl.analysis.outcome import Inputs, Outcome

COLOURS = {"old": "C0", "new": "C1"}
NAMES = {"old": "own belief's optimum", "new": "new belief's optimum"}
AIMS = {
    "counterfactual": "another last token",
    "history": "another history's belief",
    "uniform": "uniform on the simplex",
    "mean": "the mean belief",
}
MARKERS = {"random": "D", "shuffled": "s", "untrained": "^"}
CONTROLS = {"random": "random subspace", "shuffled": "shuffled probe", "untrained": "untrained network"}

LEAST = 1e-6
"""Divergences below this stand on the lower edge."""


def figures(analysis: Intervention, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
    """By name: `strengths` (where there is a curve), `positions`."""
    drawn = {}
    if analysis.strengths:
        drawn["strengths"] = _panels(analysis, outcome, _draw_strengths)
    drawn["positions"] = _panels(analysis, outcome, _draw_positions)
    return drawn


def caption(analysis: Intervention, figure: str, outcome: Outcome) -> str:
    """What one of the figures shows."""
    what = {
        "replace": "The activation's part that the probe reads is replaced by the new belief's",
        "add": "The difference of the new and the old belief is added in the probe's subspace",
        "ablate": "The activation's part that the probe reads is replaced by its mean",
    }[analysis.mode.kind]
    where = "at the position of the last token alone" if analysis.positions == "own" else "at every position"
    along = (
        "as activations move with the belief from history to history"
        if analysis.along == "encoding"
        else "along the probe's weights"
    )
    drawn = "" if analysis.mode.kind == "ablate" else ", one drawn for each history"
    text = (
        f"{what} at {place_label(str(outcome.facts['point']))}, {where}, {along}. Mean KL divergence of the prediction from what "
        f"an optimal observer with the old (blue) and with the new belief (orange{drawn}) would predict, "
    )
    if figure == "positions":
        return text + f"for histories of each length: dashed before, solid after. Histories: {read_histories(outcome)}."
    controls = " Symbols at the right: controls, at the whole change." if analysis.controls else ""
    return text + f"along the share of the change that is made.{controls} Histories: {read_histories(outcome)}."


def _panels(analysis: Intervention, outcome: Outcome, draw: Any) -> Figure:
    """One panel for each new belief."""
    aims = analysis.aims
    figure = Figure(figsize=(min(3.5 * len(aims) + 1.4, 11.5), 3.9), layout="constrained")
    panels = figure.subplots(1, len(aims), squeeze=False, sharey=True)[0]
    for axes, name in zip(panels, aims, strict=True):
        draw(axes, analysis, analysis.of_aim(outcome.results, name), outcome)
        axes.set_title(AIMS[name])
        axes.set_yscale("log")
        axes.grid(axis="y")
    panels[0].set_ylabel("KL divergence (nats)")
    handles = {label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    legend_above(figure, handles, columns=4)
    note(figure, f"{place_label(str(outcome.facts['point']))}; {read_histories(outcome)}")
    return figure


def _draw_strengths(axes: Axes, analysis: Intervention, group: Mapping[str, Any], outcome: Outcome) -> None:
    points = sorted(group["strength"], key=lambda one: float(one["strength"]))
    x = np.array([one["strength"] for one in points])
    for name in ("old", "new"):
        axes.plot(x, _clipped([one[name] for one in points]), "o-", color=COLOURS[name], label=NAMES[name], zorder=3)
    step = 0.12 * max(float(np.ptp(x)), 1e-9)
    kinds = [control.kind for control in analysis.controls]
    for i, kind in enumerate(kinds):
        for name in ("old", "new"):
            value, sd = _control(group[kind], name)
            if value is not None:
                axes.errorbar(
                    [x[-1] + (i + 1) * step],
                    _clipped([value]),
                    [[min(sd, 0.9 * value)], [sd]],
                    fmt=MARKERS[kind],
                    color=COLOURS[name],
                    markerfacecolor="white",
                    capsize=2,
                    elinewidth=1.0,
                    label=CONTROLS[kind] if name == "old" else None,
                )
    if kinds:
        axes.axvline(x[-1] + 0.5 * step, color="0.8", linewidth=0.8)
    axes.set_xticks(x, [number_text(value) for value in x])
    axes.set_xlabel("share of the change")


def _control(group: Mapping[str, Any], name: str) -> tuple[float | None, float]:
    """A control's divergence and its spread over repeats."""
    value = group["after"][name] if "after" in group else group[name]
    if isinstance(value, Mapping):
        return value["mean"], float(value["sd"] or 0.0)
    return value, 0.0


def _draw_positions(axes: Axes, analysis: Intervention, group: Mapping[str, Any], outcome: Outcome) -> None:
    length = outcome.arrays["length"]
    for name in ("old", "new"):
        for when, style in (("before", "--"), ("after", "o-")):
            values = _clipped([one[when][name] for one in group["position"]])
            axes.plot(length, values, style, color=COLOURS[name], label=f"{NAMES[name]}, {when}")
    count_along(axes, "history length (tokens)", grid=False)


def _clipped(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else max(value, LEAST) for value in values])
