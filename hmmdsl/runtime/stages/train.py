"""The train stage: a training run, its checkpoints as files of the entry."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.runtime.failures import RunError
from hmmdsl.runtime.results_file import plain

if TYPE_CHECKING:
    from hmmdsl.runtime.stages.shelf import Shelf
    from hmmdsl.runtime.stages.task import Task
    from hmmdsl.runtime.store.entry import Entry
    from hmmdsl.training.trained import Trained

Tell = Callable[[int, int, float, float | None], None]
"""Told of steps done, all steps, loss and gap in nats."""


def make(task: Task, folder: Path, shelf: Shelf, tell: Tell) -> dict[str, Any]:
    """Train in `folder`, which may hold a resume point of an interrupted attempt, or take the run from the batch that it is part
    of. Raises RunError if the loss diverges."""
    if task.stage.part is not None:
        from hmmdsl.runtime.stages.batch import take_run

        return take_run(task, folder, shelf)
    from hmmdsl.training.loop import Diverged, train_network

    name = task.stage.name
    train = task.experiment.trains[name]
    model = task.experiment.models[train.model]
    process = task.processes()[train.process]
    try:
        trained = train_network(
            name,
            train,
            model,
            process,
            folder,
            device=task.device,
            progress=tell,
            start_from=None if train.start_from is None else shelf.trained(task, train.start_from),
            discriminator=task.experiment.models[train.models()[1]] if len(train.models()) > 1 else None,
        )
    except Diverged as error:
        clear(folder, [int(path.stem[5:]) for path in folder.glob("step_*.safetensors")])  # going on there would diverge again
        raise diverged(name, error.step) from error
    clear(folder, trained.steps)
    place = shelf.store.entry_folder(task.hash)
    shelf.put_trained(task.hash, replace(trained, folder=place))
    return {
        "results": results_of(trained),
        "steps": list(trained.steps),
        "loss": trained.loss,
        "optimum": trained.optimum,
        "gap": trained.gap,
        "parameters": trained.parameters,
        "device": trained.device,
        "curve": [[point.step, point.loss, point.lr] for point in trained.curve],
    }


def diverged(name: str, step: int) -> RunError:
    """What is told of a run whose loss is not finite."""
    return RunError(
        f"the loss of {name} is not finite at step {step:,}",
        f"lower `{name}.optimizer.lr`, lengthen the warm-up, or limit the gradient with `{name}.clip = 1`",
    )


def results_of(trained: Trained) -> dict[str, Any]:
    """What results.json holds of a training run."""
    return {
        "loss": plain(trained.loss),
        "optimum": plain(trained.optimum),
        "gap": plain(trained.gap),
        "parameters": trained.parameters,
    }


def load(task: Task, name: str, entry: Entry) -> Trained:
    """The training run of an entry. Its history tree is built again, which takes less room than keeping it."""
    from hmmdsl.training.histories import histories_of
    from hmmdsl.training.trained import CurvePoint, Trained

    train = task.experiment.trains[name]
    model = task.experiment.models[train.model]
    process = task.processes()[train.process]
    found = entry.result
    return Trained(
        name=name,
        train=train,
        model=model,
        process=process,
        tree=histories_of(process, model.context, model.bos, train.histories, train.seed),
        folder=entry.folder,
        steps=tuple(found["steps"]),
        loss=found["loss"],
        optimum=found["optimum"],
        gap=found["gap"],
        parameters=found["parameters"],
        curve=tuple(CurvePoint(*point) for point in found["curve"]),
        device=found["device"],
    )


def clear(folder: Path, steps: Iterable[int]) -> None:
    """Remove what is no checkpoint: resume points, and what interrupted attempts left."""
    kept = {f"step_{step}.safetensors" for step in steps}
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in kept:
            path.unlink()
