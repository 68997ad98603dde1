"""Each engine, opened once for all tests of it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_text
from hmmdsl.runtime.engines.engine import Engine, Events
from hmmdsl.runtime.engines.making import LocalEngine
from hmmdsl.runtime.log import RunLog
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.progress import Silence
from hmmdsl.runtime.stage import NUMBERS, Cache, RunContext, Task, tasks_of
from hmmdsl.runtime.store.store import Store

SPEC = """
import std.processes (zero_one_random)
model net: transformer { layers = 1, d_model = 4, context = 3, norm = none }
train fit { process = zero_one_random(), model = net, steps = 40, optimizer = sgd { lr = 0.1 } }
analysis positions: loss { of = fit }
"""

ELSEWHERE = ("pool", "ray", "slurm")
"""The engines that make stages in other processes."""


@dataclass(frozen=True)
class Opened:
    """An engine, and the store that it fills."""

    name: str
    engine: Engine
    store: Store
    folder: Path

    @property
    def log(self) -> str:
        """What the run's log says."""
        path = self.folder / "log.jsonl"
        return path.read_text() if path.exists() else ""


def tasks(**settings: str) -> dict[str, Task]:
    """The process, train and analysis of the spec, by id, fields of the train set as given."""
    compiled = compile_text(SPEC, "spec.hmm", kinds(), settings={f"fit.{name}": value for name, value in settings.items()})
    plan = make_plan(compiled.experiment)
    made = tasks_of(plan, compiled.experiment, compiled.processes, NUMBERS)
    return {each.stage.id: each for each in made}


def open_named(name: str, folder: Path) -> Opened:
    """An engine of two workers with an empty store."""
    store, log = Store.open(folder / "store"), RunLog(folder / "log.jsonl")
    context = RunContext(Cache(store), Silence(), log)
    events = Events(context)
    engine: Engine
    if name == "in process":
        engine = LocalEngine(context)
    elif name == "pool":
        from hmmdsl.runtime.engines.pool import PoolEngine

        engine = PoolEngine(2, 1, events)
    elif name == "ray":
        pytest.importorskip("ray", reason="needs the extra `ray`: pip install 'hmmdsl[ray]'")
        from hmmdsl.runtime.engines.ray_cluster import RayEngine

        engine = RayEngine(events, None, {"cpus": "0.5"})
    else:
        pytest.importorskip("submitit", reason="needs the extra `slurm`: pip install 'hmmdsl[slurm]'")
        from hmmdsl.runtime.engines.slurm import SlurmEngine

        engine = SlurmEngine(events, store.folder, {"cluster": "local", "jobs": "2"})
    return Opened(name, engine, store, folder)


@pytest.fixture(scope="module")
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """The engine that the test is run with."""
    found = open_named(request.param, tmp_path_factory.mktemp("engine"))
    yield found
    found.engine.close()
    found.store.close()


def holder(store: Store, task: Task, seconds: float = 60) -> int:
    """The process that trains a stage, once it has written its first checkpoint: the one that has the stage's lock file open."""
    lock = str(store.folder / "locks" / f"{task.hash}.lock")
    first = store.work_folder(task.hash) / "step_0.safetensors"
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if first.exists():
            for process in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    if any(os.readlink(handle) == lock for handle in (process / "fd").iterdir()):
                        return int(process.name)
        time.sleep(0.01)
    raise AssertionError("nobody makes the stage")
