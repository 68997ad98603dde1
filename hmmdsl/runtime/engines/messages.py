"""What goes between a run and its workers: an order to make a stage, and what a worker tells of it. All of it is JSON."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.runtime.failures import OutputError, RunError
from hmmdsl.runtime.log import RunLog
from hmmdsl.runtime.progress import Silence
from hmmdsl.runtime.stage import Task
from hmmdsl.runtime.store.opening import open_store
from hmmdsl.runtime.store.store import Store

if TYPE_CHECKING:
    from hmmdsl.runtime.stage import Stage

Message = dict[str, Any]
"""One of `start`, `step`, `log`, `done` and `failed`, with what belongs to it."""

Send = Callable[[Message], None]


class StageError(Exception):
    """What a stage raised in another process, by text; `trace` is where. Its class has the name of the class that was raised."""

    trace: str = ""


@dataclass(frozen=True)
class StoreAddress:
    """A store as another process opens it: a folder, which must be there for it too, or a URL. A private one has no index."""

    folder: str
    url: str | None
    private: bool

    @staticmethod
    def of(store: Store) -> StoreAddress:
        """Where a store is."""
        return StoreAddress(str(store.folder.absolute()), getattr(store, "url", None), not store.persistent)

    def open(self) -> Store:
        """The store. Raises OutputError if it can't be opened."""
        if self.private:
            return Store.private(Path(self.folder))
        return open_store(self.url or self.folder)


@dataclass(frozen=True)
class Order:
    """A stage to make, and the store that holds what it needs and takes what it makes; `force` makes it even if it is there."""

    task: Task
    store: StoreAddress
    force: bool

    def text(self) -> str:
        """One line of JSON."""
        store = {"folder": self.store.folder, "url": self.store.url, "private": self.store.private}
        return json.dumps({"task": self.task.as_json(), "store": store, "force": self.force})

    @staticmethod
    def read(text: str) -> Order:
        """What `text` wrote. Raises ValueError and KeyError if it is something else."""
        plain = json.loads(text)
        return Order(Task.from_json(plain["task"]), StoreAddress(**plain["store"]), bool(plain["force"]))


class SentLog(RunLog):
    """A log whose lines are sent."""

    def __init__(self, send: Send) -> None:
        super().__init__(None)
        self._send = send

    def write(self, event: str, **facts: Any) -> None:
        """Send a line."""
        self._send({"log": [event, facts]})


class SentProgress(Silence):
    """Sends what it is told of one stage."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def start(self, stage: Stage) -> None:
        self._send({"start": True})

    def step(self, stage: Stage, step: int, steps: int, loss: float, gap: float | None) -> None:
        self._send({"step": [step, steps, loss, gap]})


def failed(error: Exception) -> Message:
    """An error as a message."""
    cause = error if isinstance(error, OSError) else error.__cause__
    told = {
        "type": type(error).__name__,
        "text": str(error),
        "number": cause.errno if isinstance(cause, OSError) else None,
        "trace": traceback.format_exc(),
    }
    if isinstance(error, RunError):
        told |= {"message": error.message, "help": error.help}
    return {"failed": told}


def raised(told: Message) -> Exception:
    """The error of a message: a RunError, OutputError or OSError as it was, any other as a StageError of the same name."""
    number = told["number"]
    if "message" in told:
        error = RunError(told["message"], told["help"])
        if number is not None:
            error.__cause__ = OSError(number, os.strerror(number))
        return error
    if told["type"] == OutputError.__name__:
        return OutputError(told["text"])
    if number is not None:
        return OSError(number, os.strerror(number))
    other: StageError = type(str(told["type"]), (StageError,), {})(told["text"])
    other.trace = told["trace"]
    return other
