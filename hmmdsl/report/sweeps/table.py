"""The tidy table of a sweep: one row a point, a column for each axis and each result, and why a point failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmmdsl.files.writing import appearing, write_csv
from hmmdsl.schema.sweep import AxisValue, SweepAxis, cell

FAILURE = "failure"
"""The last column: empty where the point has its results."""

SEEDS = "seeds"
"""The folder, and the name, of the table of a run's seeds."""

CSV, PARQUET = "results.csv", "results.parquet"


@dataclass(frozen=True)
class SweepTable:
    """`points` has each row's place along the axes, `numbers` its results by path (None: undefined), `failures` why it has none;
    `metrics` are the columns that figures show. `replication` tells that the points are the run itself with each of its seeds."""

    name: str
    axes: tuple[SweepAxis, ...]
    points: tuple[tuple[int, ...], ...]
    numbers: tuple[Mapping[str, float | None], ...]
    failures: tuple[str, ...]
    metrics: tuple[str, ...] = ()
    replication: bool = False

    @property
    def kind(self) -> str:
        """What its figures are of."""
        return "seeds" if self.replication else "sweep"

    @property
    def place(self) -> str:
        """The folder of its files in the run folder."""
        return SEEDS if self.replication else f"sweeps/{self.name}"

    @property
    def paths(self) -> list[str]:
        """The paths of the axes, in order."""
        return [path for axis in self.axes for path in axis.paths]

    @property
    def columns(self) -> list[str]:
        """The results that some point has, in the order of the results."""
        return list(dict.fromkeys(path for row in self.numbers for path in row))

    def settings(self, row: int) -> list[AxisValue]:
        """The values of a row's axes, in the order of `paths`."""
        at = self.points[row]
        return [cell(value) for axis, place in zip(self.axes, at, strict=True) for value in axis.values[place]]


def write_tables(table: SweepTable, folder: Path) -> list[Path]:
    """Write `results.csv`, and `results.parquet` where pyarrow is installed. Raises OSError if the folder cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    found = table.columns
    names = [*table.paths, *found, FAILURE]
    rows = [
        [*table.settings(k), *(table.numbers[k].get(column) for column in found), table.failures[k]]
        for k in range(len(table.points))
    ]
    write_csv(folder / CSV, [names, *([_csv_cell(value) for value in row] for row in rows)])
    written = [folder / CSV]
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return written
    columns = [_alike([row[k] for row in rows]) for k in range(len(names))]
    content = pyarrow.table({name: pyarrow.array(column) for name, column in zip(names, columns, strict=True)})
    with appearing(folder / PARQUET, durable=False) as file:
        parquet.write_table(content, file, compression="zstd")
    return [*written, folder / PARQUET]


def _csv_cell(value: Any) -> Any:
    return ("true" if value else "false") if isinstance(value, bool) else value


def _alike(values: Sequence[Any]) -> list[Any]:
    """Values of one type, as a column wants them: text where they are not all numbers or all truth values."""
    sorts = {type(value) for value in values if value is not None}
    if len(sorts) < 2:
        return list(values)
    if sorts <= {int, float}:
        return [None if value is None else float(value) for value in values]
    return [None if value is None else str(_csv_cell(value)) for value in values]
