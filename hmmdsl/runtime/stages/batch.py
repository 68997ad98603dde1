"""The batch stage: training runs of a sweep that differ only in seed, learning rate or process, trained as one.

Its entry holds the checkpoints of all runs, each weight with the run as its first index; the train stage of each run takes its
own from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.runtime.results_file import plain

if TYPE_CHECKING:
    from hmmdsl.runtime.stages.shelf import Shelf
    from hmmdsl.runtime.stages.task import Task
    from hmmdsl.runtime.stages.train import Tell


def make(task: Task, folder: Path, tell: Tell) -> dict[str, Any]:
    """Train all runs in `folder`, which may hold a resume point of an interrupted attempt."""
    from hmmdsl.runtime.stages.train import clear
    from hmmdsl.spec.checkpoints import checkpoint_steps
    from hmmdsl.training.fused.gradient import Member
    from hmmdsl.training.fused.loop import train_fused

    trains, processes = list(task.experiment.trains.values()), task.processes()
    members = [Member(train, processes[train.process]) for train in trains]
    name = f"{task.stage.name} ({len(members)} runs)"
    runs = train_fused(name, members, task.experiment.models[trains[0].model], folder, task.device, tell)
    steps = checkpoint_steps(trains[0])
    clear(folder, steps)
    return {
        "steps": list(steps),
        "runs": [
            {
                "loss": plain(run.loss),
                "optimum": plain(run.optimum),
                "gap": plain(run.gap),
                "parameters": run.parameters,
                "device": run.device,
                "curve": [[point.step, plain(point.loss), point.lr] for point in run.curve],
                "diverged": run.diverged,
            }
            for run in runs
        ],
    }


def take_run(task: Task, folder: Path, shelf: Shelf) -> dict[str, Any]:
    """What a train stage keeps of its run, its checkpoints as those of a run alone. Raises RunError if the run diverged."""
    from safetensors import safe_open

    from hmmdsl.runtime.stages.train import diverged
    from hmmdsl.training.weights import checkpoint_path, save_weights

    part = task.stage.part
    assert part is not None
    batch = shelf.entry(part.batch)
    run = batch.result["runs"][part.place]
    if run["diverged"] is not None:
        raise diverged(task.stage.name, run["diverged"])
    for step in batch.result["steps"]:
        with safe_open(checkpoint_path(batch.folder, step), framework="pt") as file:
            names = list(file.keys())
            save_weights({name: file.get_slice(name)[part.place] for name in names}, folder, step)
    return {
        "results": {name: run[name] for name in ("loss", "optimum", "gap", "parameters")},
        "steps": batch.result["steps"],
        **{name: run[name] for name in ("loss", "optimum", "gap", "parameters", "device", "curve")},
    }
