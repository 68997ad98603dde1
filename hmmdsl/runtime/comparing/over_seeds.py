"""Settings of sweeps side by side: means over seeds with their confidence intervals, and differences paired by seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from hmmdsl.runtime.comparing.columns import SeedColumns
from hmmdsl.runtime.comparing.side_by_side import MOST_COLUMNS
from hmmdsl.runtime.summary import number_text
from hmmdsl.spec.confidence import Interval, interval, paired


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
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)


def print_seeds(columns: Sequence[SeedColumns], rows: Sequence[SeedMeans]) -> None:
    """A table on stdout: the mean of each setting with its interval, and below it the paired difference from the first."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)
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
        console.print(table, markup=False)
    else:
        console.print("no result differs", markup=False)
    if len(columns) > len(shown):
        console.print(f"… and {len(columns) - len(shown):,} more settings: `--json` has them all", markup=False)


def _text(found: Interval | None) -> str:
    if found is None:
        return number_text(None)
    ends = f" [{number_text(found.lower)}, {number_text(found.upper)}]" if found.lower is not None else ""
    return number_text(found.mean) + ends
