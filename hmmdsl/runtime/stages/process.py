"""The process stage: what the theory finds out about a process, as `processes.json` holds it, and as the report says it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmmdsl.report.portrait_section import PortraitText
    from hmmdsl.runtime.stages.task import Task
    from hmmdsl.runtime.store.entry import Entry


def make(task: Task, folder: Path) -> dict[str, Any]:
    """The portrait as plain data, and in words."""
    from hmmdsl.process.portrait import portrait
    from hmmdsl.report.portrait_section import portrait_text

    known = portrait(task.processes()[task.stage.name])
    return {"portrait": known.as_json(), "text": portrait_text(known).as_json()}


def load(entry: Entry, name: str) -> dict[str, Any]:
    """The portrait of a process that is called `name`."""
    return {**entry.result["portrait"], "name": name}


def entropy_rate_bits(entry: Entry) -> float:
    """The entropy rate, in bits per token."""
    return float(entry.result["portrait"]["entropy_rate"]["bits"])


def load_text(entry: Entry) -> PortraitText:
    """The portrait in words."""
    from hmmdsl.report.portrait_section import PortraitText

    return PortraitText.from_json(entry.result["text"])
