"""The learning curves of a run folder: `curves/<train>.csv`, one row a step that was kept."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hmmdsl.files.writing import write_csv

if TYPE_CHECKING:
    from hmmdsl.training.trained import CurvePoint

CURVES = "curves"

COLUMNS = ("step", "loss", "lr")
"""The loss is that of the step's data, before the step, in nats."""


def write_curve(folder: Path, train: str, curve: Sequence[CurvePoint]) -> None:
    """Write a training run's curve into a run folder. Raises OSError if it cannot be written."""
    path = folder / CURVES / f"{train}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(path, [COLUMNS, *((point.step, point.loss, point.lr) for point in curve)])


def read_curve(folder: Path, train: str) -> tuple[CurvePoint, ...]:
    """A training run's curve, float for float as it was; empty where the run folder has none."""
    from hmmdsl.training.trained import CurvePoint

    path = folder / CURVES / f"{train}.csv"
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(CurvePoint(int(row["step"]), float(row["loss"]), float(row["lr"])) for row in csv.DictReader(file))
