"""Making one stage through the store, in this process: what every engine does in the end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.runtime.engines.engine import Done
from hmmdsl.runtime.failures import failure_of
from hmmdsl.runtime.results_file import plain

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

    from hmmdsl.runtime.log import RunLog
    from hmmdsl.runtime.progress import Progress
    from hmmdsl.runtime.stages.shelf import Shelf
    from hmmdsl.runtime.stages.task import Task

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def make_stage(task: Task, shelf: Shelf, progress: Progress, log: RunLog, force: bool = False) -> Done:
    """Take a stage's result from the store, or make it there within the threads that are part of its identity.

    Raises RunError if a loss is not finite or a limit of the machine is met.
    """
    stage = task.stage
    began, worked = time.perf_counter(), time.process_time()

    def make(folder: Path) -> Any:
        progress.start(stage)
        log.write("start", stage=stage.id, hash=stage.short)
        with limited(task.threads, torch=stage.kind != "process"):
            return _made(task, folder, shelf, progress, log)

    try:
        obtained = shelf.store.obtain(task.key, make, force=force, continues=stage.trains)
    except Exception as error:
        failure = failure_of(error, stage.id)
        if failure is not None:
            raise failure from error
        raise
    shelf.put(obtained.entry)
    seconds = 0.0 if obtained.cached else time.perf_counter() - began
    if obtained.cached:
        log.write("stored", stage=stage.id, hash=stage.short)
    else:
        worked = time.process_time() - worked
        log.write("finish", stage=stage.id, seconds=round(seconds, 3), processor_seconds=round(worked, 3))
    progress.finish(stage, seconds, obtained.cached)
    return Done(task.hash, seconds, obtained.cached)


def _made(task: Task, folder: Path, shelf: Shelf, progress: Progress, log: RunLog) -> Any:
    match task.stage.kind:
        case "process":
            from hmmdsl.runtime.stages.process import make as describe

            return describe(task, folder)
        case "train":
            from hmmdsl.runtime.stages.train import make as train

            def tell(step: int, steps: int, loss: float, gap: float | None) -> None:
                log.write("step", train=task.stage.name, step=step, loss=plain(loss), gap=plain(gap))
                progress.step(task.stage, step, steps, loss, gap)

            return train(task, folder, shelf, tell)
        case "batch":
            from hmmdsl.runtime.stages.batch import make as train_together

            def told(step: int, steps: int, loss: float, gap: float | None) -> None:
                log.write("step", batch=task.stage.name, runs=len(task.experiment.trains), step=step, loss=plain(loss))
                progress.step(task.stage, step, steps, loss, gap)

            return train_together(task, folder, told)
        case "analysis":
            from hmmdsl.runtime.stages.analysis import make as analyse

            return analyse(task, folder, shelf)
        case "figures":
            from hmmdsl.runtime.stages.figures import make as draw

            return draw(task, folder, shelf)
    raise ValueError(f"{task.stage.id} is made by the run itself")


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
