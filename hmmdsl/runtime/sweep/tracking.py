"""How far a sweep is: points done and failed, and the time that is left at the pace so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hmmdsl.runtime.progress import Clock

if TYPE_CHECKING:
    from hmmdsl.runtime.stage import Progress, Task
    from hmmdsl.runtime.sweep.planning import PlannedMember, PlannedPoint


class Tracker:
    """Counts the points of one sweep, or the other seeds of the experiment, as their stages are done."""

    def __init__(self, name: str, points: Sequence[PlannedPoint | PlannedMember], progress: Progress) -> None:
        self._name, self._progress = name, progress
        self._points = points
        self._waiting = [set(point.hashes) for point in points]
        self._needed: dict[str, list[int]] = {}
        for k, hashes in enumerate(self._waiting):
            for hash in hashes:
                self._needed.setdefault(hash, []).append(k)
        self._done = 0
        self._failed: set[int] = set()
        self._clock = Clock()
        progress.points(name, 0, len(points), 0, None)

    def finished(self, task: Task, failed: bool) -> None:
        """A stage is done, for all points that need it."""
        needing = self._needed.pop(task.hash, ())
        if not needing:
            return
        for k in needing:
            waiting = self._waiting[k]
            waiting.discard(task.hash)
            if failed:
                waiting.clear()
                self._failed.add(k)
            if not waiting:
                self._done += 1 if k not in self._failed or failed else 0
        left = self._clock.left(self._done, len(self._points))
        self._progress.points(self._name, self._done, len(self._points), len(self._failed), left)

    def close(self) -> None:
        """All stages that could be made are."""
        self._progress.points(self._name, len(self._points), len(self._points), len(self._failed), None)
