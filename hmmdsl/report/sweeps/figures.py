"""Figures of a sweep: each metric against each axis, one line for each value of another axis, the rest as spread.

A line goes through the means, a band shows one standard deviation about them, and every point is drawn.
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
from hmmdsl.report.style import CYCLE, applied, save
from hmmdsl.spec.sweep import cell, value_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hmmdsl.report.sweeps.table import SweepTable

MOST_PANELS = 3
"""Axes that a metric is drawn against."""

MOST_LINES = len(CYCLE)
"""Values of the axis that lines stand for."""

MOST_DOTS = 200
"""Points of a sweep that an SVG shows as a mark each; more are one picture in it."""

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
    return ([k for k in many if not is_seed(table, k)] or many)[:MOST_PANELS]


def is_seed(table: SweepTable, axis: int) -> bool:
    """Whether an axis only repeats the experiment with other random numbers."""
    return all(path.rpartition(".")[2] == "seed" for path in table.axes[axis].paths)


def _line_axis(table: SweepTable, along: int, shown: Sequence[int]) -> int | None:
    """The axis whose values have a line each: the first other one with few enough values."""
    others = [k for k in shown if k != along and 1 < len(table.axes[k].values) <= MOST_LINES]
    return others[0] if others else None


def _draw(panel: Axes, table: SweepTable, metric: str, along: int, lines: int | None) -> None:
    axis = table.axes[along]
    numeric = all(isinstance(cell(place[0]), (int, float)) and not isinstance(place[0], bool) for place in axis.values)
    at = [float(cell(place[0])) if numeric else float(k) for k, place in enumerate(axis.values)]
    order = sorted(range(len(at)), key=lambda k: at[k])
    for k, line in enumerate(_lines(table, metric, along, lines)):
        colour = CYCLE[k % len(CYCLE)]
        places = [p for p in order if line.values[p]]
        means = np.array([np.mean(line.values[p]) for p in places])
        spread = np.array([np.std(line.values[p], ddof=1) if len(line.values[p]) > 1 else 0.0 for p in places])
        x = np.array([at[p] for p in places])
        if spread.any():
            panel.fill_between(x, means - spread, means + spread, color=colour, alpha=0.16, linewidth=0)
        panel.plot(x, means, color=colour, label=line.label or None, linestyle="-" if numeric else "")
        panel.plot(
            [at[p] for p in places for _ in line.values[p]],
            [value for p in places for value in line.values[p]],
            "o",
            color=colour,
            markersize=3.5,
            alpha=0.7,
            linewidth=0,
            rasterized=len(table.points) > MOST_DOTS,
        )
        if not numeric:
            panel.plot(x, means, "_", color=colour, markersize=22, markeredgewidth=2)
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
    against = " and ".join(table.axes[k].name for k in shown)
    rest = [axis.name for k, axis in enumerate(table.axes) if k not in shown and len(axis.values) > 1]
    over = f" Spread over {' and '.join(rest)}: the line goes through the means, the band is one standard deviation."
    failed = sum(bool(reason) for reason in table.failures)
    lost = f" {failed} of {len(table.failures)} points failed and are left out."
    return f"{metric} against {against}.{over if rest else ''}{lost if failed else ''}"
