"""What a run hears of stages that are made in other processes, passed on to its progress and its log."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from hmmdsl.runtime.engines.engine import Done
from hmmdsl.runtime.engines.messages import Message, Order, StoreAddress, raised
from hmmdsl.runtime.failures import RunError

if TYPE_CHECKING:
    from hmmdsl.runtime.stage import RunContext, Task

ATTEMPTS = 3
"""How often a stage is begun whose worker is lost, before it counts as failed."""


class Hearing:
    """Orders to workers, and their answers. Many threads may use it at once; progress and log are told by one at a time."""

    def __init__(self, context: RunContext) -> None:
        self._context, self._log, self._progress = context, context.log, context.progress
        self._turn = threading.RLock()

    def order(self, task: Task) -> str:
        """What a worker is sent."""
        return Order(task, StoreAddress.of(self._context.store), self._context.asked.force).text()

    def stored(self, task: Task) -> Done | None:
        """A stage that the store has already: no worker is needed for it."""
        if self._context.asked.force or self._context.store.find(task.hash) is None:
            return None
        with self._turn:
            self._log.write("stored", stage=task.stage.id, hash=task.stage.short)
            self._progress.finish(task.stage, 0.0, True)
        return Done(task.hash, 0.0, True)

    def heard(self, task: Task, message: Message) -> Done | None:
        """Pass a message on. Returns what the last one says of the stage; raises what the stage raised."""
        with self._turn:
            match message:
                case {"start": _}:
                    self._progress.start(task.stage)
                case {"step": [step, steps, loss, gap]}:
                    self._progress.step(task.stage, step, steps, loss, gap)
                case {"log": [event, facts]}:
                    self._log.write(event, **facts)
                case {"done": [seconds, cached]}:
                    self._progress.finish(task.stage, seconds, cached)
                    return Done(task.hash, seconds, cached)
                case {"failed": told}:
                    raise raised(told)
            return None

    def lost(self, task: Task, how: str, attempt: int) -> None:
        """Write down that the worker of a stage is gone. Raises RunError if that was the last attempt."""
        with self._turn:
            self._log.write("lost", stage=task.stage.id, how=how, attempt=attempt)
        if attempt >= ATTEMPTS:
            raise lost_too_often(task, how, attempt)

    def settle(self, future: Future[Done], outcome: Done | BaseException) -> None:
        """Set a future, and let those that wait for it count in turn."""
        with self._turn:
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)


def lost_too_often(task: Task, how: str, attempts: int) -> RunError:
    """Why a stage is given up."""
    return RunError(
        f"the worker of {task.stage.id} was lost {attempts} times ({how})",
        "if memory ran out, use fewer `--workers`, `sampled` histories or a smaller network; run again to do what is missing",
    )
