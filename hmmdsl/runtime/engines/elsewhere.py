"""What engines share that have each stage made in another process, and wait for it in a thread."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from hmmdsl.runtime.engines.engine import Done

if TYPE_CHECKING:
    from hmmdsl.runtime.engines.hearing import Hearing
    from hmmdsl.runtime.stage import Task


class CallingEngine(ABC):
    """An engine with `width` threads, each of which has one stage made at a time and waits for it. They are called `caller`."""

    def __init__(self, hearing: Hearing, width: int, caller: str) -> None:
        self.width = width
        self._hearing = hearing
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
