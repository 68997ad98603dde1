"""The engine that makes one stage after another in this process."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from hmmdsl.runtime.engines.engine import Done
from hmmdsl.runtime.engines.making import make_stage

if TYPE_CHECKING:
    from hmmdsl.runtime.log import RunLog
    from hmmdsl.runtime.progress import Progress
    from hmmdsl.runtime.stages.shelf import Shelf
    from hmmdsl.runtime.stages.task import Task


class LocalEngine:
    """`force` makes every stage anew, whatever the store holds."""

    width = 1

    def __init__(self, shelf: Shelf, progress: Progress, log: RunLog, force: bool = False) -> None:
        self.progress = progress
        self._shelf, self._log, self._force = shelf, log, force

    def submit(self, task: Task) -> Future[Done]:
        """Make the stage before returning. KeyboardInterrupt and Terminated pass through."""
        future: Future[Done] = Future()
        try:
            future.set_result(make_stage(task, self._shelf, self.progress, self._log, self._force))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing is kept running."""
