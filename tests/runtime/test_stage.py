"""What a stage is: its name as users see it, and a kind that is added in one place."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.cli.phases import plan_json, plan_table, planned
from hmmdsl.language.elaborate import compile_text
from hmmdsl.runtime import stages
from hmmdsl.runtime.compute import compute
from hmmdsl.runtime.log import RunLog
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.progress import Silence
from hmmdsl.runtime.stage import MEASURED, Cache, RunContext, StageId, Task, stage_kinds, tasks_of
from hmmdsl.runtime.store.store import Store
from tests.golden import GOLDEN

SPEC = (
    GOLDEN
    + """\
model net: transformer { layers = 1, d_model = 4, context = 3 }
train fit { process = golden(), model = net, steps = 2 }
"""
)

CENSUS = '''
"""How many checkpoints each training run keeps."""

from hmmdsl.files.writing import copy_file, write_whole
from hmmdsl.runtime.stage import Estimate, StageId, StageKind


class CensusStage(StageKind):
    name = "census"
    label = "census of"
    order = 2
    packages = ()

    def plan(self, drawing):
        for name in drawing.experiment.trains:
            drawing.add(StageId(self, name), (StageId.of("train", name),), {}, ("hmmdsl.runtime.stage",))

    def estimate(self, task):
        return Estimate(7.0, 2**20)

    def make(self, task, folder, context):
        count = len(context.cache.trained(task, task.stage.name).steps)
        write_whole(folder / "census.txt", str(count))
        return {"checkpoints": count}

    def collect(self, found, task, entry):
        found.facts[task.stage.name] = entry.result

    def publish(self, name, made, folder):
        copy_file(made / "census.txt", folder / f"{name}.txt")


KIND = CensusStage()
'''


@pytest.fixture
def census(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A kind of stage in one file, in a folder beside those of the house."""
    (tmp_path / "census.py").write_text(CENSUS)
    monkeypatch.setattr(stages, "__path__", [*stages.__path__, str(tmp_path)])
    stage_kinds.cache_clear()
    yield
    sys.modules.pop(f"{stages.__name__}.census")
    stage_kinds.cache_clear()


@pytest.mark.trains
def test_a_kind_of_stage_is_one_file(census: None, tmp_path: Path) -> None:
    """It is planned, estimated, listed, sent, made after what it needs, kept, collected and published."""
    compiled = compile_text(SPEC, "golden.hmm", kinds())
    plan = make_plan(compiled.experiment)
    listed = planned(plan, compiled, None)
    (line,) = (line for line in plan_table(plan, listed).splitlines() if line.startswith("census of fit"))
    assert "~7.0 s" in line
    (told,) = (each for each in json.loads(plan_json(plan, listed))["stages"] if each["kind"] == "census")
    assert (told["id"], told["name"], told["needs"], told["estimate"]["seconds"]) == ("census of fit", "fit", ["train fit"], 7)
    for task in tasks_of(plan, compiled.experiment, compiled.processes):
        assert Task.from_json(json.loads(json.dumps(task.as_json()))) == task
    store = Store.open(tmp_path / "store")
    first, again = (compute(compiled, plan, RunContext(Cache(store), Silence(), RunLog(None)), makes=MEASURED) for _ in range(2))
    assert first.facts == again.facts == {"fit": {"checkpoints": len(first.entry("train fit").result["steps"])}}
    assert again.cached == {"train fit", "census of fit"}
    stage = plan.stage("census of fit")
    stage.kind.publish(stage.name, again.entry(stage.id).folder, tmp_path)
    assert (tmp_path / "fit.txt").read_text() == str(first.facts["fit"]["checkpoints"])


def test_a_stage_is_called_as_users_see_it_and_keeps_its_parts() -> None:
    figures = StageId.of("figures", "beliefs")
    assert (figures, figures.kind.name, figures.name) == ("figures of beliefs", "figures", "beliefs")
    assert StageId.of("report", "") == "report"
    assert list(stage_kinds()) == ["process", "train", "batch", "analysis", "figures", "report"]


def test_nobody_asks_of_what_kind_a_stage_is() -> None:
    """What differs is said by the kind: a comparison elsewhere would be one more place for the next kind to touch."""
    house = Path(stages.__path__[0]).parents[1]
    asks = re.compile(r"stage\.kind(\.name)? (==|!=|is|in|not) |\bid\.(startswith|partition|split)\(")
    files = [path for room in ("runtime", "exchange", "cli", "report") for path in (house / room).rglob("*.py")]
    found = [f"{path.name}: {line.strip()}" for path in files for line in path.read_text().splitlines() if asks.search(line)]
    assert len(files) > 100
    assert not found
    assert asks.search('if task.stage.kind == "train":')
    assert asks.search('if id.startswith("train "):')
