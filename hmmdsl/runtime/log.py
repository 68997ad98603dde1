"""The log of a run: one JSON object a line, with the time. The only file of a run folder that holds times, beside the report."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from hmmdsl.files.writing import append


class RunLog:
    """Appends to a file; with no path it keeps nothing. Each line is written at once, so that a dead run's log is readable."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def write(self, event: str, **facts: Any) -> None:
        """One line: the time in seconds since 1970, the event, and what belongs to it."""
        if self._path is None:
            return
        append(self._path, json.dumps({"time": round(time.time(), 3), "event": event, **facts}) + "\n")
