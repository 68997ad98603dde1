"""The batch stage: training runs of a sweep that differ only in seed, learning rate or process, trained as one.

Its entry holds the checkpoints of all runs, each weight with the run as its first index; the train stage of each run takes its
own from there. No plan has it: `sweep.batching` decides which runs share one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hmmdsl.process.process import Process
from hmmdsl.runtime.estimate import train_disk, training
from hmmdsl.runtime.identity.contents import content_hash, process_content
from hmmdsl.runtime.identity.source_code import source_hash
from hmmdsl.runtime.results_file import plain
from hmmdsl.runtime.stage import Estimate, RunContext, Stage, StageId, StageKind, Task, identity
from hmmdsl.runtime.stages.train import clear
from hmmdsl.schema.checkpoints import checkpoint_steps


class BatchStage(StageKind):
    """Runs that are trained as one."""

    name = "batch"
    order = 2
    packages = ("numpy", "torch")
    trains = True

    def estimate(self, task: Task) -> Estimate:
        return training(task, next(iter(task.experiment.trains)), len(task.experiment.trains))

    def disk(self, task: Task) -> int:
        return sum(train_disk(task, name, True) for name in task.experiment.trains)

    def make(self, task: Task, folder: Path, context: RunContext) -> dict[str, Any]:
        """Train all runs in `folder`, which may hold a resume point of an interrupted attempt."""
        from hmmdsl.training.fused.loop import train_fused
        from hmmdsl.training.loop import Member

        def tell(step: int, steps: int, loss: float, gap: float | None) -> None:
            context.log.write("step", batch=task.stage.name, runs=len(members), step=step, loss=plain(loss))
            context.progress.step(task.stage, step, steps, loss, gap)

        trains, processes = list(task.experiment.trains.values()), task.processes()
        members = [Member(train, processes[train.process]) for train in trains]
        name = f"{task.stage.name} ({len(members)} runs)"
        runs = train_fused(name, members, task.experiment.models[trains[0].model], folder, task.device, tell)
        steps = checkpoint_steps(trains[0])
        clear(folder, steps)
        return {"steps": list(steps), "runs": [{"diverged": run} if isinstance(run, int) else run.as_json() for run in runs]}


KIND = BatchStage()


def batch_task(runs: Sequence[Task]) -> Task:
    """The task that trains these runs as one."""
    first = runs[0]
    name = first.stage.name
    tables: dict[str, Any] = {}
    trains = {}
    by_content: dict[str, str] = {}
    known: dict[str, Process] = {}
    for place, run in enumerate(runs):
        train = run.experiment.trains[run.stage.name]
        table = run.experiment.processes[train.process]
        called = by_content.setdefault(content_hash(process_content(table)), f"process_{len(by_content)}")
        if called not in tables:
            tables[called] = table
            known[called] = run.processes()[train.process]
        trains[f"run_{place}"] = train.model_copy(update={"process": called, "model": "net"})
    model = first.experiment.models[first.experiment.trains[name].model]
    digest = identity(KIND, [run.hash for run in runs], source_hash(("hmmdsl.training.fused.loop", type(model).home())))
    held: Mapping[str, Any] = {"processes": tables, "models": {"net": model}, "trains": trains, "analyses": {}, "sweeps": {}}
    experiment = first.experiment.model_copy(update=held)
    return Task(Stage(StageId(KIND, name), (), digest), experiment, (), {}, first.threads, first.device, known)
