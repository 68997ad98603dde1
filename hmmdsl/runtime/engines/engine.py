"""What an engine is: it takes a stage's task and sees to it that its result is in the store."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hmmdsl.runtime.stage import Task


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
