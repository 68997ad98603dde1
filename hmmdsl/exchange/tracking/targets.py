"""`--track tensorboard[:DIR]` and `--track mlflow[:DIR|URI]`: where a finished run goes besides its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from hmmdsl.exchange.tracking.mlflow import write as write_mlflow
from hmmdsl.exchange.tracking.tensorboard import write
from hmmdsl.runtime.failures import OutputError, RunError

if TYPE_CHECKING:
    from hmmdsl.exchange.tracking.record import Record

_PACKAGES: Mapping[str, tuple[str, ...]] = {"tensorboard": ("tensorboard",), "mlflow": ("mlflow", "sqlalchemy", "alembic")}
"""What each tool needs, by the name of its extra."""

_PLACES = {"tensorboard": "tensorboard", "mlflow": "mlruns"}
"""Where each keeps its files if no place is given: folders here."""


@dataclass(frozen=True)
class Target:
    """A tool, and the folder (or, for MLflow, the URI) that it keeps runs in."""

    tool: str
    place: str


def targets(given: Iterable[str]) -> tuple[Target, ...]:
    """What the `--track` options mean. Raises OutputError, before anything is run, for an unknown tool or one that is not
    installed."""
    found = []
    for text in given:
        tool, _, place = text.partition(":")
        if tool not in _PACKAGES:
            raise OutputError(f"`--track {text}` is not understood: write `--track tensorboard` or `--track mlflow`")
        missing = [package for package in _PACKAGES[tool] if find_spec(package) is None]
        if missing:
            raise OutputError(f"`--track {tool}` needs {missing[0]}, which is not installed: `pip install 'hmmdsl[{tool}]'`")
        found.append(Target(tool, place or _PLACES[tool]))
    return tuple(found)


def track(record: Record, target: Target) -> str:
    """Hand a run over; returns in words where it is now. Raises RunError if the tool can't take it; the run itself is whole."""
    try:
        return _writer(target.tool)(record, target.place)
    except (OutputError, RunError):
        raise
    except Exception as error:
        raise RunError(
            f"{target.tool} could not take the run: {type(error).__name__}: {' '.join(str(error).split())[:300]}",
            f"the run itself is whole, in {record.folder}; mend `--track`, and run the same command again",
        ) from error


def _writer(tool: str) -> Callable[[Record, str], str]:
    if tool == "tensorboard":
        return write

    return write_mlflow
