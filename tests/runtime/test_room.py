"""What needs more memory or disk than there is is refused before anything is run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_text
from hmmdsl.runtime import estimate
from hmmdsl.runtime.estimate import disk_bytes, memory_bytes
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.stage import Task, tasks_of
from hmmdsl.runtime.store.store import Store
from tests.command_line import Command

SPEC = """
import std.processes (golden_mean)
model net: rnn { layers = 2, d_model = 64, context = 16 }
train fit { process = golden_mean(), model = net, steps = 1000, data = sampled { batch = 8 }, device = cpu }
"""


class Disk(NamedTuple):
    total: int
    used: int
    free: int


def tasks(**settings: str) -> tuple[Task, ...]:
    compiled = compile_text(SPEC, "spec.hmm", kinds(), settings={f"fit.{name}": value for name, value in settings.items()})
    return tasks_of(make_plan(compiled.experiment), compiled.experiment, compiled.processes)


def of_train(of: tuple[Task, ...]) -> Task:
    return next(task for task in of if task.stage.trains)


def test_the_disk_grows_with_checkpoints_and_weights() -> None:
    ends, each = (disk_bytes(of_train(tasks(checkpoints=kept))) for kept in ("ends", "every { steps = 1 }"))
    model = of_train(tasks()).experiment.models["net"]
    weights = 4 * model.parameters(2)
    assert each - ends == pytest.approx(999 * weights, rel=0.1)
    assert ends < 10 * weights


def test_checkpoints_that_would_fill_the_disk_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store = Store.private(tmp_path / "store")
    many = tasks(checkpoints="every { steps = 1 }")
    needed = sum(map(disk_bytes, many))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Disk(10**12, 0, needed))
    estimate.check_room(many, store, force=False, here=True)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Disk(10**12, 0, needed - 1))
    with pytest.raises(OutputError, match=r"this run keeps .* most of it in train fit, .*log_spaced.*--allow-large"):
        estimate.check_room(many, store, force=False, here=False)


def test_a_batch_beyond_the_memory_is_refused_here_and_not_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store = Store.private(tmp_path / "store")
    wide = tasks(data="sampled { batch = 1_000_000 }")
    needs = memory_bytes(of_train(wide))
    monkeypatch.setattr(estimate, "machine_memory", lambda: needs // 3 + 1)
    estimate.check_room(wide, store, force=False, here=True)
    monkeypatch.setattr(estimate, "machine_memory", lambda: needs // 4)
    estimate.check_room(wide, store, force=False, here=False)
    with pytest.raises(OutputError, match=r"train fit needs about .* of memory, .*`batch` smaller.*--allow-large"):
        estimate.check_room(wide, store, force=False, here=True)


def test_run_says_so_and_leaves_nothing(command: Command, tmp_path: Path) -> None:
    spec = SPEC.replace("d_model = 64", "d_model = 4096").replace("batch = 8", "batch = 1_000_000").replace("= 16", "= 512")
    (tmp_path / "wide.hmm").write_text(spec)
    done = command("run", "wide.hmm", "--store", "store")
    assert done.returncode == 2
    assert "TB of memory" in done.stderr
    assert not any((tmp_path / "runs").iterdir())
