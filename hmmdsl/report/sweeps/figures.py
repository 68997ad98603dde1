"""Figures of a sweep: each metric against each axis, one line for each value of another axis, the rest as spread.

Along numbers a line goes through the means and a band shows one standard deviation about them; values that are no numbers, and
seeds, have no order, so they stand side by side, each with a mark at its mean. Every point is drawn.
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
from hmmdsl.report.style import CYCLE, applied, save
from hmmdsl.spec.sweep import SweepAxis, cell, value_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hmmdsl.report.sweeps.table import SweepTable

MOST_PANELS = 3
"""Axes that a metric is drawn against."""

MOST_LINES = len(CYCLE)
"""Values of the axis that lines stand for."""

_WIDEST_LABEL, _MOST_LABELS = 16, 20
"""Characters of a label below an axis, and how many labels it has."""

_POINT: dict[str, Any] = {"marker": "o", "markersize": 3.5, "alpha": 0.7, "linewidth": 0}


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
    found = _lines(table, metric, along, lines)
    numbers = [cell(place[0]) for place in axis.values]
    ordered = not is_seed(table, along) and all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in numbers)
    at = [float(one) for one in numbers] if ordered else [float(k) for k in range(len(numbers))]
    if ordered:
        _draw_along(panel, found, at)
    else:
        _draw_beside(panel, found, at, _deviation(found) if is_seed(table, along) else None)
    if not ordered or len(at) <= 6:
        labels = [value_text(place[0]) for place in axis.values]
        shown = [text if len(text) <= _WIDEST_LABEL else text[: _WIDEST_LABEL - 1] + "…" for text in labels]
        every = -(-len(at) // _MOST_LABELS)
        panel.set_xticks(at[::every], shown[::every])
        panel.minorticks_off()
    panel.set_xlabel(_label(axis))
    panel.grid(True, axis="both" if ordered else "y")
    if lines is not None:
        beside: dict[str, Any] = {} if ordered else {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
        panel.legend(title=_label(table.axes[lines]), alignment="left", **beside)


def _draw_along(panel: Axes, lines: Sequence[_Line], at: Sequence[float]) -> None:
    """An axis of numbers: means joined by a line, within a band."""
    order = sorted(range(len(at)), key=lambda k: at[k])
    for colour, line in zip(cycle(CYCLE), lines, strict=False):
        places = [p for p in order if line.values[p]]
        means = np.array([np.mean(line.values[p]) for p in places])
        spread = np.array([np.std(line.values[p], ddof=1) if len(line.values[p]) > 1 else 0.0 for p in places])
        x = np.array([at[p] for p in places])
        if spread.any():
            panel.fill_between(x, means - spread, means + spread, color=colour, alpha=0.16, linewidth=0)
        panel.plot(x, means, color=colour, label=line.label or None)
        panel.plot(
            [at[p] for p in places for _ in line.values[p]],
            [value for p in places for value in line.values[p]],
            **_POINT,
            color=colour,
        )
    if min(at) > 0 and max(at) / min(at) >= 8:
        panel.set_xscale("log")


def _draw_beside(panel: Axes, lines: Sequence[_Line], at: Sequence[float], seeds: tuple[float, float] | None) -> None:
    """An axis without order: at each place the lines' points side by side, with a mark at their mean. `seeds`, the mean and the
    standard deviation over an axis of seeds, are a line and a band."""
    width = 0.7 / len(lines)
    for k, (colour, line) in enumerate(zip(cycle(CYCLE), lines, strict=False)):
        shift = (k - (len(lines) - 1) / 2) * width
        for place, values in zip(at, line.values, strict=True):
            panel.plot([place + shift] * len(values), values, **_POINT, color=colour)
            if len(values) > 1 and seeds is None:
                panel.hlines(
                    float(np.mean(values)), place + shift - 0.4 * width, place + shift + 0.4 * width, color=colour, linewidth=2
                )
        panel.plot([], [], "o", color=colour, markersize=4, label=line.label or None)
    if seeds is not None:
        mean, deviation = seeds
        panel.axhspan(mean - deviation, mean + deviation, color=CYCLE[0], alpha=0.12, linewidth=0)
        panel.axhline(mean, color=CYCLE[0], linewidth=1.2)
    panel.set_xlim(at[0] - 0.5, at[-1] + 0.5)


def _deviation(lines: Sequence[_Line]) -> tuple[float, float] | None:
    """Mean and standard deviation of all values, for one line; None if there are several."""
    values = [value for line in lines for place in line.values for value in place]
    if len(lines) > 1 or not values:
        return None
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _label(axis: SweepAxis) -> str:
    """What an axis is called: of zipped paths the first, and how many go with it."""
    return axis.paths[0] if len(axis.paths) == 1 else f"{axis.paths[0]} (and {len(axis.paths) - 1} more)"


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
    if all(is_seed(table, k) for k in shown):
        spread = " The line is the mean, the band one standard deviation."
    elif rest:
        spread = f" Spread over {' and '.join(rest)}: lines and marks are means, a band is one standard deviation."
    else:
        spread = ""
    failed = sum(bool(reason) for reason in table.failures)
    lost = f" {failed} of {len(table.failures)} points failed and are left out."
    return f"{metric} against {against}.{spread}{lost if failed else ''}"
