"""Running sweeps: all points' stages together, each made once; a point that fails fails alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hmmdsl.language.claims.measured import SweepResults
from hmmdsl.language.sweeps.compiled import CompiledSweep
from hmmdsl.runtime.engines.local import LocalEngine
from hmmdsl.runtime.execution import Ran, run_stages
from hmmdsl.runtime.failures import OutputError, RunError
from hmmdsl.runtime.sweep.tracking import Tracker

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.runtime.engines.engine import OpenEngine
    from hmmdsl.runtime.log import RunLog
    from hmmdsl.runtime.progress import Progress
    from hmmdsl.runtime.stages.shelf import Shelf
    from hmmdsl.runtime.sweep.planning import PlannedPoint, PlannedSweeps


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


def run_sweeps(
    compiled: Compiled,
    planned: PlannedSweeps,
    shelf: Shelf,
    progress: Progress,
    log: RunLog,
    force: bool = False,
    engine: OpenEngine | None = None,
) -> dict[str, SweepOutcome]:
    """Run every point of every sweep, as far as the store lacks it.

    A stage that fails takes the points that need it, no others. Raises RunError where nothing can go on: the disk is full, or the
    store can't be written.
    """
    found: dict[str, SweepOutcome] = {}
    for name, points in planned.points.items():
        tracker = Tracker(name, points, progress, log)
        inner: OpenEngine = engine or LocalEngine(shelf, tracker.quiet, log, force)
        inner.progress = tracker.quiet
        ran = run_stages(planned.tasks(name, shelf.store, force), tracker.watched(inner), keep_going=True)
        _stop_if_nothing_can_go_on(ran)
        outcomes = tuple(_outcome(point, ran, shelf) for point in points)
        done = ran.done.values()
        cached = sum(each.cached for each in done)
        log.write("sweep", name=name, points=len(points), failed=sum(bool(each.failure) for each in outcomes))
        tracker.close()
        found[name] = SweepOutcome(compiled.sweeps[name], outcomes, len(ran.done) - cached, cached)
    return found


def _outcome(planned: PlannedPoint, ran: Ran, shelf: Shelf) -> PointOutcome:
    results: dict[str, Any] = {}
    for task in planned.tasks:
        if task.hash in ran.failed:
            return PointOutcome({}, _words(ran.failed[task.hash]))
        if task.hash in ran.skipped:
            return PointOutcome({}, _words(ran.failed[ran.skipped[task.hash]]))
        results[task.stage.name] = shelf.entry(task.hash).result["results"]
    return PointOutcome(results)


def _words(error: Exception) -> str:
    if isinstance(error, RunError):
        return error.message
    return f"internal error: {type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _stop_if_nothing_can_go_on(ran: Ran) -> None:
    for error in ran.failed.values():
        if isinstance(error, (OSError, OutputError)) or (isinstance(error, RunError) and isinstance(error.__cause__, OSError)):
            raise error
