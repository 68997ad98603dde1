"""How many workers a run gets on this machine: several side by side are chosen where they pay."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hmmdsl.runtime.engines.cores import available_cores
from hmmdsl.runtime.estimate import LOADING, estimate
from hmmdsl.runtime.progress import duration

if TYPE_CHECKING:
    from hmmdsl.runtime.stage import Task
    from hmmdsl.runtime.store.store import Store

START = 4.0
"""Seconds in which a worker loads its libraries."""

WORTH = 10.0
"""Seconds that workers side by side must save to be begun without being asked for."""

MEMORY_SHARE = 0.8
"""How much of the machine's memory they may be estimated to need."""


@dataclass(frozen=True)
class Workers:
    """How many stages are made at once on this machine, of how many threads each, and why. `warning` tells that fewer are used
    than were asked for."""

    count: int
    threads: int
    why: str
    warning: str = ""

    def line(self) -> str:
        """What a plan says of it: `2 workers side by side: 16 training runs of about 3:05 together, 1 thread each`; nothing where
        there was nothing to choose."""
        if self.count < 2:
            return f"one stage after another: {self.why}" if self.why else ""
        return f"{self.count} workers side by side: {self.why}"


def choose_workers(tasks: Iterable[Task], store: Store | None, asked: int | None, force: bool = False) -> Workers:
    """As many workers as were asked for or as pay, workers times threads never above the cores that are there.

    Two workers pay if those stages that the store lacks and that can run beside others are estimated to take so long that loading
    the libraries once more is made up for, and if their memory is there.
    """
    left = list({task.hash: task for task in tasks if force or store is None or not store.has(task.hash)}.values())
    threads = max((task.threads for task in left), default=1)
    cores = available_cores()
    most = max(1, cores // threads)
    each = f"{threads} thread" + "s" * (threads > 1)
    if asked is not None:
        if asked <= most:
            return Workers(asked, threads, "as asked for")
        warning = f"{asked} workers of {each} need {asked * threads} cores and {cores} can be used: {most} will work"
        return Workers(most, threads, f"{cores} cores can be used", warning)
    trains = [task for task in left if task.stage.trains]
    known = [needed for task in trains if (needed := estimate(task)) is not None]
    count = min(most, len(trains))
    if count < 2:
        cure = "; with `threads = 1` they would run side by side" if threads > 1 and cores > 1 else ""
        return Workers(1, threads, f"{cores} cores and {each} a stage{cure}" if len(trains) > 1 else "")
    seconds = sum(needed.seconds - LOADING for needed in known)  # a process loads them once
    saved = seconds * (1 - 1 / count) - START
    memory = max((needed.bytes for needed in known), default=0)
    count = max(1, min(count, int(MEMORY_SHARE * _memory() / memory) if memory else count))
    if count < 2:
        return Workers(1, threads, "memory for two training runs is not there")
    runs = f"{len(trains)} training runs of about {duration(seconds)} together"
    if saved < WORTH:
        return Workers(1, threads, f"{runs} would not make up for loading the libraries twice")
    return Workers(count, threads, f"{runs}, {each} each")


def _memory() -> int:
    """Bytes of memory that the machine has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 8 * 2**30
