"""All engines make the same: to the byte, when a stage fails, when a worker is lost, when the run is interrupted."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from hmmdsl.runtime.engines.making import LocalEngine
from hmmdsl.runtime.execution import run_stages
from hmmdsl.runtime.failures import RunError
from hmmdsl.runtime.log import RunLog
from hmmdsl.runtime.progress import Silence
from hmmdsl.runtime.stage import Cache, RunContext, Task
from hmmdsl.runtime.store.store import Store
from tests.runtime.engines.conftest import ELSEWHERE, Opened, holder, tasks

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="finds workers through /proc")

every_engine = pytest.mark.parametrize("opened", ["in process", *ELSEWHERE], indirect=True)
every_engine_with_workers = pytest.mark.parametrize("opened", ELSEWHERE, indirect=True)

LONG = "2_000"
"""Steps of a training run that is still going on when it is disturbed."""

ALONE: dict[str, tuple[object, dict[str, bytes]]] = {}
"""What stages made in this process hold, by hash: each is made once for all engines."""


def content(store: Store, task: Task) -> tuple[object, dict[str, bytes]]:
    """The result of a stage and its files, but for the time and the processor that it took."""
    entry = store.find(task.hash)
    assert entry is not None
    return entry.result, {path.name: path.read_bytes() for path in sorted(entry.folder.glob("*.safetensors"))}


def alone(folder: Path, *wanted: Task) -> list[tuple[object, dict[str, bytes]]]:
    """The same stages, made one after another in this process."""
    if any(task.hash not in ALONE for task in wanted):
        store = Store.private(folder)
        run_stages(wanted, LocalEngine(RunContext(Cache(store), Silence(), RunLog(None))))
        ALONE.update({task.hash: content(store, task) for task in wanted})
    return [ALONE[task.hash] for task in wanted]


@every_engine
def test_the_results_are_those_of_one_process_to_the_byte(opened: Opened, tmp_path: Path) -> None:
    wanted = list(tasks().values())
    ran = run_stages(wanted, opened.engine)
    assert not any(done.cached for done in ran.done.values())
    assert [content(opened.store, task) for task in wanted] == alone(tmp_path, *wanted)
    assert '"event": "finish", "stage": "train fit"' in opened.log, "the log tells what workers did"
    again = run_stages(wanted, opened.engine)
    assert all(done.cached for done in again.done.values())


@every_engine
def test_a_stage_that_fails_is_told_in_the_same_words_and_takes_no_other_with_it(opened: Opened, tmp_path: Path) -> None:
    bad, good = tasks(optimizer="sgd { lr = 100 }", steps="100"), tasks(seed="1")["train fit"]
    ran = run_stages([*bad.values(), good], opened.engine, essential=())
    failure = ran.failed[bad["train fit"].hash]
    assert isinstance(failure, RunError)
    with pytest.raises(RunError) as here:
        alone(tmp_path, bad["train fit"])
    assert (failure.message, failure.help) == (here.value.message, here.value.help)
    assert set(ran.skipped) == {bad["analysis positions"].hash}
    assert good.hash in ran.done


@every_engine_with_workers
def test_a_stage_whose_worker_is_killed_is_begun_again_elsewhere(opened: Opened, tmp_path: Path) -> None:
    train = tasks(steps=LONG)["train fit"]
    future = opened.engine.submit(train)
    killed = holder(opened.store, train)
    assert killed != os.getpid()
    os.kill(killed, signal.SIGKILL)
    assert not future.result(timeout=120).cached
    assert [content(opened.store, train)] == alone(tmp_path, train)


@every_engine_with_workers
def test_closing_ends_the_workers_and_what_they_did_is_continued(opened: Opened, tmp_path: Path) -> None:
    train = tasks(steps=LONG, seed="2")["train fit"]
    future = opened.engine.submit(train)
    worker = holder(opened.store, train)
    opened.engine.close()
    assert future.exception(timeout=60) is not None, "nobody waits for it for ever"
    assert not opened.store.has(train.hash)
    end = time.monotonic() + 60
    while runs(worker) and time.monotonic() < end:
        time.sleep(0.05)
    assert not runs(worker), "no process is left behind"
    run_stages([train], LocalEngine(RunContext(Cache(opened.store), Silence(), RunLog(None))))
    assert [content(opened.store, train)] == alone(tmp_path, train)


def runs(process: int) -> bool:
    """Whether a process lives: one that has ended and only waits to be counted does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
