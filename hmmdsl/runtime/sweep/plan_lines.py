"""What a plan tells of sweeps and other seeds: how many stages, how many of them are stored, how long the rest will take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hmmdsl.runtime.estimate import estimate
from hmmdsl.runtime.progress import duration

if TYPE_CHECKING:
    from hmmdsl.runtime.stage import Task
    from hmmdsl.runtime.store.store import Store
    from hmmdsl.runtime.sweep.planning import PlannedSweeps


@dataclass(frozen=True)
class PlannedSweep:
    """One sweep, or the experiment with its other seeds (`name` None): distinct stages of all points, those in the store, and the
    seconds that the others are thought to take."""

    name: str | None
    points: int
    stages: int
    stored: int
    seconds: float

    def line(self) -> str:
        """`sweep capacity: 9 points, 18 stages, 2 stored; the rest will take about 40 s`."""
        of = f"sweep {self.name}: {self.points:,} points" if self.name is not None else f"replicate: {self.points:,} more seeds"
        told = f"{of}, {self.stages:,} stages, {self.stored:,} stored"
        return told if self.stored == self.stages else f"{told}; the rest will take about {duration(self.seconds)}"

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            **({"name": self.name} if self.name is not None else {}),
            "points" if self.name is not None else "seeds": self.points,
            "stages": self.stages,
            "cached": self.stored,
            "seconds": round(self.seconds, 3),
        }


def planned_sweeps(sweeps: PlannedSweeps, store: Store | None) -> list[PlannedSweep]:
    """Each sweep beside what the store has of it."""
    return [_planned(name, len(points), sweeps.tasks(name, store), store) for name, points in sweeps.points.items()]


def planned_seeds(sweeps: PlannedSweeps, store: Store | None) -> PlannedSweep | None:
    """The experiment with its other seeds beside what the store has of it; None where there are none."""
    return _planned(None, len(sweeps.members), sweeps.member_tasks(store), store) if sweeps.members else None


def _planned(name: str | None, points: int, of: Iterable[Task], store: Store | None) -> PlannedSweep:
    tasks = {task.hash: task for task in of}
    left = [task for hash, task in tasks.items() if store is None or not store.has(hash)]
    estimates = [needed for task in left if (needed := estimate(task)) is not None]
    return PlannedSweep(name, points, len(tasks), len(tasks) - len(left), sum(needed.seconds for needed in estimates))
