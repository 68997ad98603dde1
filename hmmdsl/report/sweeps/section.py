"""A report's section on a sweep: its figures, and the table of its axes and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hmmdsl.report.wording import count_text, number_text
from hmmdsl.spec.sweep import value_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hmmdsl.report.page import Picture
    from hmmdsl.report.sweeps.table import SweepTable

MOST_ROWS = 200
"""Points in the page; the whole table lies beside it."""


@dataclass(frozen=True)
class SweepSection:
    """What the page shows: `rows` are the cells of points in order, the last one the reason of a failed point."""

    name: str
    anchor: str
    intro: str
    pictures: tuple[Picture, ...]
    axes: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...]
    more: int


def sweep_section(table: SweepTable, pictures: Sequence[Picture]) -> SweepSection:
    """The section of one sweep."""
    failed = sum(bool(reason) for reason in table.failures)
    lengths = " × ".join(f"{len(axis.values)} of {axis.name}" for axis in table.axes)
    intro = f"{count_text(len(table.points), 'point')}: {lengths}."
    if failed:
        intro += f" {count_text(failed, 'point')} failed."
    intro += f" Every number is in sweeps/{table.name}/results.csv."
    rows = []
    for k, at in enumerate(table.points[:MOST_ROWS]):
        places = zip(table.axes, at, strict=True)
        settings = tuple(value_text(value) for axis, place in places for value in axis.values[place])
        numbers = tuple(number_text(table.numbers[k].get(metric)) for metric in table.metrics)
        rows.append((settings, numbers, table.failures[k]))
    return SweepSection(
        table.name,
        f"sweep-{table.name}",
        intro,
        tuple(pictures),
        tuple(table.paths),
        table.metrics,
        tuple(rows),
        max(0, len(table.points) - MOST_ROWS),
    )
