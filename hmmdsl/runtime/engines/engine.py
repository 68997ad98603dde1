"""What an engine is: it takes a stage's task and sees to it that its result is in the store. And what those share that have
stages made in other processes."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hmmdsl.runtime.engines.messages import Message, Order, StoreAddress, raised
from hmmdsl.runtime.failures import RunError

if TYPE_CHECKING:
    from hmmdsl.runtime.stage import RunContext, Task

ATTEMPTS = 3
"""How often a stage is begun whose worker is lost, before it counts as failed."""


@dataclass(frozen=True)
class Done:
    """A stage whose result is in the store: `cached` if it was there already, else made in `seconds`."""

    hash: str
    seconds: float
    cached: bool


class Engine(Protocol):
    """`submit` returns at once or when the stage is made, as the engine likes. The future's exception is a RunError where the
    machine met a limit, else whatever the stage raised. Everything a task needs is in the store when it is submitted."""

    @property
    def width(self) -> int:
        """How many stages it makes at once."""
        ...

    def submit(self, task: Task) -> Future[Done]: ...

    def close(self) -> None:
        """End whatever works for it."""
        ...


class Events:
    """Orders to workers, and what they tell, passed on to progress and log: many threads may use it at once, and these are told
    by one at a time."""

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

    def told(self, task: Task, message: Message) -> Done | None:
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
    cure = "if memory ran out, use fewer `--workers`, `sampled` histories or a smaller network; run again to do what is missing"
    if "SIGILL" in how:
        cure = (
            "it was told to use instructions that this processor does not have: unset ATEN_CPU_CAPABILITY, MKL_CBWR and "
            "OPENBLAS_CORETYPE, or name a set that it has"
        )
    return RunError(f"the worker of {task.stage.id} was lost {attempts} times ({how})", cure)


class CallingEngine(ABC):
    """An engine with `width` threads, each of which has one stage made at a time and waits for it. They are called `caller`."""

    def __init__(self, events: Events, width: int, caller: str) -> None:
        self.width = width
        self._events = events
        self._callers = ThreadPoolExecutor(width, thread_name_prefix=caller)

    def submit(self, task: Task) -> Future[Done]:
        """Take a stage from the store, or have it made by the next thread that is free."""
        future: Future[Done] = Future()
        try:
            stored = self._events.stored(task)
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
        self._events.settle(future, outcome)

    @abstractmethod
    def _made(self, task: Task) -> Done:
        """Have a stage made, and wait until it is. Raises what the stage raised, RunError if its workers are lost."""
