"""How long a stage will take and how much memory, roughly, from shapes alone, and whether the machine has it: known before
anything runs.

A training step costs 6 floating-point operations for each parameter and position (2 forward, 4 backward; Kaplan et al. 2020,
arXiv:2001.08361, §2.1), and a fixed time for calling the operations of each layer. Rates are those of one thread of a common
server processor; expect a factor of three either way where it is a second or more. What an analysis computes is counted out in
`analysis/work.py`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hmmdsl.language.records.fits import bytes_text, machine_memory
from hmmdsl.process.counting import count_histories
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.stage import LIBRARIES, Estimate, Task
from hmmdsl.schema.base import AUTO_HISTORY_LIMIT, Exact, Histories, SampledHistories
from hmmdsl.schema.checkpoints import checkpoint_count
from hmmdsl.schema.memory import tree_training_bytes
from hmmdsl.schema.train import ExactData

if TYPE_CHECKING:
    from hmmdsl.process.process import Process
    from hmmdsl.runtime.store.store import Store
    from hmmdsl.schema.models.base import Model

RATE = 1.3e11
"""Floating-point operations a second of one thread, in float32, in products of matrices."""

SECONDS_A_POINT = 2.5e-4
"""What calling the operations between two points of a network takes in one training step, forward and backward."""

SECONDS_A_FLOAT = 1e-9
"""What a training step takes for each number that it keeps of the network's activations, besides products."""

FUSED_CALLS = 3.0
"""How much longer calling the operations of a batch of runs takes than of a run alone."""

LOADING = 2.0
"""Seconds that loading torch takes, which are in the estimate of every training run."""

OFF_BY = 3
"""Estimates are off by less than this factor, either way."""

_INSIST = "; `--allow-large` runs it all the same"

_HEADER = 1024
"""Bytes of a checkpoint's file besides its numbers, or a little more."""


def estimate(task: Task) -> Estimate:
    """What a stage will need."""
    return replace(task.stage.kind.estimate(task), disk=disk_bytes(task))


def memory_bytes(task: Task) -> int:
    """Peak bytes of memory of a stage that trains or analyses."""
    return task.stage.kind.estimate(task).bytes if task.stage.kind.makes == "measurements" else 0


def disk_bytes(task: Task) -> int:
    """Bytes that a stage keeps: what a run writes besides is small."""
    return task.stage.kind.disk(task)


def train_disk(task: Task, name: str, trains: bool) -> int:
    """Bytes of the checkpoints of a training run, and of the two resume points that it has while it `trains`."""
    train = task.experiment.trains[name]
    tokens = len(task.processes()[train.process].tokens)
    weights = 4 * sum(task.experiment.models[model].parameters(tokens) for model in train.models())
    return checkpoint_count(train) * (weights + _HEADER) + (2 * 3 * weights if trains else 0)


def training(task: Task, name: str, runs: int = 1) -> Estimate:
    """What so many runs like the train of that name take, one alone or several as one batch."""
    train = task.experiment.trains[name]
    model, process = task.experiment.models[train.model], task.processes()[train.process]
    tokens = len(process.tokens)
    if isinstance(train.data, ExactData):
        rows = count_histories(process, model.context, bos=model.bos).total
        memory = tree_training_bytes(rows, model, 0 if process.factored else len(process.states), tokens)
    else:
        rows = train.data.batch * model.positions_read
        memory = rows * 4 * model.activation_floats()
    # A step calls operations, which a batch does once for all of its runs, and computes.
    called = len(model.points()) * SECONDS_A_POINT * (FUSED_CALLS if runs > 1 else 1.0)
    computed = 6 * model.parameters(tokens) * rows / RATE + rows * model.activation_floats() * SECONDS_A_FLOAT
    # A doubling of the threads brings about half as much again at these sizes.
    seconds = LOADING + train.steps * (called + runs * computed / float(train.threads**0.6))
    return Estimate(seconds, LIBRARIES + runs * (memory + 16 * model.parameters(tokens)))


def nodes_read(process: Process, model: Model, histories: Histories) -> tuple[int, bool]:
    """Histories that are read, or at most that many where they are drawn; and whether they are."""
    counts = count_histories(process, model.context, bos=model.bos)
    words = histories.words if isinstance(histories, SampledHistories) else SampledHistories().words
    if isinstance(histories, Exact) or (not isinstance(histories, SampledHistories) and counts.total <= AUTO_HISTORY_LIMIT):
        return counts.total, False
    return sum(min(words, each) for each in counts), True


def check_room(tasks: Iterable[Task], store: Store, force: bool, here: bool) -> None:
    """Raise OutputError where a stage that the store lacks needs more memory than this machine has, by more than estimates are
    off, or where all that they keep is more than the disk has free. `here`: they are made on this machine; elsewhere its memory
    says nothing, and the store's disk does."""
    missing = {task.hash: task for task in tasks if force or not store.has(task.hash)}
    memory, keeps = machine_memory(), 0
    largest: tuple[int, str] = (0, "")
    for task in missing.values():
        disk = disk_bytes(task)
        keeps += disk
        largest = max(largest, (disk, task.stage.id))
        needs = memory_bytes(task) if here and task.device not in ("cuda", "mps") else 0
        if needs > memory * OFF_BY:
            raise OutputError(
                f"{task.stage.id} needs about {bytes_text(needs)} of memory, and this machine has {bytes_text(memory)}: "
                f"{_smaller(task)}{_INSIST}"
            )
    free = shutil.disk_usage(_there(store.folder)).free
    if keeps > free:
        room = "give another `--store`" if store.persistent else "choose a disk with more room"
        raise OutputError(
            f"this run keeps {bytes_text(keeps)}, most of it in {largest[1]}, and the disk of {store.folder} has "
            f"{bytes_text(free)} free: write `checkpoints = log_spaced {{ count = 12 }}`, or {room}{_INSIST}"
        )


def _smaller(task: Task) -> str:
    """What to write so that a stage needs less."""
    if task.stage.trains:
        drawn = next(iter(task.experiment.trains.values())).data.kind == "sampled"
        return "make the `batch` smaller, or the network" if drawn else "write `data = sampled { batch = 64 }`"
    return "write `histories = sampled { words = 10_000 }`"


def _there(folder: Path) -> Path:
    """The folder, or the nearest above it that there is."""
    return next((each for each in (folder, *folder.absolute().parents) if os.path.isdir(each)), Path.cwd())
