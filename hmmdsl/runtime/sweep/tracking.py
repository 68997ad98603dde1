"""How far a sweep is: points done and failed, and the time that is left at the pace so far."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from hmmdsl.runtime.progress import Clock, Silence

if TYPE_CHECKING:
    from hmmdsl.runtime.engines.engine import Done, Engine
    from hmmdsl.runtime.log import RunLog
    from hmmdsl.runtime.progress import Progress
    from hmmdsl.runtime.stages.task import Task
    from hmmdsl.runtime.sweep.planning import PlannedPoint


class Tracker:
    """Counts the points of one sweep as their stages are done. `quiet` is for the engine: single stages of a thousand points are
    no news."""

    def __init__(self, name: str, points: tuple[PlannedPoint, ...], progress: Progress, log: RunLog) -> None:
        self.quiet = Silence()
        self._name, self._progress, self._log = name, progress, log
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

    def watched(self, engine: Engine) -> Engine:
        """The same engine; each stage it is done with is counted."""
        return _Watched(engine, self)

    def finished(self, task: Task, failed: bool) -> None:
        """A stage is done, for all points that need it."""
        for k in self._needed.pop(task.hash, ()):
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


class _Watched:
    def __init__(self, engine: Engine, tracker: Tracker) -> None:
        self._engine, self._tracker = engine, tracker

    @property
    def width(self) -> int:
        return self._engine.width

    def submit(self, task: Task) -> Future[Done]:
        future = self._engine.submit(task)
        future.add_done_callback(lambda done: self._tracker.finished(task, done.exception() is not None))
        return future

    def close(self) -> None:
        self._engine.close()
