"""Sweeps on the way: all points' stages together, each made once; a point that fails fails alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hmmdsl.language.claims.measured import SweepResults
from hmmdsl.language.sweeps.compiled import CompiledSweep
from hmmdsl.runtime.defect import defect_text
from hmmdsl.runtime.execution import Ran
from hmmdsl.runtime.failures import OutputError, RunError
from hmmdsl.runtime.progress import OTHER_SEEDS, Clock

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.runtime.stage import Cache, Progress, RunContext, Task
    from hmmdsl.runtime.sweep.planning import PlannedMember, PlannedPoint, PlannedSweeps


@dataclass(frozen=True)
class PointOutcome:
    """The results of a point, nested as results.json; or why it has none."""

    results: Mapping[str, Any]
    failure: str = ""


@dataclass(frozen=True)
class SweepOutcome:
    """A sweep that has been run. `made` counts the stages that were computed, `cached` those that were in the store."""

    sweep: CompiledSweep
    outcomes: tuple[PointOutcome, ...]
    made: int = 0
    cached: int = 0

    def as_results(self) -> SweepResults:
        """As claims read them."""
        return SweepResults(self.sweep.axes, [each.failure or each.results for each in self.outcomes])

    @property
    def failed(self) -> tuple[tuple[str, str], ...]:
        """Where points failed, and why."""
        points = zip(self.sweep.points, self.outcomes, strict=True)
        return tuple((self.sweep.words(point), outcome.failure) for point, outcome in points if outcome.failure)


@dataclass(frozen=True)
class MemberOutcome:
    """What became of the experiment with one seed, and of the sweeps that the seed repeats."""

    seed: int
    own: PointOutcome
    sweeps: Mapping[str, SweepOutcome]


class Tracker:
    """Counts the points of one sweep, or the other seeds of the experiment, as their stages are done."""

    def __init__(self, name: str, points: Sequence[PlannedPoint | PlannedMember], progress: Progress) -> None:
        self._name, self._progress = name, progress
        self._points = points
        self._waiting = [set(point.hashes) for point in points]
        self._needed: dict[str, list[int]] = {}
        for k, hashes in enumerate(self._waiting):
            for digest in hashes:
                self._needed.setdefault(digest, []).append(k)
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


class SweepsRun:
    """The sweeps of a run and its other seeds while their stages are made, those of the run's `own` plan and of all points
    together, so that no worker waits for a plan to end."""

    def __init__(self, planned: PlannedSweeps, own: Iterable[str], context: RunContext) -> None:
        self._planned, self._cache, self._log = planned, context.cache, context.log
        self._own = frozenset(own)
        store, force = context.store, context.asked.force
        self._tasks = {name: planned.tasks(name, store, force) for name in planned.points}
        self._member_tasks = planned.member_tasks(store, force)
        self._trackers = [Tracker(f"sweep {name}", points, context.progress) for name, points in planned.points.items()]
        if planned.members:
            self._trackers.append(Tracker(OTHER_SEEDS, planned.members, context.progress))

    @property
    def tasks(self) -> list[Task]:
        """Those of all sweeps and of all other seeds, each seed's own before its sweeps'."""
        return [*self._member_tasks, *(task for tasks in self._tasks.values() for task in tasks)]

    def finished(self, task: Task, failed: bool) -> None:
        """A stage was made, or failed."""
        for tracker in self._trackers:
            tracker.finished(task, failed)

    def outcomes(self, compiled: Compiled, ran: Ran) -> dict[str, SweepOutcome]:
        """What became of every point of every sweep: a stage that failed takes the points that need it, no others.

        Raises RunError where nothing can go on: the disk is full, or the store can't be written."""
        _stop_if_nothing_can_go_on(ran)
        found: dict[str, SweepOutcome] = {}
        known = set(self._own)
        for name, points in self._planned.points.items():
            outcomes = tuple(_outcome(point, ran, self._cache) for point in points)
            hashes = {task.hash for task in self._tasks[name] if task.hash in ran.done}
            cached = sum(digest in known or ran.done[digest].cached for digest in hashes)
            known |= hashes
            self._log.write("sweep", name=name, points=len(points), failed=sum(bool(each.failure) for each in outcomes))
            found[name] = SweepOutcome(compiled.sweeps[name], outcomes, len(hashes) - cached, cached)
        for tracker in self._trackers:
            tracker.close()
        return found

    def member_outcomes(self, ran: Ran) -> tuple[MemberOutcome, ...]:
        """What became of the experiment with each other seed: as with points, one that fails fails alone."""
        found = []
        for planned in self._planned.members:
            sweeps = {
                name: SweepOutcome(planned.member.sweeps[name], tuple(_outcome(point, ran, self._cache) for point in points))
                for name, points in planned.sweeps.items()
            }
            own = _outcome(planned.own, ran, self._cache)
            self._log.write("seed", seed=planned.member.seed, failed=bool(own.failure))
            found.append(MemberOutcome(planned.member.seed, own, sweeps))
        return tuple(found)


def _outcome(planned: PlannedPoint, ran: Ran, cache: Cache) -> PointOutcome:
    results: dict[str, Any] = {}
    for task in planned.tasks:
        if task.hash in ran.failed:
            return PointOutcome({}, _words(ran.failed[task.hash]))
        if task.hash in ran.skipped:
            return PointOutcome({}, _words(ran.failed[ran.skipped[task.hash]]))
        results[task.stage.name] = cache.entry(task.hash).result["results"]
    return PointOutcome(results)


def _words(error: Exception) -> str:
    return error.message if isinstance(error, RunError) else defect_text(error)


def _stop_if_nothing_can_go_on(ran: Ran) -> None:
    for error in ran.failed.values():
        if isinstance(error, (OSError, OutputError)) or (isinstance(error, RunError) and isinstance(error.__cause__, OSError)):
            raise error
