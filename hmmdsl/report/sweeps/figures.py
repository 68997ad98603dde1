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
from hmmdsl.spec.sweep import cell

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hmmdsl.report.sweeps.table import SweepTable

MOST_PANELS = 3
"""Axes that a metric is drawn against."""

MOST_LINES = len(CYCLE)
"""Values of the axis that lines stand for."""

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
        over = f" Spread over {' and '.join(rest)}: the line goes through the means, the band is one standard deviation."
    spread = over if rest else ""
    failed = sum(bool(reason) for reason in table.failures)
    lost = f" {failed} of {len(table.failures)} points failed and are left out." if failed else ""
    return f"{metric} against {against}.{spread}{lost}"
