"""The command `hmmdsl compare`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from hmmdsl.cli.summary import number_text
from hmmdsl.exchange.columns import Column, SeedColumns, columns_of, seed_columns_of
from hmmdsl.files.door import console, json_text, say
from hmmdsl.schema.confidence import Interval, interval, paired

command = typer.Typer(rich_markup_mode=None, add_completion=False)


@command.command(epilog="Examples: hmmdsl compare runs/a-… runs/b-…; hmmdsl compare runs/a-…:capacity:0 runs/a-…:capacity:3")
def compare(
    targets: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="run folders; of a sweep RUN:SWEEP for its points, RUN:SWEEP:3 for one of them"),
    ],
    only: Annotated[str | None, typer.Option("--only", metavar="TEXT", help="results whose path has this text")] = None,
    every: Annotated[bool, typer.Option("--all", help="also results that are the same everywhere")] = False,
    seeds: Annotated[
        bool,
        typer.Option(
            "--seeds",
            help="means over the seeds of RUN:SWEEP, or of RUN if it has several, with 95 % intervals, differences paired",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON, for programs")] = False,
) -> None:
    """Put the results of runs, or of points of a sweep, side by side, with their differences from the first."""
    if seeds:
        settings = [setting for target in targets for setting in seed_columns_of(target)]
        means = compared_over_seeds(settings, only or "", every)
        if as_json:
            say(seeds_json(settings, means))
        else:
            print_seeds(settings, means)
        return
    columns = [column for target in targets for column in columns_of(target)]
    rows = compared(columns, only or "", every)
    if as_json:
        say(comparison_json(columns, rows))
    else:
        print_comparison(columns, rows)


MOST_COLUMNS = 12
"""Columns that are printed; the rest is in the JSON and in the sweep's table."""


@dataclass(frozen=True)
class ComparedRow:
    """One result in every column (None: undefined there, or missing)."""

    path: str
    values: tuple[float | None, ...]

    @property
    def differences(self) -> tuple[float | None, ...]:
        """Each value minus the first."""
        first = self.values[0]
        return tuple(None if value is None or first is None else value - first for value in self.values)


def compared(columns: Sequence[Column], only: str = "", every: bool = False) -> list[ComparedRow]:
    """The results whose path contains `only`; those that are the same in all of several columns only if `every`."""
    paths = dict.fromkeys(path for column in columns for path in column.numbers if only in path)
    rows = [ComparedRow(path, tuple(column.numbers.get(path) for column in columns)) for path in paths]
    return [row for row in rows if every or len(columns) < 2 or len(set(row.values)) > 1]


def comparison_json(columns: Sequence[Column], rows: Sequence[ComparedRow]) -> str:
    """For programs."""
    content = {
        "columns": [column.name for column in columns],
        "rows": [{"path": row.path, "values": list(row.values), "differences": list(row.differences)} for row in rows],
    }
    return json_text(content)


def print_comparison(columns: Sequence[Column], rows: Sequence[ComparedRow]) -> None:
    """A table on stdout: the first column's values, and for each other its value and the difference."""
    from rich.table import Table

    screen = console(piped=200)
    shown = columns[:MOST_COLUMNS]
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("result", style="bold", no_wrap=True)
    for column in shown:
        table.add_column(column.name, justify="right", overflow="fold")
    for row in rows:
        cells = [number_text(row.values[0])]
        for value, difference in zip(row.values[1 : len(shown)], row.differences[1 : len(shown)], strict=True):
            told = f" ({difference:+.3g})" if difference else ""
            cells.append(number_text(value) + told)
        table.add_row(row.path, *cells)
    if rows:
        screen.print(table)
    else:
        screen.print("no result differs")
    if len(columns) > len(shown):
        screen.print(f"… and {len(columns) - len(shown):,} more columns: `--json` has them all")


@dataclass(frozen=True)
class SeedMeans:
    """One result: its mean in each setting, and each setting's difference from the first, seed by seed (None: no seed has
    both)."""

    path: str
    means: tuple[Interval | None, ...]
    differences: tuple[Interval | None, ...]


def compared_over_seeds(columns: Sequence[SeedColumns], only: str = "", every: bool = False) -> list[SeedMeans]:
    """The results whose path contains `only`; those that are the same in all settings and seeds only if `every`."""
    numbers = [{seed: run.numbers for seed, run in column.runs.items()} for column in columns]
    paths = dict.fromkeys(path for column in numbers for run in column.values() for path in run if only in path)
    rows = []
    for path in paths:
        by_seed = [{seed: run.get(path) for seed, run in column.items()} for column in numbers]
        known = [[value for value in values.values() if value is not None] for values in by_seed]
        if not every and len({value for values in known for value in values}) < 2:
            continue
        first = by_seed[0]
        seeds = [[seed for seed in values if seed in first] for values in by_seed]
        rows.append(
            SeedMeans(
                path,
                tuple(interval(values) if values else None for values in known),
                tuple(
                    paired([values[seed] for seed in shared], [first[seed] for seed in shared])
                    for values, shared in zip(by_seed, seeds, strict=True)
                ),
            )
        )
    return rows


def seeds_json(columns: Sequence[SeedColumns], rows: Sequence[SeedMeans]) -> str:
    """For programs."""
    content = {
        "columns": [column.name for column in columns],
        "rows": [
            {
                "path": row.path,
                "means": [None if one is None else asdict(one) for one in row.means],
                "differences": [None if one is None else asdict(one) for one in row.differences],
            }
            for row in rows
        ],
    }
    return json_text(content)


def print_seeds(columns: Sequence[SeedColumns], rows: Sequence[SeedMeans]) -> None:
    """A table on stdout: the mean of each setting with its interval, and below it the paired difference from the first."""
    from rich.table import Table

    screen = console(piped=200)
    shown = columns[:MOST_COLUMNS]
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("mean [95 % interval]", style="bold", no_wrap=True)
    for column in shown:
        table.add_column(f"{column.name} ({len(column.runs)} seeds)", justify="right", overflow="fold")
    for row in rows:
        table.add_row(row.path, *(_text(one) for one in row.means[: len(shown)]))
        if len(shown) > 1:
            table.add_row("  minus the first", "", *(_text(one) for one in row.differences[1 : len(shown)]), style="dim")
    if rows:
        screen.print(table)
    else:
        screen.print("no result differs")
    if len(columns) > len(shown):
        screen.print(f"… and {len(columns) - len(shown):,} more settings: `--json` has them all")


def _text(found: Interval | None) -> str:
    if found is None:
        return number_text(None)
    ends = f" [{number_text(found.lower)}, {number_text(found.upper)}]" if found.lower is not None else ""
    return number_text(found.mean) + ends
