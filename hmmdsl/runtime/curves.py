"""The learning curves of a run folder: `curves/<train>.csv`, one row a step that was kept."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hmmdsl.files.plain import read_plain
from hmmdsl.files.writing import write_csv
from hmmdsl.runtime.failures import OutputError
from hmmdsl.training.trained import CurvePoint

if TYPE_CHECKING:
    from hmmdsl.training.trained import CurvePoint

CURVES = "curves"

_LARGEST = 2**28

COLUMNS = ("step", "loss", "lr")
"""The loss is that of the step's data, before the step, in nats."""


def write_curve(folder: Path, train: str, curve: Sequence[CurvePoint]) -> None:
    """Write a training run's curve into a run folder. Raises OSError if it cannot be written."""
    path = folder / CURVES / f"{train}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(path, [COLUMNS, *((point.step, point.loss, point.lr) for point in curve)])


def read_curve(folder: Path, train: str) -> tuple[CurvePoint, ...]:
    """A training run's curve, float for float as it was; empty where the run folder has none. Raises
    OutputError for a file that is none."""
    path = folder / CURVES / f"{train}.csv"
    if not path.is_file():
        return ()
    try:
        rows = csv.DictReader(read_plain(path, _LARGEST).decode().splitlines())
        return tuple(CurvePoint(int(row["step"]), float(row["loss"]), float(row["lr"])) for row in rows)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise OutputError(f"{path} is no learning curve ({' '.join(str(error).split())}): run the spec again") from error
