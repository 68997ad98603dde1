"""What engines share that have stages made in other processes: they hear of them, and may call each from a thread that waits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from hmmdsl.runtime.engines.engine import Done

if TYPE_CHECKING:
    from hmmdsl.runtime.engines.hearing import Hearing
    from hmmdsl.runtime.progress import Progress
    from hmmdsl.runtime.stages.task import Task


class HearingEngine:
    """An engine that passes on what it hears of its stages."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing

    @property
    def progress(self) -> Progress:
        return self._hearing.progress

    @progress.setter
    def progress(self, progress: Progress) -> None:
        self._hearing.progress = progress


class CallingEngine(HearingEngine, ABC):
    """An engine with `width` threads, each of which has one stage made at a time and waits for it. They are called `caller`."""

    def __init__(self, hearing: Hearing, width: int, caller: str) -> None:
        super().__init__(hearing)
        self.width = width
        self._callers = ThreadPoolExecutor(width, thread_name_prefix=caller)

    def submit(self, task: Task) -> Future[Done]:
        """Take a stage from the store, or have it made by the next thread that is free."""
        future: Future[Done] = Future()
        try:
            stored = self._hearing.stored(task)
        except Exception as error:
            future.set_exception(error)
            return future
        if stored is not None:
            future.set_result(stored)
        else:
            self._callers.submit(self._fulfil, task, future)
        return future

    def _fulfil(self, task: Task, future: Future[Done]) -> None:
        try:
            outcome: Done | BaseException = self._made(task)
        except BaseException as error:  # a thread has nobody else to tell
            outcome = error
        self._hearing.settle(future, outcome)

    @abstractmethod
    def _made(self, task: Task) -> Done:
        """Have a stage made, and wait until it is. Raises what the stage raised, RunError if its workers are lost."""
