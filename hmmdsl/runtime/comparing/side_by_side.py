"""Results side by side, each with its difference from the first column's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from hmmdsl.runtime.comparing.columns import Column
from hmmdsl.runtime.summary import number_text

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
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)


def print_comparison(columns: Sequence[Column], rows: Sequence[ComparedRow]) -> None:
    """A table on stdout: the first column's values, and for each other its value and the difference."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)
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
        console.print(table)
    else:
        console.print("no result differs", markup=False)
    if len(columns) > len(shown):
        console.print(f"… and {len(columns) - len(shown):,} more columns: `--json` has them all", markup=False)
