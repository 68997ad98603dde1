"""Making one stage through the store, in this process: what every engine does in the end, and one does alone."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.runtime.engines.engine import Done
from hmmdsl.runtime.failures import failure_of

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

    from hmmdsl.runtime.stage import RunContext, Stage, Task
    from hmmdsl.runtime.store.store import Key

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def make_stage(task: Task, context: RunContext) -> Done:
    """Take a stage's result from the store, or make it there within the threads that are part of its identity.

    Raises RunError if a loss is not finite or a limit of the machine is met.
    """
    kind = task.stage.kind

    def make(folder: Path) -> Any:
        with limited(task.threads, torch=kind.makes != "theory"):
            return kind.make(task, folder, context)

    return obtained(task.stage, task.key, make, context)


def obtained(stage: Stage, key: Key, make: Callable[[Path], Any], context: RunContext) -> Done:
    """A stage's result in the store, made by `make` if it is not there; progress and log are told."""
    log, began, worked = context.log, time.perf_counter(), time.process_time()

    def told(folder: Path) -> Any:
        context.progress.start(stage)
        log.write("start", stage=stage.id, hash=stage.short)
        return make(folder)

    try:
        found = context.store.obtain(key, told, force=context.asked.force, continues=stage.trains)
    except Exception as error:
        failure = failure_of(error, stage.id)
        if failure is not None:
            raise failure from error
        raise
    context.cache.put(found.entry)
    seconds = 0.0 if found.cached else time.perf_counter() - began
    if found.cached:
        log.write("stored", stage=stage.id, hash=stage.short)
    else:
        worked = time.process_time() - worked
        log.write("finish", stage=stage.id, seconds=round(seconds, 3), processor_seconds=round(worked, 3))
    context.progress.finish(stage, seconds, found.cached)
    return Done(stage.hash, seconds, found.cached)


def thread_settings(threads: int) -> dict[str, str]:
    """The environment variables that hold numerical libraries to so many threads from the start."""
    return dict.fromkeys(_THREAD_VARIABLES, str(threads))


@contextmanager
def limited(threads: int, torch: bool) -> Iterator[None]:
    """Hold BLAS and OpenMP, and `torch` where it is used, to so many threads: sums depend on how many share them."""
    os.environ.update(thread_settings(threads))  # for libraries that are loaded later
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it CUDA's matrix products are not deterministic
    import numpy  # noqa: F401  (its threads must be there to be limited)

    if torch:
        from torch import set_num_threads

        set_num_threads(threads)
    with _thread_pools(tuple(name for name in ("torch", "scipy", "sklearn") if name in sys.modules)).limit(limits=threads):
        yield


@cache
def _thread_pools(loaded: tuple[str, ...]) -> ThreadpoolController:
    """The pools of the libraries that are loaded: finding them takes longer than a trivial stage, so it is done again only when
    one of those that bring pools has come."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


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
