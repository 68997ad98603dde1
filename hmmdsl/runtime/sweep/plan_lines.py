"""What a plan tells of sweeps: how many points and stages, how many of them are stored, how long the rest will take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hmmdsl.runtime.estimate import estimate
from hmmdsl.runtime.progress import duration

if TYPE_CHECKING:
    from hmmdsl.runtime.store.store import Store
    from hmmdsl.runtime.sweep.planning import PlannedSweeps


@dataclass(frozen=True)
class PlannedSweep:
    """One sweep: distinct stages of all its points, those in the store, and the seconds that the others are thought to take."""

    name: str
    points: int
    stages: int
    stored: int
    seconds: float

    def line(self) -> str:
        """`sweep capacity: 9 points, 18 stages, 2 stored; the rest will take about 40 s`."""
        told = f"sweep {self.name}: {self.points:,} points, {self.stages:,} stages, {self.stored:,} stored"
        return told if self.stored == self.stages else f"{told}; the rest will take about {duration(self.seconds)}"

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "points": self.points,
            "stages": self.stages,
            "cached": self.stored,
            "seconds": round(self.seconds, 3),
        }


def planned_sweeps(sweeps: PlannedSweeps, store: Store | None) -> list[PlannedSweep]:
    """Each sweep beside what the store has of it."""
    found = []
    for name, points in sweeps.points.items():
        tasks = {task.hash: task for task in sweeps.tasks(name, store)}
        left = [task for hash, task in tasks.items() if store is None or not store.has(hash)]
        estimates = [needed for task in left if (needed := estimate(task)) is not None]
        seconds = sum(needed.seconds for needed in estimates)
        found.append(PlannedSweep(name, len(points), len(tasks), len(tasks) - len(left), seconds))
    return found
