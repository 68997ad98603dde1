"""Figures of a sweep: each metric against each axis, one line for each value of another axis, the rest as spread.

A line goes through the means and every point is drawn. Where points differ by their seed alone, bars are the confidence intervals
of the means, and a grey line is the untrained network; where they differ otherwise, a band shows one standard deviation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from hmmdsl.report.figures import Drawing
from hmmdsl.report.style import CYCLE, GREY, applied, save
from hmmdsl.report.sweeps.seeds import untrained_path
from hmmdsl.spec.confidence import interval
from hmmdsl.spec.sweep import cell, is_seed, seed_axis, value_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hmmdsl.report.sweeps.table import SweepTable

MOST_PANELS = 3
"""Axes that a metric is drawn against."""

MOST_LINES = len(CYCLE)
"""Values of the axis that lines stand for."""

MOST_DOTS = 200
"""Points of a line that an SVG shows as a mark each; more are one picture in it."""

_WIDEST_LABEL = 16


@dataclass(frozen=True)
class _Line:
    """The metric's values at each place along one axis, for one value of another."""

    label: str
    values: list[list[float]]


def draw_sweep(table: SweepTable, folder: Path) -> tuple[Drawing, ...]:
    """Draw each metric and write it to `folder` as PNG and SVG. The same table gives the same bytes. Raises OSError."""
    drawings = []
    with applied():
        for metric in table.metrics:
            figure = metric_figure(table, metric)
            if figure is None:
                continue
            safe = re.sub(r"[^A-Za-z0-9._-]+", "_", metric).strip("._") or "figure"
            png, svg = save(figure, folder, safe)
            width, height = figure.get_size_inches()
            caption = _caption(table, metric)
            alt = f"Figure of {metric} over the sweep {table.name}: {caption}"
            name = f"{table.name}.{metric}"
            drawings.append(Drawing(name, "sweep", table.name, metric, caption, alt, png, svg, (float(width), float(height))))
    return tuple(drawings)


def metric_figure(table: SweepTable, metric: str) -> Figure | None:
    """A panel for each axis that is no seed (all axes, if all are); None where no point has the metric."""
    if not any(row.get(metric) is not None for row in table.numbers):
        return None
    shown = shown_axes(table)
    figure = Figure(figsize=(max(5.2, min(10.0, 4.2 * len(shown))), 3.4), layout="constrained")
    panels = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
    for k, (panel, along) in enumerate(zip(panels, shown, strict=True)):
        _draw(panel, table, metric, along, _line_axis(table, along, shown))
        if k == 0:
            panel.set_ylabel(metric)
    return figure


def shown_axes(table: SweepTable) -> list[int]:
    """The axes that a metric is drawn against: those that are no seeds and have several values."""
    many = [k for k, axis in enumerate(table.axes) if len(axis.values) > 1] or [0]
    return ([k for k in many if not is_seed(table.axes[k])] or many)[:MOST_PANELS]


def _line_axis(table: SweepTable, along: int, shown: Sequence[int]) -> int | None:
    """The axis whose values have a line each: the first other one with few enough values."""
    others = [k for k in shown if k != along and 1 < len(table.axes[k].values) <= MOST_LINES]
    return others[0] if others else None


def _draw(panel: Axes, table: SweepTable, metric: str, along: int, lines: int | None) -> None:
    axis = table.axes[along]
    numeric = all(isinstance(cell(place[0]), (int, float)) and not isinstance(place[0], bool) for place in axis.values)
    at = [float(cell(place[0])) if numeric else float(k) for k, place in enumerate(axis.values)]
    over_seeds = _rest(table, shown_axes(table)) == [seed_axis(table.axes)]
    drawn = [(line, CYCLE[k % len(CYCLE)]) for k, line in enumerate(_lines(table, metric, along, lines))]
    before = untrained_path(metric, table.columns)
    if before is not None and lines is None:
        drawn += [(_Line("untrained", line.values), GREY) for line in _lines(table, before, along, lines)]
    for line, colour in drawn:
        _line(panel, line, colour, at, numeric, over_seeds, is_seed(axis))
    _keep_points_in_sight(panel, [value for line, _ in drawn for values in line.values for value in values])
    if numeric and min(at) > 0 and max(at) / min(at) >= 8:
        panel.set_xscale("log")
    if not numeric or len(at) <= 6:
        labels = [value_text(place[0]) for place in axis.values]
        panel.set_xticks(at, [text if len(text) <= _WIDEST_LABEL else text[: _WIDEST_LABEL - 1] + "…" for text in labels])
        panel.minorticks_off()
    panel.set_xlabel(axis.name)
    panel.grid(True)
    if lines is not None:
        panel.legend(title=table.axes[lines].name)
    elif len(drawn) > 1:
        panel.legend()


def _line(panel: Axes, line: _Line, colour: str, at: Sequence[float], numeric: bool, over_seeds: bool, seeds: bool) -> None:
    """Every point, the means, and their spread; along seeds themselves, the mean of all and its interval."""
    places = sorted((p for p in range(len(at)) if line.values[p]), key=lambda k: at[k])
    x = np.array([at[p] for p in places])
    runs = [interval(line.values[p]) for p in places]
    means = np.array([one.mean for one in runs])
    if seeds and len(places) > 1:
        whole = interval([value for p in places for value in line.values[p]])
        panel.axhline(whole.mean, color=colour, linewidth=1.2, label=line.label or None)
        if whole.lower is not None and whole.upper is not None:
            panel.axhspan(whole.lower, whole.upper, color=colour, alpha=0.16, linewidth=0)
    else:
        panel.plot(x, means, color=colour, label=line.label or None, linestyle="-" if numeric else "")
    panel.plot(
        [at[p] for p in places for _ in line.values[p]],
        [value for p in places for value in line.values[p]],
        "o",
        color=colour,
        markersize=3.5,
        alpha=0.7,
        linewidth=0,
        rasterized=sum(map(len, line.values)) > MOST_DOTS,
    )
    if over_seeds:
        half = np.array([0.0 if one.lower is None else one.mean - one.lower for one in runs])
        panel.errorbar(x, means, yerr=half, fmt="none", ecolor=colour, elinewidth=1.4, capsize=3.5)
    elif not seeds:
        spread = np.array([one.sd or 0.0 for one in runs])
        if spread.any():
            panel.fill_between(x, means - spread, means + spread, color=colour, alpha=0.16, linewidth=0)
    if not numeric:
        panel.plot(x, means, "_", color=colour, markersize=22, markeredgewidth=2)


def _keep_points_in_sight(panel: Axes, values: Sequence[float]) -> None:
    """Bars of two or three seeds may be far longer than what they scatter: they run out of the panel, the points do not."""
    low, high = min(values), max(values)
    room = high - low
    if room > 0:
        bottom, top = panel.get_ylim()
        panel.set_ylim(max(bottom, low - room), min(top, high + room))


def _rest(table: SweepTable, shown: Sequence[int]) -> list[int]:
    """The axes that are not shown and have several values: what points at one place differ by."""
    return [k for k, axis in enumerate(table.axes) if k not in shown and len(axis.values) > 1]


def _lines(table: SweepTable, metric: str, along: int, lines: int | None) -> list[_Line]:
    """The metric's values by line and place."""
    count = len(table.axes[along].values)
    labels = [value_text(place[0]) for place in table.axes[lines].values] if lines is not None else [""]
    found = [_Line(label, [[] for _ in range(count)]) for label in labels]
    for at, row in zip(table.points, table.numbers, strict=True):
        value = row.get(metric)
        if value is not None:
            found[at[lines] if lines is not None else 0].values[at[along]].append(value)
    return found


def _caption(table: SweepTable, metric: str) -> str:
    shown = shown_axes(table)
    rest = _rest(table, shown)
    text = f"{metric} against {' and '.join(table.axes[k].name for k in shown)}."
    names = " and ".join(table.axes[k].name for k in rest)
    if seed_axis(table.axes) in shown:
        text += " The line is the mean over seeds, the band its 95 % confidence interval."
    elif rest == [seed_axis(table.axes)]:
        text += f" The line goes through the means over {names}, bars are their 95 % confidence intervals."
    elif rest:
        text += f" Spread over {names}: the line goes through the means, the band is one standard deviation."
    failed = sum(bool(reason) for reason in table.failures)
    return text + (f" {failed} of {len(table.failures)} points failed and are left out." if failed else "")
