"""Opening the engine that a run asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hmmdsl.runtime.engines.choice import choose_workers
from hmmdsl.runtime.engines.engine import Events
from hmmdsl.runtime.engines.making import LocalEngine
from hmmdsl.runtime.failures import OutputError

if TYPE_CHECKING:
    from hmmdsl.runtime.engines.engine import Engine
    from hmmdsl.runtime.stage import RunContext, Task


def open_engine(tasks: Iterable[Task], context: RunContext) -> Engine:
    """The engine that the context asks for, for the tasks of a run and its sweeps.

    Raises OutputError if the engine is not installed, has no such option, or can't be reached.
    """
    choice, store, events = context.asked.choice, context.store, Events(context)
    if choice.name != "local":
        if choice.workers is not None:
            raise OutputError("`--workers` belongs to the local engine: a cluster has its own; leave it out")
        if choice.name == "ray":
            from hmmdsl.runtime.engines.ray_cluster import RayEngine

            return RayEngine(events, choice.address, choice.options)
        if choice.address is not None:
            raise OutputError("`--address` belongs to `--engine ray`: leave it out")
        from hmmdsl.runtime.engines.slurm import SlurmEngine

        return SlurmEngine(events, store.folder, choice.options)
    if choice.address is not None or choice.options:
        raise OutputError("`--address` and `--engine-option` belong to `--engine ray` or `--engine slurm`: name one")
    workers = choose_workers(tasks, store, choice.workers, context.asked.force)
    if workers.warning:
        store.warn(workers.warning)
    if workers.count < 2:
        return LocalEngine(context)
    from hmmdsl.runtime.engines.pool import PoolEngine

    return PoolEngine(workers.count, workers.threads, events)
