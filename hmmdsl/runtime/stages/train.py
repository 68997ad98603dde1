"""The train stage: a training run, its checkpoints as files of the entry."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.files.writing import link_file
from hmmdsl.runtime.estimate import train_disk, training
from hmmdsl.runtime.failures import RunError
from hmmdsl.runtime.identity.contents import nameless
from hmmdsl.runtime.identity.device import device_type
from hmmdsl.runtime.results_file import plain
from hmmdsl.runtime.stage import LIBRARIES, Drawing, Estimate, Found, Part, RunContext, StageId, StageKind, Task, plain_record
from hmmdsl.training.trained import TrainingResult, trained_of

if TYPE_CHECKING:
    from hmmdsl.runtime.stage import Cache
    from hmmdsl.runtime.store.entry import Entry
    from hmmdsl.schema.experiment import Experiment
    from hmmdsl.training.trained import Trained, TrainingResult

_PART_SECONDS = 0.02


class TrainStage(StageKind):
    """Each training run, made here or taken from the batch that it is part of."""

    name = "train"
    order = 1
    packages = ("numpy", "torch")
    room = "trains"
    trains = True

    def plan(self, drawing: Drawing) -> None:
        for name, train in drawing.experiment.in_order():
            content = nameless(train, drawing.resolve) | {"device": device_type(train.device)}
            starts = () if train.start_from is None else (StageId(self, train.start_from),)
            needs = (StageId.of("process", train.process), *starts)
            homes = [type(drawing.experiment.models[model]).home() for model in train.models()]
            drawing.add(StageId(self, name), needs, content, ("hmmdsl.training.loop", *homes))

    def pictured(self, experiment: Experiment, name: str) -> tuple[dict[str, Any], tuple[str, ...]]:
        processes = {name: table.name for name, table in experiment.processes.items()}
        return {"record": plain_record(experiment.trains[name]), "processes": processes}, ()

    def device(self, experiment: Experiment, name: str) -> str:
        return device_type(experiment.trains[name].device)

    def estimate(self, task: Task) -> Estimate:
        return training(task, task.stage.name) if task.stage.part is None else Estimate(_PART_SECONDS, LIBRARIES)

    def disk(self, task: Task) -> int:
        return train_disk(task, task.stage.name, task.stage.trains)

    def make(self, task: Task, folder: Path, context: RunContext) -> dict[str, Any]:
        """Train in `folder`, which may hold a resume point of an interrupted attempt, or take the run from the batch that it is
        part of. Raises RunError if the loss diverges."""
        if task.stage.part is not None:
            return _taken(task, task.stage.part, folder, context.cache)
        from hmmdsl.training.loop import Diverged, train_network

        name = task.stage.name
        train = task.experiment.trains[name]

        def tell(step: int, steps: int, loss: float, gap: float | None) -> None:
            context.log.write("step", train=name, step=step, loss=plain(loss), gap=plain(gap))
            context.progress.step(task.stage, step, steps, loss, gap)

        try:
            trained = train_network(
                name,
                train,
                task.experiment.models[train.model],
                task.processes()[train.process],
                folder,
                device=task.device,
                progress=tell,
                start_from=None if train.start_from is None else context.cache.trained(task, train.start_from),
                discriminator=task.experiment.models[train.models()[1]] if len(train.models()) > 1 else None,
            )
        except Diverged as error:
            # Checkpoints stay for people to look at; resume points don't: going on there would diverge again.
            clear(folder, [int(path.stem[5:]) for path in folder.glob("step_*.safetensors")])
            raise diverged(name, error.step) from error
        clear(folder, trained.steps)
        there = context.store.entry_folder(task.hash)
        context.cache.keep(self.name, task.hash, replace(trained, folder=there))  # its tree is at hand
        return _kept(trained.steps, trained)

    def load(self, task: Task, name: str, entry: Entry) -> Trained:
        """The training run of an entry."""
        train = task.experiment.trains[name]
        model, process = task.experiment.models[train.model], task.processes()[train.process]
        found = entry.result
        return trained_of(name, train, model, process, entry.folder, found["steps"], TrainingResult.from_json(found))

    def shown(self, task: Task, name: str, cache: Cache) -> dict[str, Any]:
        return {"trained": {name: cache.trained(task, name)}}

    def collect(self, found: Found, task: Task, entry: Entry) -> None:
        found.results[task.stage.name] = entry.result["results"]
        found.trainings[task.stage.name] = TrainingResult.from_json(entry.result)

    def publish(self, name: str, made: Path, folder: Path) -> None:
        """Checkpoints are the store's own files, which takes no room; they are read-only, and the store would notice a change by
        its checksum."""
        place = folder / "checkpoints" / name
        place.mkdir(parents=True, exist_ok=True)
        for path in sorted(made.glob("step_*.safetensors")):
            with contextlib.suppress(FileNotFoundError):  # another process may have published the work folder meanwhile
                link_file(path, place / path.name)


def _kept(steps: Iterable[int], result: TrainingResult) -> dict[str, Any]:
    """What an entry holds of a run."""
    return {"results": result.results(), "steps": list(steps), **result.as_json()}


def _taken(task: Task, part: Part, folder: Path, cache: Cache) -> dict[str, Any]:
    """A run from its batch, its checkpoints as those of a run alone. Raises RunError if it diverged."""
    from safetensors import safe_open

    from hmmdsl.training.weights import checkpoint_path, save_weights

    batch = cache.entry(part.batch)
    run = batch.result["runs"][part.place]
    if "diverged" in run:
        raise diverged(task.stage.name, run["diverged"])
    for step in batch.result["steps"]:
        with safe_open(checkpoint_path(batch.folder, step), framework="pt") as file:
            names = list(file.keys())
            save_weights({name: file.get_slice(name)[part.place] for name in names}, folder, step)
    return _kept(batch.result["steps"], TrainingResult.from_json(run))


def diverged(name: str, step: int) -> RunError:
    """What is told of a run whose loss is not finite."""
    return RunError(
        f"the loss of {name} is not finite at step {step:,}",
        f"lower `{name}.optimizer.lr`, lengthen the warm-up, or limit the gradient with `{name}.clip = 1`",
    )


def clear(folder: Path, steps: Iterable[int]) -> None:
    """Remove what is no checkpoint: resume points, and what interrupted attempts left."""
    kept = {f"step_{step}.safetensors" for step in steps}
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in kept:
            path.unlink()


KIND = TrainStage()
