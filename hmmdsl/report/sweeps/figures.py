"""Figures of a sweep: each metric against each axis, one line for each value of another axis, the rest as spread.

Along numbers a line goes through the means; values that are no numbers, and seeds, have no order, so they stand side by side,
each with a mark at its mean. Every point is drawn. Where points differ by their seed alone, bars are the confidence intervals
of the means, and a grey line is the untrained network; where they differ otherwise, a band shows one standard deviation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from hmmdsl.report.figures import Drawing
from hmmdsl.report.style import CYCLE, GREY, applied, save
from hmmdsl.report.sweeps.seeds import untrained_path
from hmmdsl.schema.confidence import Interval, interval
from hmmdsl.schema.sweep import SweepAxis, cell, is_seed, seed_axis, value_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hmmdsl.report.sweeps.table import SweepTable

MOST_PANELS = 3
"""Axes that a metric is drawn against."""

MOST_LINES = len(CYCLE)
"""Values of the axis that lines stand for."""

MOST_DOTS = 200
"""Points of a line that an SVG shows as a mark each; more are one picture in it."""

_WIDEST_LABEL, _MOST_LABELS = 16, 20
"""Characters of a label below an axis, and how many labels it has."""


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
            of = "seeds" if table.replication else f"sweep {table.name}"
            alt = f"Figure of {metric} over the {of}: {caption}"
            name = f"{table.name}.{metric}"
            drawings.append(Drawing(name, table.kind, table.name, metric, caption, alt, png, svg, (float(width), float(height))))
    return tuple(drawings)


def metric_figure(table: SweepTable, metric: str) -> Figure | None:
    """A panel for each axis that is no seed (all axes, if all are); None where no point has the metric, or one is
    alone."""
    if len(table.points) < 2 or not any(row.get(metric) is not None for row in table.numbers):
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
    numbers = [cell(place[0]) for place in axis.values]
    ordered = not is_seed(axis) and all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in numbers)
    at = [float(one) for one in numbers] if ordered else [float(k) for k in range(len(numbers))]
    over_seeds = _rest(table, shown_axes(table)) == [seed_axis(table.axes)]
    drawn = list(zip(_lines(table, metric, along, lines), cycle(CYCLE), strict=False))
    before = untrained_path(metric, table.columns)
    if before is not None and lines is None:
        drawn += [(_Line("untrained", line.values), GREY) for line in _lines(table, before, along, lines)]
    if ordered:
        _draw_along(panel, drawn, at, over_seeds)
    else:
        _draw_beside(panel, drawn, at, over_seeds, is_seed(axis))
    _keep_points_in_sight(panel, [value for line, _ in drawn for values in line.values for value in values])
    if not ordered or len(at) <= 6:
        labels = [value_text(place[0]) for place in axis.values]
        shown = [text if len(text) <= _WIDEST_LABEL else text[: _WIDEST_LABEL - 1] + "…" for text in labels]
        every = -(-len(at) // _MOST_LABELS)
        panel.set_xticks(at[::every], shown[::every])
        panel.minorticks_off()
    panel.set_xlabel(_label(axis))
    panel.grid(True, axis="both" if ordered else "y")
    if len(drawn) > 1:
        beside: dict[str, Any] = {} if ordered else {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
        panel.legend(title=None if lines is None else _label(table.axes[lines]), alignment="left", **beside)


def _draw_along(panel: Axes, lines: Sequence[tuple[_Line, str]], at: Sequence[float], over_seeds: bool) -> None:
    """An axis of numbers: means joined by a line, with bars or within a band."""
    order = sorted(range(len(at)), key=lambda k: at[k])
    for line, colour in lines:
        places = [p for p in order if line.values[p]]
        x = np.array([at[p] for p in places])
        runs = [interval(line.values[p]) for p in places]
        means = np.array([one.mean for one in runs])
        panel.plot(x, means, color=colour, label=line.label or None)
        _points(panel, line, at, colour)
        if over_seeds:
            _bars(panel, x, runs, colour)
        else:
            spread = np.array([one.sd or 0.0 for one in runs])
            if spread.any():
                panel.fill_between(x, means - spread, means + spread, color=colour, alpha=0.16, linewidth=0)
    if min(at) > 0 and max(at) / min(at) >= 8:
        panel.set_xscale("log")


def _draw_beside(panel: Axes, lines: Sequence[tuple[_Line, str]], at: Sequence[float], over_seeds: bool, seeds: bool) -> None:
    """An axis without order: at each place the lines' points side by side, with a mark at their mean. Along seeds themselves, a
    line at the mean of all and a band, its interval."""
    width = 0.7 / len(lines)
    for k, (line, colour) in enumerate(lines):
        x = [place + (0.0 if seeds else (k - (len(lines) - 1) / 2) * width) for place in at]
        _points(panel, line, x, colour)
        panel.plot([], [], "o", color=colour, markersize=4, label=line.label or None)
        if seeds:
            whole = interval([value for values in line.values for value in values])
            panel.axhline(whole.mean, color=colour, linewidth=1.2)
            if whole.lower is not None and whole.upper is not None:
                panel.axhspan(whole.lower, whole.upper, color=colour, alpha=0.16, linewidth=0)
            continue
        places = [p for p in range(len(at)) if line.values[p]]
        middle = np.array([x[p] for p in places])
        runs = [interval(line.values[p]) for p in places]
        if any(one.count > 1 for one in runs):
            panel.hlines([one.mean for one in runs], middle - 0.4 * width, middle + 0.4 * width, color=colour, linewidth=2)
        if over_seeds:
            _bars(panel, middle, runs, colour)
    panel.set_xlim(at[0] - 0.5, at[-1] + 0.5)


def _points(panel: Axes, line: _Line, at: Sequence[float], colour: str) -> None:
    panel.plot(
        [x for x, values in zip(at, line.values, strict=True) for _ in values],
        [value for values in line.values for value in values],
        marker="o",
        markersize=3.5,
        alpha=0.7,
        linewidth=0,
        color=colour,
        rasterized=sum(map(len, line.values)) > MOST_DOTS,
    )


def _bars(panel: Axes, x: np.ndarray, runs: Sequence[Interval], colour: str) -> None:
    """The confidence intervals of means over seeds."""
    half = np.array([0.0 if one.lower is None else one.mean - one.lower for one in runs])
    panel.errorbar(x, [one.mean for one in runs], yerr=half, fmt="none", ecolor=colour, elinewidth=1.4, capsize=3.5)


def _keep_points_in_sight(panel: Axes, values: Sequence[float]) -> None:
    """Bars of two or three seeds may be far longer than what they scatter: they run out of the panel, the points do not."""
    low, high = min(values), max(values)
    room = high - low
    if room > 0:
        bottom, top = panel.get_ylim()
        panel.set_ylim(max(bottom, low - room), min(top, high + room))


def _label(axis: SweepAxis) -> str:
    """What an axis is called: of zipped paths the first, and how many go with it."""
    return axis.paths[0] if len(axis.paths) == 1 else f"{axis.paths[0]} (and {len(axis.paths) - 1} more)"


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
        text += f" Lines and marks are means over {names}, bars are their 95 % confidence intervals."
    elif rest:
        text += f" Spread over {names}: lines and marks are means, the band is one standard deviation."
    failed = sum(bool(reason) for reason in table.failures)
    return text + (f" {failed} of {len(table.failures)} points failed and are left out." if failed else "")
