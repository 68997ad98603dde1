"""The stages of one run, made or taken from the store, and what they found together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hmmdsl.runtime.engines.local import LocalEngine
from hmmdsl.runtime.execution import run_stages
from hmmdsl.runtime.progress import OfStages
from hmmdsl.runtime.stages.shelf import Shelf
from hmmdsl.runtime.stages.task import COMPUTED, tasks_of
from hmmdsl.runtime.sweep.planning import PlannedSweeps
from hmmdsl.runtime.sweep.running import MemberOutcome, SweepOutcome, SweepsRun

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hmmdsl.language.compiled import Compiled
    from hmmdsl.runtime.engines.engine import Engine
    from hmmdsl.runtime.log import RunLog
    from hmmdsl.runtime.plan import Plan, StageKind
    from hmmdsl.runtime.progress import Progress
    from hmmdsl.runtime.stages.task import Task
    from hmmdsl.runtime.store.entry import Entry
    from hmmdsl.runtime.store.store import Store


@dataclass(frozen=True)
class Computed:
    """What a run's stages have made. `results` is nested as results.json, `facts` says by analysis how it was computed,
    `portraits` what each process is; `seconds` are wall-clock times by stage id, 0 for those `cached`. `sweeps` is what became
    of the points, `members` what became of the experiment with other seeds."""

    shelf: Shelf
    tasks: Mapping[str, Task]
    results: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    portraits: dict[str, Any] = field(default_factory=dict)
    devices: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    cached: set[str] = field(default_factory=set)
    sweeps: dict[str, SweepOutcome] = field(default_factory=dict)
    members: tuple[MemberOutcome, ...] = ()

    def entry(self, id: str) -> Entry:
        """What a stage left in the store."""
        return self.shelf.entry(self.tasks[id].hash)

    def kernels(self) -> str:
        """The instructions of the processor that made the numbers, all that any train or analysis used."""
        used = [self.entry(id).kernels for id in self.tasks if id.startswith(("train ", "analysis "))]
        return ", ".join(dict.fromkeys(each for text in used for each in text.split(", ") if each))


def compute(
    compiled: Compiled,
    plan: Plan,
    store: Store,
    progress: Progress,
    log: RunLog,
    force: bool = False,
    kinds: Iterable[StageKind] = COMPUTED,
    engine: Engine | None = None,
    planned: PlannedSweeps | None = None,
) -> Computed:
    """Describe the processes, train, analyse, and draw, and run every point of the `planned` sweeps and every other seed, as far
    as the store lacks it (or all of it, if `force`).

    Raises RunError if a loss is not finite (but for a point's, which fails alone) or a limit of the machine is met.
    """
    shelf = Shelf(store)
    tasks = tasks_of(plan, compiled.experiment, compiled.processes, kinds)
    own = frozenset(task.hash for task in tasks)
    sweeps = SweepsRun(planned or PlannedSweeps(), own, shelf, progress, force)
    inner = engine or LocalEngine(shelf, OfStages(progress, own), log, force)
    ran = run_stages([*tasks, *sweeps.tasks], inner, own, sweeps.finished)
    computed = Computed(
        shelf,
        {task.stage.id: task for task in tasks},
        sweeps=sweeps.outcomes(compiled, ran, log),
        members=sweeps.member_outcomes(ran, log),
    )
    for task in tasks:
        _collect(computed, task)
        done = ran.done[task.hash]
        computed.seconds[task.stage.id] = done.seconds
        if done.cached:
            computed.cached.add(task.stage.id)
    return computed


def _collect(computed: Computed, task: Task) -> None:
    """Put what a stage found under its name."""
    name, found = task.stage.name, computed.shelf.entry(task.hash).result
    if task.stage.kind == "process":
        from hmmdsl.runtime.stages.process import load

        computed.portraits[name] = load(computed.shelf.entry(task.hash), task.experiment.processes[name].name)
    elif task.stage.kind == "train":
        computed.results[name] = found["results"]
        computed.devices[name] = found["device"]
    elif task.stage.kind == "analysis":
        computed.results[name] = found["results"]
        computed.facts[name] = found["facts"]
