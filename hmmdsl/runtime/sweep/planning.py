"""The stages of every point, and of the experiment with each other seed. Equal stages have equal hashes, and are made once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from hmmdsl.language.replication import Member, member
from hmmdsl.language.sweeps.compiled import Point
from hmmdsl.runtime.asked import Fusion
from hmmdsl.runtime.plan import plan_numbers
from hmmdsl.runtime.stage import MEASURED, Memory, Part, Task, tasks_of
from hmmdsl.runtime.sweep.batching import Decision, decide

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.language.sweeps.compiled import CompiledSweep
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
class PlannedMember:
    """The experiment with another seed: its own trains and analyses, and the points of those of its sweeps that it repeats."""

    member: Member
    own: PlannedPoint
    sweeps: Mapping[str, Points] = field(default_factory=dict)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Those of all."""
        return (*self.own.tasks, *(task for points in self.sweeps.values() for point in points for task in point.tasks))

    @property
    def hashes(self) -> tuple[str, ...]:
        return tuple(task.hash for task in self.tasks)


@dataclass(frozen=True)
class PlannedSweeps:
    """The points of each sweep, in order, the experiment with each seed but its own (`members`), and what was decided of training
    runs that could share a batch."""

    points: Mapping[str, Points] = field(default_factory=dict)
    members: tuple[PlannedMember, ...] = ()
    decisions: tuple[Decision, ...] = ()

    def tasks(self, sweep: str, store: Store | None, force: bool = False) -> list[Task]:
        """The tasks of a sweep's points, behind the batches that its training runs are parts of; a batch is left out if the store
        has all of these runs."""
        return self._with_batches((task for point in self.points[sweep] for task in point.tasks), store, force)

    def member_tasks(self, store: Store | None, force: bool = False) -> list[Task]:
        """The same of the experiment with other seeds."""
        return self._with_batches((task for member in self.members for task in member.tasks), store, force)

    def _with_batches(self, of: Iterable[Task], store: Store | None, force: bool) -> list[Task]:
        tasks = list(of)
        lacking = {
            task.stage.part.batch
            for task in tasks
            if task.stage.part is not None and (force or store is None or not store.has(task.hash))
        }
        batches = [batch.task for each in self.decisions for batch in each.batches if batch.task.hash in lacking]
        return [*batches, *tasks]

    def all_tasks(self, store: Store | None, force: bool = False) -> list[Task]:
        """Those of all sweeps and all other seeds."""
        swept = [task for sweep in self.points for task in self.tasks(sweep, store, force)]
        return [*swept, *self.member_tasks(store, force)]

    def hashes(self) -> dict[str, list[list[str]]]:
        """By sweep, the hashes of each point's stages: what a report of them depends on."""
        return {name: [list(point.hashes) for point in points] for name, points in self.points.items()}

    def member_hashes(self) -> dict[int, list[str]]:
        """By seed, the hashes of the stages of the experiment with other seeds."""
        return {planned.member.seed: list(planned.hashes) for planned in self.members}


def plan_sweeps(compiled: Compiled, fusion: Fusion | None = None) -> PlannedSweeps:
    """Plan every point of every sweep, and the experiment with every other seed that it is to be run with. Records and processes
    that they share are hashed once.

    Where runs are trained in batches, the points are planned again with the runs' places there. The experiment's own runs are in
    no batch: they are trained alone, for points too.
    """
    memory = Memory()
    replicate = compiled.experiment.replicate
    seeds = [seed for seed in replicate.seeds if seed] if replicate is not None else []
    members = [member(compiled.experiment, compiled.sweeps, seed) for seed in seeds]
    alone = _planned_all(compiled, members, memory, MappingProxyType({}))
    decisions = _decisions(compiled, alone, memory, fusion or Fusion())
    parts = {digest: part for each in decisions for batch in each.batches for digest, part in batch.parts().items()}
    planned = _planned_all(compiled, members, memory, parts) if parts else alone
    return replace(planned, decisions=decisions)


def _planned_all(compiled: Compiled, members: Iterable[Member], memory: Memory, parts: Mapping[str, Part]) -> PlannedSweeps:
    planned = []
    for each in members:
        own = _planned_point(Point((), each.experiment, compiled.processes), memory, parts)
        planned.append(PlannedMember(each, own, {name: _planned(sweep, memory, parts) for name, sweep in each.sweeps.items()}))
    return PlannedSweeps({name: _planned(sweep, memory, parts) for name, sweep in compiled.sweeps.items()}, tuple(planned))


def _decisions(compiled: Compiled, planned: PlannedSweeps, memory: Memory, fusion: Fusion) -> tuple[Decision, ...]:
    trains = {task.hash: task for task in planned.all_tasks(None) if task.stage.trains}
    if len(trains) < 2:
        return ()
    own = {stage.hash for stage in plan_numbers(compiled.experiment, memory).stages}
    return decide((task for digest, task in trains.items() if digest not in own), fusion)


def _planned(sweep: CompiledSweep, memory: Memory, parts: Mapping[str, Part]) -> Points:
    return tuple(_planned_point(point, memory, parts) for point in sweep.points)


def _planned_point(point: Point, memory: Memory, parts: Mapping[str, Part]) -> PlannedPoint:
    plan = plan_numbers(point.experiment, memory, parts)
    return PlannedPoint(point, tasks_of(plan, point.experiment, point.processes, MEASURED))
