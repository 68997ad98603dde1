"""Whether a run fits the machine: the memory of every stage and the disk of all, told before anything is run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from hmmdsl.language.records.fits import bytes_text, machine_memory
from hmmdsl.runtime.estimate import OFF_BY, disk_bytes, memory_bytes
from hmmdsl.runtime.failures import OutputError

if TYPE_CHECKING:
    from hmmdsl.runtime.stage import Task
    from hmmdsl.runtime.store.store import Store

_INSIST = "; `--allow-large` runs it all the same"


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
