"""Figures of a regression: belief geometry, scores by point beside their controls, and scores by position."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hmmdsl.analysis.drawing.axes import COLOURS, LOWEST
from hmmdsl.analysis.drawing.geometry import Panel, belief_plane, draw_geometry, shown_variance
from hmmdsl.analysis.drawing.wording import note, number, read_histories, target_label
from hmmdsl.analysis.reading.points import Place, place_label, places

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hmmdsl.analysis.outcome import Inputs, Outcome
    from hmmdsl.analysis.regression.record import Regression
    from hmmdsl.process.process import Process

NAMES = {
    "trained": "trained",
    "untrained": "untrained",
    "shuffled": "shuffled targets",
    "noise": "Gaussian features",
    "planted": "planted image",
}

Metric: TypeAlias = Literal["r2", "accuracy"]
SCORES = {"r2": "R²", "accuracy": "accuracy"}

ACROSS = 3
"""Panels side by side; more stand in further rows."""


CEILINGS = {"r2": "ceiling", "accuracy": "best_accuracy"}
"""The most that a score can be, where results say it: the hidden state's."""


@dataclass(frozen=True)
class Scores:
    """One control's score at one place, in sample and held out, with their spread over repeats, or over draws of the folds (0 for
    one)."""

    value: float | None
    sd: float
    held_out: float | None
    held_out_sd: float


def figures(analysis: Regression, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
    """By name: `geometry` (where beliefs are read), `points` and `accuracy` (of the hidden state) if there are several scores
    to compare, `positions`."""
    trained = inputs.trained[analysis.of]
    process = inputs.processes[analysis.on] if analysis.on is not None else trained.process
    found = places(analysis.at, trained.model)
    drawn = {}
    if "belief" in analysis.target_names:
        drawn["geometry"] = _geometry(analysis, outcome, found, process)
    compared = len(found) > 1 or len(analysis.controls) > 0
    if compared:
        drawn["points"] = _points(analysis, outcome, found, analysis.target_names, "r2")
    if compared and "state" in analysis.target_names:
        drawn["accuracy"] = _points(analysis, outcome, found, ["state"], "accuracy")
    drawn["positions"] = _positions(analysis, outcome, found, 0 if trained.model.bos else 1)
    return drawn


def caption(analysis: Regression, figure: str, outcome: Outcome) -> str:
    """What one of the figures shows."""
    histories = f"Histories: {read_histories(outcome)}."
    if analysis.without is not None:
        histories = f"The subspace of {analysis.without} is projected out of the activations. {histories}"
    if figure == "geometry":
        return (
            "Left: the belief of an optimal observer after each history. Right: the same histories, as an affine map reads them "
            f"off the activations. Colour: the true belief; rings: centres of mass of each distinct belief. {histories}"
        )
    if figure in ("points", "accuracy"):
        held = f" Hollow: {_held_out(outcome)}." if _has_held_out(analysis) else ""
        score = (
            "R² of the affine map" if figure == "points" else "How often the state that the map puts highest is the hidden one,"
        )
        ceiling = (
            " Dotted: the most that histories tell of the hidden state (shuffled ones have another)."
            if "state" in analysis.target_names
            else ""
        )
        return f"{score} at each point of the network, beside its controls. Filled: in sample.{held}{ceiling} {histories}"
    return f"R² of the affine map among the histories of each length, in sample. Blank: the target does not vary. {histories}"


def _held_out(outcome: Outcome) -> str:
    """What was held out, and what the folds share."""
    if "folds" not in outcome.facts:
        return "held out, undefined where there is too little to hold out"
    return f"held out, folds: {outcome.facts['folds']}; {outcome.facts['beliefs in a fold']}"


def _has_held_out(analysis: Regression) -> bool:
    return any(control.kind == "held_out" for control in analysis.controls)


# ---------------------------------------------------------------- geometry


def _geometry(analysis: Regression, outcome: Outcome, found: Sequence[Place], process: Process) -> Figure:
    """The true geometry, the best single point, and the best point of all."""
    held_out = _has_held_out(analysis)

    def r2(place: Place) -> float:
        scores = analysis.map_results(outcome.results, "belief", place.name)
        value = scores["held_out"]["r2"] if held_out else scores["r2"]
        return -np.inf if value is None else float(value)

    best = max(found, key=r2)
    single = [place for place in found if len(place.parts) == 1 and place is not best]
    shown = ([max(single, key=r2)] if single and len(best.parts) > 1 else []) + [best]
    kind = "held_out" if held_out else "predicted"
    panels = [Panel("true beliefs", outcome.arrays["belief"], represented=False)]
    for place in shown:
        key = f"belief.{place.name}.{kind}"
        if key in outcome.arrays:
            title = f"{place_label(place.name)}, R² = {number(r2(place))}"
            panels.append(Panel(title, outcome.arrays[key], represented=True))
    figure = draw_geometry(panels, outcome.arrays, process)
    read = "held-out fits" if held_out else "in-sample fit"
    parts = [read, read_histories(outcome), shown_variance(belief_plane(process, outcome.arrays))]
    note(figure, "; ".join(part for part in parts if part))
    return figure


def _panels(count: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels, a few in each row of the height given, and the panels."""
    across = min(count, ACROSS)
    rows = -(-count // across)
    figure = Figure(figsize=(width, height * rows), layout="constrained")
    panels = figure.subplots(rows, across, squeeze=False, sharey=True).ravel().tolist()
    for spare in panels[count:]:
        spare.remove()
    return figure, panels[:count]


# ---------------------------------------------------------------- by point


def _points(analysis: Regression, outcome: Outcome, found: Sequence[Place], targets: Sequence[str], metric: Metric) -> Figure:
    width = max(5.2, 1.6 + 0.75 * len(found))
    across = min(len(targets), ACROSS)
    figure, panels = _panels(len(targets), min(width * across, 11.0), 3.7)
    for axes, target in zip(panels, targets, strict=True):
        _draw_points(axes, analysis, outcome.results, target, found, metric)
        axes.set_title(fill(f"{target_label(target)}, read off each point", 60 // across))
    for axes in panels[::across]:
        axes.set_ylabel(SCORES[metric])
    _legend(figure, analysis)
    note(figure, read_histories(outcome))
    return figure


def _draw_points(
    axes: Axes, analysis: Regression, results: Mapping[str, Any], target: str, found: Sequence[Place], metric: Metric
) -> None:
    """Lines along the network's depth; joined points stand apart at the right."""
    single = [i for i, place in enumerate(found) if len(place.parts) == 1]
    position = np.arange(len(found), dtype=float)
    for i, place in enumerate(found):
        if len(place.parts) > 1 and single:
            position[i] += 0.35
    for shift, (name, scores) in enumerate(_series(analysis, results, target, found, metric)):
        colour, x = COLOURS[name], position + 0.07 * (shift - 1)
        for kind, filled in (("in sample", True), ("held out", False)):
            values = [score.value if filled else score.held_out for score in scores]
            if all(value is None for value in values):
                continue
            y = np.array([np.nan if value is None else max(value, LOWEST) for value in values])
            sd = np.array([score.sd if filled else score.held_out_sd for score in scores])
            style = "-" if filled else "--"
            axes.plot(x[single], y[single], style, color=colour, linewidth=1.3, alpha=0.75, zorder=2)
            if sd.any():
                axes.errorbar(x, y, sd, fmt="none", ecolor=colour, elinewidth=1.0, capsize=2, zorder=2)
            face = colour if filled else "white"
            axes.plot(x, y, "o", color=colour, markerfacecolor=face, markersize=6, label=f"{name} {kind}", zorder=3)
    axes.set_xlim(position[0] - 0.5, position[-1] + 0.5)
    axes.set_xticks(position, [place_label(place.name) for place in found])
    if len(found) > 4:
        axes.tick_params(axis="x", labelrotation=30)
    axes.axhline(0, color="0.6", linewidth=0.8, zorder=1)
    most = analysis.map_results(results, target, found[0].name).get(CEILINGS[metric])
    if most is not None:
        axes.axhline(most, color="0.35", linewidth=1.2, linestyle=":", zorder=1)
    axes.grid(axis="y")
    low, _ = axes.get_ylim()
    axes.set_ylim(min(-0.05, max(low, LOWEST - 0.05)), 1.04)


def _series(
    analysis: Regression, results: Mapping[str, Any], target: str, found: Sequence[Place], metric: Metric
) -> Iterator[tuple[str, list[Scores]]]:
    groups = [analysis.map_results(results, target, place.name) for place in found]
    yield "trained", [Scores(group[metric], 0.0, *_held_out_score(group, metric)) for group in groups]
    for control in analysis.controls:
        if control.kind != "held_out":
            yield control.kind, [_control(group[control.kind], metric) for group in groups]


def _control(group: Mapping[str, Any], metric: Metric) -> Scores:
    value, sd = _mean(group[metric])
    return Scores(value, sd, *_held_out_score(group, metric))


def _held_out_score(group: Mapping[str, Any], metric: Metric) -> tuple[float | None, float]:
    """The held-out score, if there is one, and its spread over repeats, or else over draws of the folds."""
    if "held_out" not in group:
        return None, 0.0
    value, sd = _mean(group["held_out"][metric])
    return value, (group["held_out"].get("sd") or 0.0) if metric == "r2" and not sd else sd


def _mean(value: Any) -> tuple[float | None, float]:
    if isinstance(value, Mapping):
        return value["mean"], value["sd"] or 0.0
    return value, 0.0


def _legend(figure: Figure, analysis: Regression) -> None:
    kinds = ["trained", *(control.kind for control in analysis.controls if control.kind != "held_out")]
    handles = [Line2D([], [], color=COLOURS[kind], marker="o", label=NAMES[kind]) for kind in kinds]
    if _has_held_out(analysis):
        handles.append(Line2D([], [], color="0.35", marker="o", linestyle="-", label="in sample"))
        handles.append(Line2D([], [], color="0.35", marker="o", linestyle="--", markerfacecolor="white", label="held out"))
    if len(handles) > 1:
        figure.legend(handles=handles, loc="outside right upper")


# ---------------------------------------------------------------- by position


def _positions(analysis: Regression, outcome: Outcome, found: Sequence[Place], first: int) -> Figure:
    """A table of R², places by history lengths from `first` on, coloured by value."""
    targets = analysis.target_names
    positions = analysis.map_results(outcome.results, targets[0], found[0].name)["position"]
    lengths = np.arange(first, first + len(positions))
    across = min(len(targets), ACROSS)
    figure, panels = _panels(len(targets), min(2.2 + 0.52 * len(lengths) * across, 12.0), 1.5 + 0.36 * len(found))
    image = None
    for axes, target in zip(panels, targets, strict=True):
        rows = [
            [position["r2"] for position in analysis.map_results(outcome.results, target, place.name)["position"]]
            for place in found
        ]
        table = np.array([[np.nan if value is None else value for value in row] for row in rows])
        image = axes.imshow(table, vmin=0, vmax=1, aspect="auto", cmap="viridis")
        if table.size <= 160:
            for (i, k), value in np.ndenumerate(table):
                if np.isfinite(value):
                    colour = "white" if value < 0.6 else "black"
                    axes.text(
                        k,
                        i,
                        f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−"),
                        ha="center",
                        va="center",
                        fontsize="x-small",
                        color=colour,
                    )
        axes.set_xticks(range(len(lengths)), [str(length) for length in lengths])
        axes.set_yticks(range(len(found)), [place_label(place.name) for place in found])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("history length (tokens)")
        axes.set_title(fill(f"R² of the {target_label(target)}, by position", max(60 // across, 24)))
    if image is not None:
        figure.colorbar(image, ax=list(panels), label="R², in sample")
    note(figure, read_histories(outcome))
    return figure
