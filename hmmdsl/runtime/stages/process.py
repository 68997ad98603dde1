"""The process stage: what the theory finds out about a process, as `processes.json` holds it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmmdsl.runtime.stages.task import Task
    from hmmdsl.runtime.store.entry import Entry


def make(task: Task, folder: Path) -> dict[str, Any]:
    """The portrait as plain data."""
    from hmmdsl.process.portrait import portrait

    return portrait(task.processes()[task.stage.name]).as_json()


def load(entry: Entry, name: str) -> dict[str, Any]:
    """The portrait of a process that is called `name`."""
    return {**entry.result, "name": name}
