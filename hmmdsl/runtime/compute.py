"""The stages of one run, made or taken from the store, and what they found together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hmmdsl.runtime.engines.opening import open_engine
from hmmdsl.runtime.environment import check_instructions
from hmmdsl.runtime.estimate import check_room
from hmmdsl.runtime.execution import run_stages
from hmmdsl.runtime.progress import OfStages
from hmmdsl.runtime.stage import COMPUTED, Found, Makes, RunContext, Task, tasks_of
from hmmdsl.runtime.sweep.planning import PlannedSweeps
from hmmdsl.runtime.sweep.running import MemberOutcome, SweepOutcome, SweepsRun

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.runtime.stage import Plan
    from hmmdsl.runtime.store.entry import Entry


@dataclass(kw_only=True)
class Computed(Found):
    """What a run's stages have made; `seconds` are wall-clock times by stage id, 0 for those `cached`. `sweeps` is what became
    of the points, `members` what became of the experiment with other seeds."""

    context: RunContext
    tasks: Mapping[str, Task]
    seconds: dict[str, float] = field(default_factory=dict)
    cached: set[str] = field(default_factory=set)
    sweeps: Mapping[str, SweepOutcome] = field(default_factory=dict)
    members: tuple[MemberOutcome, ...] = ()

    def entry(self, stage_id: str) -> Entry:
        """What a stage left in the store."""
        return self.context.cache.entry(self.tasks[stage_id].hash)

    def measured(self) -> list[Entry]:
        """What the stages left whose numbers are those of networks."""
        return [self.entry(stage_id) for stage_id, task in self.tasks.items() if task.stage.kind.makes == "measurements"]

    def kernels(self) -> str:
        """The instructions of the processor that made the numbers, all that any train or analysis used."""
        return ", ".join(dict.fromkeys(each for entry in self.measured() for each in entry.kernels.split(", ") if each))

    def devices(self) -> dict[str, str]:
        """Where each training run was made."""
        return {name: training.device for name, training in self.trainings.items()}


def compute(
    compiled: Compiled,
    plan: Plan,
    context: RunContext,
    planned: PlannedSweeps | None = None,
    makes: Collection[Makes] = COMPUTED,
) -> Computed:
    """Describe the processes, train, analyse, and draw, and run every point of the `planned` sweeps and every other seed, as far
    as the store lacks it (or all of it, if that is asked for).

    Raises OutputError before anything is run if the machine is too small or the engine is not to be had, RunError if a loss is
    not finite (but for a point's, which fails alone) or a limit of the machine is met.
    """
    tasks, planned = tasks_of(plan, compiled.experiment, compiled.processes, makes), planned or PlannedSweeps()
    own = frozenset(task.hash for task in tasks)
    every = [*tasks, *planned.all_tasks(context.store, context.asked.force)]
    if not context.asked.large:
        check_room(every, context.store, context.asked.force, here=context.asked.choice.name == "local")
    if context.asked.choice.name == "local" and any(context.asked.force or not context.store.has(task.hash) for task in every):
        check_instructions()
    engine = open_engine(every, replace(context, progress=OfStages(context.progress, {stage.hash for stage in plan.stages})))
    try:
        context.progress.begin(plan)
        sweeps = SweepsRun(planned, own, context)
        ran = run_stages([*tasks, *sweeps.tasks], engine, own, sweeps.finished)
    finally:
        engine.close()
    computed = Computed(
        context=context,
        tasks={task.stage.id: task for task in tasks},
        sweeps=sweeps.outcomes(compiled, ran),
        members=sweeps.member_outcomes(ran),
    )
    for task in tasks:
        task.stage.kind.collect(computed, task, context.cache.entry(task.hash))
        done = ran.done[task.hash]
        computed.seconds[task.stage.id] = done.seconds
        if done.cached:
            computed.cached.add(task.stage.id)
    return computed
