"""How many stages are made at once: never more than there are cores for, and more than one only where it pays."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.runtime.engines import choice, cores
from hmmdsl.runtime.engines.choice import choose_workers
from hmmdsl.runtime.stage import Task
from tests.runtime.engines.conftest import tasks


@cache
def few(**settings: str) -> tuple[Task, ...]:
    """The stages of one training run."""
    return tuple(tasks(**settings).values())


def seeds(count: int, **settings: str) -> list[Task]:
    return [task for seed in range(count) for task in few(seed=str(seed), **settings)]


@pytest.fixture(scope="module")
def by_threads() -> dict[int, tuple[Task, ...]]:
    """The stages of a training run of so many threads."""
    return {threads: few(threads=str(threads)) for threads in (1, 2, 3, 8, 16)}


@given(asked=st.integers(1, 100), threads=st.sampled_from((1, 2, 3, 8, 16)), there=st.integers(1, 64))
def test_workers_times_threads_never_exceed_the_cores(
    asked: int, threads: int, there: int, by_threads: dict[int, tuple[Task, ...]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "available_cores", lambda: there)
        found = choose_workers(by_threads[threads], None, asked)
    assert found.threads == threads
    assert found.count * threads <= max(there, threads)
    assert found.count == asked or found.warning
    assert not found.warning or f"{asked * threads} cores and {there} can be used" in found.warning


def test_many_long_training_runs_are_made_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "available_cores", lambda: 4)
    monkeypatch.setattr(choice, "_memory", lambda: 64 * 2**30)
    long = choose_workers(seeds(16, steps="20_000"), None, None)
    assert (long.count, long.threads) == (4, 1)
    assert "16 training runs" in long.why
    assert choose_workers(seeds(2, steps="20_000"), None, None).count == 2
    wide = choose_workers(seeds(16, steps="20_000", threads="2"), None, None)
    assert (wide.count, wide.threads) == (2, 2)


def test_what_is_short_or_alone_or_too_large_stays_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "available_cores", lambda: 4)
    assert choose_workers(seeds(16, steps="2"), None, None).count == 1
    assert choose_workers(seeds(1, steps="20_000"), None, None).count == 1
    wide = choose_workers(seeds(16, steps="20_000", threads="4"), None, None)
    assert wide.line() == "one stage after another: 4 cores and 4 threads a stage; with `threads = 1` they would run side by side"
    monkeypatch.setattr(choice, "_memory", lambda: 2**28)
    assert choose_workers(seeds(16, steps="20_000"), None, None).count == 1


def test_the_quota_of_a_control_group_counts_and_that_of_those_above_it(tmp_path: Path) -> None:
    own = tmp_path / "cgroup"
    own.write_text("4:memory:/elsewhere\n0::/outer/inner\n")
    inner = tmp_path / "groups" / "outer" / "inner"
    inner.mkdir(parents=True)
    assert cores.quota_cores(tmp_path / "groups", own) is None
    (inner / "cpu.max").write_text("max 100000\n")
    assert cores.quota_cores(tmp_path / "groups", own) is None
    (inner.parent / "cpu.max").write_text("150000 100000\n")
    assert cores.quota_cores(tmp_path / "groups", own) == 1.5
    (inner / "cpu.max").write_text("50000 100000\n")
    assert cores.quota_cores(tmp_path / "groups", own) == 0.5
    assert cores.quota_cores(tmp_path / "groups", tmp_path / "no such file") is None


def test_the_cores_are_those_of_the_affinity_mask_and_at_least_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 3, 5}, raising=False)
    monkeypatch.setattr(cores, "quota_cores", lambda: None)
    assert cores.available_cores() == 3
    monkeypatch.setattr(cores, "quota_cores", lambda: 2.9)
    assert cores.available_cores() == 2
    monkeypatch.setattr(cores, "quota_cores", lambda: 0.5)
    assert cores.available_cores() == 1
