"""The stages of every point. Points that share a stage share its hash, so that it is made once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from hmmdsl.runtime.plan import Memory, Part, plan_numbers
from hmmdsl.runtime.stages.task import Task, tasks_of
from hmmdsl.runtime.sweep.batching import Decision, Fusion, decide

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.language.sweeps.compiled import CompiledSweep, Point
    from hmmdsl.runtime.store.store import Store


@dataclass(frozen=True)
class PlannedPoint:
    """A point with the tasks of its trains and analyses, in an order in which they can run."""

    point: Point
    tasks: tuple[Task, ...]

    @property
    def hashes(self) -> tuple[str, ...]:
        return tuple(task.hash for task in self.tasks)


Points = tuple[PlannedPoint, ...]


@dataclass(frozen=True)
class PlannedSweeps:
    """The points of each sweep, in order, and what was decided of training runs that could share a batch."""

    points: Mapping[str, Points] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()

    def tasks(self, sweep: str, store: Store | None, force: bool = False) -> list[Task]:
        """The tasks of a sweep's points, behind the batches that its training runs are parts of; a batch is left out if the store
        has all of these runs."""
        tasks = [task for point in self.points[sweep] for task in point.tasks]
        lacking = {
            task.stage.part.batch
            for task in tasks
            if task.stage.part is not None and (force or store is None or not store.has(task.hash))
        }
        batches = [batch.task for each in self.decisions for batch in each.batches if batch.task.hash in lacking]
        return [*batches, *tasks]

    def all_tasks(self, store: Store | None, force: bool = False) -> list[Task]:
        """Those of all sweeps."""
        return [task for sweep in self.points for task in self.tasks(sweep, store, force)]

    def hashes(self) -> dict[str, list[list[str]]]:
        """By sweep, the hashes of each point's stages: what a report of them depends on."""
        return {name: [list(point.hashes) for point in points] for name, points in self.points.items()}


def plan_sweeps(compiled: Compiled, fusion: Fusion | None = None) -> PlannedSweeps:
    """Plan every point of every sweep. Records and processes that points share are hashed once.

    Where runs are trained in batches, the points are planned again with the runs' places there. The experiment's own runs are in
    no batch: they are trained alone, for points too.
    """
    memory = Memory()
    alone = {name: _planned(sweep, memory, MappingProxyType({})) for name, sweep in compiled.sweeps.items()}
    decisions = _decisions(compiled, alone, memory, fusion or Fusion())
    parts = {hash: part for each in decisions for batch in each.batches for hash, part in batch.parts().items()}
    if not parts:
        return PlannedSweeps(alone, decisions)
    return PlannedSweeps({name: _planned(sweep, memory, parts) for name, sweep in compiled.sweeps.items()}, decisions)


def _decisions(compiled: Compiled, points: Mapping[str, Points], memory: Memory, fusion: Fusion) -> tuple[Decision, ...]:
    trains = {task.hash: task for of in points.values() for point in of for task in point.tasks if task.stage.kind == "train"}
    if len(trains) < 2:
        return ()
    own = {stage.hash for stage in plan_numbers(compiled.experiment, memory).of_kind("train")}
    return decide((task for hash, task in trains.items() if hash not in own), fusion)


def _planned(sweep: CompiledSweep, memory: Memory, parts: Mapping[str, Part]) -> Points:
    made = []
    for point in sweep.points:
        plan = plan_numbers(point.experiment, memory, parts)
        made.append(PlannedPoint(point, tasks_of(plan, point.experiment, point.processes, ("train", "analysis"))))
    return tuple(made)
