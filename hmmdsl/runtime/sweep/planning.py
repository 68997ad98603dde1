"""The stages of every point. Points that share a stage share its hash, so that it is made once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hmmdsl.runtime.plan import Memory, plan_numbers
from hmmdsl.runtime.stages.task import Task, tasks_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hmmdsl.language.compiled import Compiled
    from hmmdsl.language.sweeps.compiled import CompiledSweep, Point


@dataclass(frozen=True)
class PlannedPoint:
    """A point with the tasks of its trains and analyses, in an order in which they can run."""

    point: Point
    tasks: tuple[Task, ...]

    @property
    def hashes(self) -> tuple[str, ...]:
        return tuple(task.hash for task in self.tasks)


PlannedSweeps = dict[str, tuple[PlannedPoint, ...]]
"""The points of each sweep, in order."""


def plan_sweeps(compiled: Compiled) -> PlannedSweeps:
    """Plan every point of every sweep. Records and processes that points share are hashed once."""
    memory = Memory()
    return {name: _planned(sweep, memory) for name, sweep in compiled.sweeps.items()}


def _planned(sweep: CompiledSweep, memory: Memory) -> tuple[PlannedPoint, ...]:
    made = []
    for point in sweep.points:
        plan = plan_numbers(point.experiment, memory)
        made.append(PlannedPoint(point, tasks_of(plan, point.experiment, point.processes, ("train", "analysis"))))
    return tuple(made)


def tasks_of_points(planned: Mapping[str, tuple[PlannedPoint, ...]]) -> list[Task]:
    """The tasks of all points of all sweeps."""
    return [task for points in planned.values() for point in points for task in point.tasks]


def hashes_of(planned: Mapping[str, tuple[PlannedPoint, ...]]) -> dict[str, list[list[str]]]:
    """By sweep, the hashes of each point's stages: what a report of them depends on."""
    return {name: [list(point.hashes) for point in points] for name, points in planned.items()}
