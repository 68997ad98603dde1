"""What a sweep says over its seeds: for each setting and result the mean and its confidence interval, and how far the trained
network is from its own initialization, seed by seed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hmmdsl.files.writing import write_csv
from hmmdsl.schema.confidence import Interval, interval, paired
from hmmdsl.schema.sweep import AxisValue, SweepAxis, cell, seed_axis

if TYPE_CHECKING:
    from hmmdsl.report.sweeps.table import SweepTable

SEEDS_CSV = "seeds.csv"

UNTRAINED = "untrained"
"""The control's segment in a result's path."""


@dataclass(frozen=True)
class SeedRow:
    """One result at one setting: `at` is its place along the axes that are no seeds. `untrained` is the same result of the
    networks before training, `difference` trained minus untrained, paired by initialization; both None where it has no such
    control."""

    at: tuple[int, ...]
    path: str
    runs: Interval
    untrained: Interval | None
    difference: Interval | None


@dataclass(frozen=True)
class SeedTable:
    """The axes that are no seeds, the seeds' axis, and a row for each setting and result."""

    axes: tuple[SweepAxis, ...]
    seeds: SweepAxis
    rows: tuple[SeedRow, ...]

    def settings(self, row: SeedRow) -> list[AxisValue]:
        """The values of a row's axes, in the order of their paths."""
        return [cell(value) for axis, place in zip(self.axes, row.at, strict=True) for value in axis.values[place]]


def untrained_path(path: str, columns: Collection[str]) -> str | None:
    """The path of the same result of the untrained network: `x.concat.untrained.held_out.r2` for `x.concat.held_out.r2`.

    >>> untrained_path("x.held_out.r2", ["x.untrained.held_out.r2"])
    'x.untrained.held_out.r2'
    """
    segments = path.split(".")
    if UNTRAINED in segments:
        return None
    candidates = (".".join([*segments[:k], UNTRAINED, *segments[k:]]) for k in range(len(segments) - 1, 0, -1))
    return next((candidate for candidate in candidates if candidate in columns), None)


def seed_table(table: SweepTable, paths: Sequence[str] | None = None) -> SeedTable | None:
    """The table of these results (all, if None). None where the sweep has no axis of seeds. Points that failed, or where a result
    is undefined, are left out: `count` tells how many are left."""
    over = seed_axis(table.axes)
    if over is None:
        return None
    columns = dict.fromkeys(table.columns)
    points: dict[tuple[int, ...], list[int]] = {}
    for row, at in enumerate(table.points):
        points.setdefault((*at[:over], *at[over + 1 :]), []).append(row)
    rows = tuple(
        row
        for at, runs in points.items()
        for path in (columns if paths is None else paths)
        for row in _row(table, columns, at, path, runs)
    )
    return SeedTable((*table.axes[:over], *table.axes[over + 1 :]), table.axes[over], rows)


def _row(table: SweepTable, columns: Collection[str], at: tuple[int, ...], path: str, runs: Sequence[int]) -> Iterator[SeedRow]:
    values = [table.numbers[run].get(path) for run in runs]
    known = [value for value in values if value is not None]
    if not known:
        return
    control = untrained_path(path, columns)
    before = [table.numbers[run].get(control) for run in runs] if control is not None else []
    untrained = [value for value in before if value is not None]
    yield SeedRow(
        at, path, interval(known), interval(untrained) if untrained else None, paired(values, before) if untrained else None
    )


def write_seeds(table: SweepTable, folder: Path) -> list[Path]:
    """Write `seeds.csv` where the sweep has an axis of seeds. Raises OSError if the folder cannot be written."""
    found = seed_table(table)
    if found is None:
        return []
    names = [path for axis in found.axes for path in axis.paths]
    lines: list[list[object]] = [[*names, "result", "count", "mean", "sd", "lower", "upper", *_PAIRED]]
    for row in found.rows:
        runs, difference = row.runs, row.difference
        numbers = [runs.count, runs.mean, runs.sd, runs.lower, runs.upper, row.untrained.mean if row.untrained else None]
        numbers += [difference.mean, difference.lower, difference.upper] if difference is not None else [None] * 3
        settings = (("true" if each else "false") if isinstance(each, bool) else each for each in found.settings(row))
        lines.append([*settings, row.path, *numbers])
    write_csv(folder / SEEDS_CSV, lines)
    return [folder / SEEDS_CSV]


_PAIRED = ("untrained", "difference", "difference_lower", "difference_upper")
