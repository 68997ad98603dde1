"""A report's section on a sweep: its figures, and the table of its axes and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hmmdsl.process.notation import number_text
from hmmdsl.report.sweeps.seeds import SEEDS_CSV, SeedRow, SeedTable, seed_table
from hmmdsl.report.sweeps.table import CSV, SEEDS
from hmmdsl.report.wording import count_text
from hmmdsl.schema.confidence import Interval
from hmmdsl.schema.sweep import value_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hmmdsl.report.figures import Picture
    from hmmdsl.report.sweeps.table import SweepTable

MOST_ROWS = 200
"""Points in the page; the whole table lies beside it."""


@dataclass(frozen=True)
class SweepSection:
    """What the page shows: `rows` are the cells of points in order, the last one the reason of a failed point."""

    name: str
    title: str
    anchor: str
    intro: str
    pictures: tuple[Picture, ...]
    axes: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...]
    more: int
    over: str
    """The axis of seeds; empty where there is none."""
    settings: tuple[str, ...]
    seeds: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    """For each setting and metric: the setting, and the cells of the row."""
    more_seeds: int


def sweep_section(table: SweepTable, pictures: Sequence[Picture]) -> SweepSection:
    """The section of one sweep."""
    failed = sum(bool(reason) for reason in table.failures)
    noun = "seed" if table.replication else "point"
    lengths = " × ".join(f"{len(axis.values)} of {axis.name}" for axis in table.axes)
    intro = f"{count_text(len(table.points), noun)}: {lengths}."
    if table.replication:
        counted = count_text(len(table.points), noun)
        intro = f"The whole experiment with {counted}, each added to those of all trains; 0 is this run."
    if failed:
        intro += f" {count_text(failed, noun)} failed."
    intro += f" Every number is in {table.place}/{CSV}."
    rows = []
    for k, at in enumerate(table.points[:MOST_ROWS]):
        places = zip(table.axes, at, strict=True)
        settings = tuple(value_text(value) for axis, place in places for value in axis.values[place])
        numbers = tuple(number_text(table.numbers[k].get(metric)) for metric in table.metrics)
        rows.append((settings, numbers, table.failures[k]))
    seeds = seed_table(table, table.metrics)
    if seeds is not None:
        intro += f" Over {seeds.seeds.name}, intervals and paired differences of all results are in {table.place}/{SEEDS_CSV}."
    return SweepSection(
        table.name,
        "Seeds" if table.replication else f"Sweep {table.name}",
        SEEDS if table.replication else f"sweep-{table.name}",
        intro,
        tuple(pictures),
        tuple(table.paths),
        table.metrics,
        tuple(rows),
        max(0, len(table.points) - MOST_ROWS),
        seeds.seeds.name if seeds is not None else "",
        tuple(path for axis in seeds.axes for path in axis.paths) if seeds is not None else (),
        tuple((_setting(seeds, row), _cells(row)) for row in seeds.rows[:MOST_ROWS]) if seeds is not None else (),
        max(0, len(seeds.rows) - MOST_ROWS) if seeds is not None else 0,
    )


def _setting(seeds: SeedTable, row: SeedRow) -> tuple[str, ...]:
    return tuple(value_text(value) for axis, place in zip(seeds.axes, row.at, strict=True) for value in axis.values[place])


def _cells(row: SeedRow) -> tuple[str, ...]:
    """The metric, the number of seeds, and mean and interval of trained, untrained and their paired difference."""
    return row.path, str(row.runs.count), *(interval_text(one) for one in (row.runs, row.untrained, row.difference))


def interval_text(found: Interval | None) -> str:
    """A mean with the ends of its interval.

    >>> interval_text(Interval(3, 0.5, 0.1, 0.25, 0.75))
    '0.5 [0.25, 0.75]'
    """
    if found is None:
        return ""
    ends = f" [{number_text(found.lower)}, {number_text(found.upper)}]" if found.lower is not None else ""
    return number_text(found.mean) + ends
