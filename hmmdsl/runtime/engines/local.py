"""The engine that makes one stage after another in this process."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from hmmdsl.runtime.engines.engine import Done
from hmmdsl.runtime.engines.making import make_stage

if TYPE_CHECKING:
    from hmmdsl.runtime.stage import RunContext, Task


class LocalEngine:
    """What stages made stays in the context's cache for those after them."""

    width = 1

    def __init__(self, context: RunContext) -> None:
        self._context = context

    def submit(self, task: Task) -> Future[Done]:
        """Make the stage before returning. KeyboardInterrupt and Terminated pass through."""
        future: Future[Done] = Future()
        try:
            future.set_result(make_stage(task, self._context))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing is kept running."""
