"""Stages of one plan or of many: each once, after what it needs, and a failure takes no more with it than it must."""

from __future__ import annotations

import json
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_text
from hmmdsl.runtime.engines.engine import Done
from hmmdsl.runtime.engines.making import LocalEngine
from hmmdsl.runtime.execution import run_stages
from hmmdsl.runtime.log import RunLog
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.progress import Silence
from hmmdsl.runtime.stage import MEASURED, NUMBERS, Cache, RunContext, Stage, StageId, Task, tasks_of
from hmmdsl.runtime.store.store import Store
from hmmdsl.schema.experiment import Experiment
from tests.golden import GOLDEN

SPEC = (
    GOLDEN
    + """\
model net: transformer { layers = 1, d_model = 4, context = 3 }
train fit { process = golden(), model = net, steps = 2 }
analysis beliefs: regression { of = fit, target = belief, at = [embedding] }
analysis geometry: distances { of = beliefs.embedding }
analysis positions: loss { of = fit }
"""
)


def task(digest: str, *needs: str) -> Task:
    return Task(Stage(StageId.of("analysis", digest), (), digest), Experiment(name="spec"), needs, {}, 1, "cpu")


class Recorder:
    """Keeps what is submitted; `width` stages are made at once, the last submitted first; those in `broken` fail."""

    def __init__(self, width: int = 1, broken: frozenset[str] = frozenset()) -> None:
        self.width, self.broken = width, broken
        self.order: list[str] = []
        self.finished: set[str] = set()
        self.needs: dict[str, tuple[str, ...]] = {}
        self._waiting: list[tuple[Task, Future[Done]]] = []

    def submit(self, task: Task) -> Future[Done]:
        assert set(task.needs) <= self.finished | (set(task.needs) - set(self.needs)), "what it needs is made"
        future: Future[Done] = Future()
        self.order.append(task.hash)
        self._waiting.append((task, future))
        if len(self._waiting) >= self.width or len(self.order) == len(self.needs):
            self.flush()
        return future

    def flush(self) -> None:
        for task, future in reversed(self._waiting):
            if task.hash in self.broken:
                future.set_exception(ValueError(task.hash))
            else:
                self.finished.add(task.hash)
                future.set_result(Done(task.hash, 1.0, False))
        self._waiting.clear()

    def close(self) -> None: ...


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 19), max_size=3), min_size=1, max_size=20))
def test_every_stage_is_made_once_and_after_what_it_needs(shape: list[list[int]]) -> None:
    tasks = [task(str(k), *{str(need) for need in needs if need < k}) for k, needs in enumerate(shape)]
    engine = Recorder()
    engine.needs = {each.hash: each.needs for each in tasks}
    ran = run_stages([*tasks, *tasks], engine)  # two points of a sweep that share everything
    assert sorted(engine.order) == sorted(each.hash for each in tasks)
    assert set(ran.done) == set(engine.order)


def test_a_wide_engine_is_given_as_much_as_it_makes_at_once() -> None:
    engine = Recorder(width=3)
    tasks = [task("root"), *(task(f"leaf{k}", "root") for k in range(6))]
    engine.needs = {each.hash: each.needs for each in tasks}
    engine.width = 1
    run_stages(tasks[:1], engine)
    engine.width = 3
    ran = run_stages(tasks[1:], engine)
    assert len(ran.done) == 6


def test_a_failure_takes_only_those_that_need_it() -> None:
    tasks = [task("a"), task("b", "a"), task("c", "b"), task("other"), task("after", "other")]
    ran = run_stages(tasks, Recorder(broken=frozenset({"a"})), essential=())
    assert set(ran.done) == {"other", "after"}
    assert set(ran.failed) == {"a"}
    assert ran.skipped == {"b": "a", "c": "a"}
    with pytest.raises(ValueError, match="a"):
        run_stages(tasks, Recorder(broken=frozenset({"a"})))


def test_an_essential_stage_that_fails_ends_all_when_what_runs_beside_it_is_done() -> None:
    """A run's own stages and those of its sweeps' points are made together."""
    tasks = [task("own"), task("point"), task("own after", "own"), task("point after", "point"), task("later")]
    told: list[tuple[str, bool]] = []
    engine = Recorder(width=2, broken=frozenset({"own"}))
    with pytest.raises(ValueError, match="own"):
        run_stages(tasks, engine, {"own", "own after"}, lambda task, failed: told.append((task.hash, failed)))
    assert engine.order == ["own", "point"]
    assert sorted(told) == [("own", True), ("point", False)]


def test_points_are_made_while_a_run_s_own_stages_leave_room() -> None:
    tasks = [task("own"), task("own after", "own"), task("point"), task("point after", "point")]
    engine = Recorder(width=2, broken=frozenset({"point"}))
    engine.needs = {each.hash: each.needs for each in tasks[:3]}
    ran = run_stages(tasks, engine, {"own", "own after"})
    assert engine.order == ["own", "point", "own after"]
    assert set(ran.done) == {"own", "own after"}
    assert ran.skipped == {"point after": "point"}


def local(folder: Path) -> tuple[Store, LocalEngine]:
    store = Store.private(folder)
    return store, LocalEngine(RunContext(Cache(store), Silence(), RunLog(None)))


def numbers(store: Store, tasks: tuple[Task, ...]) -> dict[str, object]:
    found = {}
    for each in tasks:
        entry = store.find(each.hash)
        assert entry is not None
        found[each.stage.id] = entry.result
    return found


def test_a_task_is_plain_data_and_makes_the_same_elsewhere(tmp_path: Path) -> None:
    compiled = compile_text(SPEC, "golden.hmm", kinds(), settings={})
    plan = make_plan(compiled.experiment)
    tasks = tasks_of(plan, compiled.experiment, compiled.processes, NUMBERS)
    sent = tuple(Task.from_json(json.loads(json.dumps(each.as_json()))) for each in tasks)
    assert sent == tasks
    here, engine = local(tmp_path / "here")
    run_stages(tasks, engine)
    there, _ = local(tmp_path / "there")
    for each in sent:  # each with nothing in memory, as another process would
        LocalEngine(RunContext(Cache(there), Silence(), RunLog(None))).submit(each).result()
    assert numbers(here, tasks) == numbers(there, tasks)


def test_a_stage_may_read_what_it_needs_and_nothing_else(tmp_path: Path) -> None:
    compiled = compile_text(SPEC, "golden.hmm", kinds(), settings={})
    plan = make_plan(compiled.experiment)
    tasks = {each.stage.id: each for each in tasks_of(plan, compiled.experiment, compiled.processes)}
    inputs = Cache(Store.private(tmp_path)).inputs(tasks["analysis positions"], "positions")
    assert list(inputs.trained) == ["fit"]
    assert list(inputs.outcomes) == ["positions"]
    with pytest.raises(KeyError):
        inputs.outcomes["beliefs"]
    assert set(tasks["analysis geometry"].experiment.analyses) == {"beliefs", "geometry"}


def test_points_that_share_a_training_run_train_once(tmp_path: Path) -> None:
    points = []
    for intercept in ("true", "false"):
        compiled = compile_text(SPEC, "golden.hmm", kinds(), settings={"beliefs.intercept": intercept})
        plan = make_plan(compiled.experiment)
        points += tasks_of(plan, compiled.experiment, compiled.processes, MEASURED)
    _, engine = local(tmp_path)
    ran = run_stages(points, engine)
    assert len(points) == 8
    assert len(ran.done) == 6, "the train and the losses are shared"


def test_a_stage_that_vanishes_is_told_in_words(tmp_path: Path) -> None:
    compiled = compile_text(SPEC, "golden.hmm", kinds(), settings={})
    plan = make_plan(compiled.experiment)
    tasks = {each.stage.id: each for each in tasks_of(plan, compiled.experiment, compiled.processes)}
    _, engine = local(tmp_path)
    lonely = replace(tasks["analysis positions"], needs=())
    with pytest.raises(Exception, match="is gone"):
        run_stages([lonely], engine)
