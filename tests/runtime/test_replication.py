"""Runs with several seeds: what is planned once, what is kept of each seed, and what becomes of a seed that fails."""

from __future__ import annotations

import csv
import json
import shutil
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hmmdsl
from hmmdsl.cli.summary import verification_as_json
from hmmdsl.exchange.columns import seed_columns_of
from hmmdsl.exchange.packing.writing import pack
from hmmdsl.exchange.reading import read
from hmmdsl.exchange.verify import compiled_for, verify
from hmmdsl.runtime.compute import Computed
from hmmdsl.runtime.engines import choice
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.identity.source_code import versions
from hmmdsl.runtime.log import RunLog
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.progress import Silence
from hmmdsl.runtime.replication import REPLICATION, judged
from hmmdsl.runtime.run_folder import belongs
from hmmdsl.runtime.stage import Cache, RunContext, stage_kinds, tasks_of
from hmmdsl.runtime.store.store import Store
from hmmdsl.runtime.sweep.planning import plan_sweeps
from hmmdsl.runtime.sweep.running import MemberOutcome, PointOutcome
from tests.command_line import Command, command_line

SPEC = """\
import std.processes (golden_mean)
model net: transformer { layers = 1, d_model = 4, context = 2 }
train fit { process = golden_mean(), model = net, steps = 2, optimizer = adamw { lr = 1e-2 } }
analysis positions: loss { of = fit }
sweep rates { fit.optimizer.lr = [1e-2, 3e-2] }
sweep runs { fit.seed = 0..3 }
replicate { seeds = 0..3 }
expect "learns": fit.loss < 5
expect "the rates": all(rates.fit.loss < 5)
expect "the seeds": mean(runs.fit.loss over fit.seed) < 5
expect "never" in 1 of 3: fit.loss < 0
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The folder of a run with three seeds, and what it printed."""
    folder = tmp_path_factory.mktemp("replicated")
    (folder / "spec.hmm").write_text(SPEC)
    done = command_line(folder, "run", "spec.hmm", "--json", HMMDSL_STORE=str(folder / "store"))
    assert done.returncode == 1, done.stderr
    assert "other seeds: 2/2" in done.stderr
    found = json.loads(done.stdout)
    return folder / found["folder"], found


def test_stages_are_shared_with_a_sweep_over_the_same_seeds(tmp_path: Path) -> None:
    (tmp_path / "spec.hmm").write_text(SPEC)
    planned = plan_sweeps(read(tmp_path / "spec.hmm"))
    assert [each.member.seed for each in planned.members] == [1, 2]
    own = {task.hash for each in planned.members for task in each.own.tasks if task.stage.trains}
    assert len(own) == 2
    assert own < {task.hash for task in planned.tasks("runs", None)}
    assert [list(each.sweeps) for each in planned.members] == [["rates"], ["rates"]]


def test_seeds_are_part_of_the_folders_name_and_of_the_report(tmp_path: Path) -> None:
    (tmp_path / "spec.hmm").write_text(SPEC.replace('expect "never" in 1 of 3: fit.loss < 0\n', ""))
    asked = (None, (0,), (0, 1, 2), (0, 1), (1,), (1, 0))  # the first is the third
    plans = [make_plan(read(tmp_path / "spec.hmm", seeds=seeds).experiment) for seeds in asked]
    assert len({plan.folder_name for plan in plans}) == 5
    assert len({plan.stage("report").hash for plan in plans}) == 5


def test_instructions_that_were_asked_for_are_part_of_a_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was computed with them is not taken from the store for what is computed without, nor the other way round."""
    train, figures = (stage_kinds()[kind].packages for kind in ("train", "figures"))
    own = dict(versions(train, True))
    versions.cache_clear()
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    try:
        assert dict(versions(train, True)) == {**own, "asked ATEN_CPU_CAPABILITY": "default"}
        assert "asked ATEN_CPU_CAPABILITY" not in versions(figures, False)
    finally:
        versions.cache_clear()


def test_workers_train_the_seeds_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "available_cores", lambda: 2)
    (tmp_path / "spec.hmm").write_text(
        "import std.processes (rrxor)\nmodel net: transformer { layers = 4, d_model = 64, context = 10 }\n"
        "train fit { process = rrxor(), model = net, steps = 1_200 }\n"
    )
    for seeds, workers in (((0,), 1), (tuple(range(8)), 2)):
        compiled = read(tmp_path / "spec.hmm", seeds=seeds)
        own = tasks_of(make_plan(compiled.experiment), compiled.experiment, compiled.processes)
        assert choice.choose_workers([*own, *plan_sweeps(compiled).all_tasks(None)], None, None).count == workers


def test_each_claim_is_judged_with_each_seed_or_once(ran: tuple[Path, Any]) -> None:
    learns, rates, seeds, never = ran[1]["claims"]
    assert learns["replicated"]["seeds"] == [0, 1, 2]
    assert learns["replicated"]["holds"] == [True] * 3
    assert rates["replicated"]["held"] == 3
    assert seeds["replicated"] is None
    assert (never["holds"], never["replicated"]["held"]) == (False, 0)
    assert learns["margin"]["source"] == "replication"


def test_seeds_are_shown(ran: tuple[Path, Any]) -> None:
    folder, found = ran
    assert found["seeds"] == {"seeds": [0, 1, 2], "failed": []}
    page = (folder / "report.html").read_text()
    assert "Held with 3 of 3 seeds; fit.loss" in page
    assert "Held with 0 of 3 seeds, 1 required" in page
    assert '<section id="seeds">' in page
    with (folder / "seeds" / "results.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["seed"] for row in table] == ["0", "1", "2"]
    assert [float(row["fit.loss"]) for row in table] == found["results"]["runs"]["fit"]["loss"]
    assert (folder / "seeds" / "fit.loss.png").is_file()
    assert all(belongs(path.relative_to(folder).as_posix()) for path in folder.rglob("*") if path.is_file())


def test_every_number_is_kept_by_seed(ran: tuple[Path, Any]) -> None:
    folder, found = ran
    kept = json.loads((folder / REPLICATION).read_text())
    assert kept["seeds"] == [0, 1, 2]
    assert kept["results"]["fit"] == found["results"]["runs"]["fit"]
    assert kept["results"]["positions"] == found["results"]["runs"]["positions"]
    rates = kept["sweeps"]["rates"]["fit"]["loss"]
    assert np.shape(rates) == (3, 2)
    assert [row[0] for row in rates] == kept["results"]["fit"]["loss"]
    assert rates[0] == found["results"]["rates"]["fit"]["loss"]
    assert list(kept["sweeps"]) == ["rates"]


def test_a_run_in_python_has_its_seeds(ran: tuple[Path, Any]) -> None:
    run = hmmdsl.load_run(ran[0])
    assert run.seeds is not None
    losses = run.seeds.array("fit.loss")
    assert losses.shape == (3,)
    spread = run.seeds.spread("fit.loss")
    assert (spread.count, spread.mean, spread.sd) == (3, pytest.approx(losses.mean()), pytest.approx(losses.std(ddof=1)))
    assert run.seeds.sweeps["rates"].array("fit.loss").shape == (3, 2)
    assert run.claims[0].replicated is not None
    assert run.seeds.settings(1) == {"seed": 1}


def test_runs_are_compared_over_their_seeds(ran: tuple[Path, Any]) -> None:
    (column,) = seed_columns_of(str(ran[0]))
    assert list(column.runs) == ["0", "1", "2"]
    assert column.runs["1"].numbers["fit.loss"] == ran[1]["results"]["runs"]["fit"]["loss"][1]


def test_a_pack_has_the_seeds_and_is_of_them(ran: tuple[Path, Any], tmp_path: Path) -> None:
    pack(ran[0], tmp_path / "run.hmmz")
    replicate = read(tmp_path / "run.hmmz").experiment.replicate
    assert replicate is not None
    assert replicate.seeds == (0, 1, 2)
    (kept := ran[0] / REPLICATION).rename(tmp_path / "aside.json")
    try:
        with pytest.raises(OutputError, match=r"replication\.json is not that of experiment\.yaml"):
            pack(ran[0], tmp_path / "torn.hmmz")
    finally:
        (tmp_path / "aside.json").rename(kept)


def test_the_run_of_a_spec_is_found_by_its_seeds(ran: tuple[Path, Any], tmp_path: Path) -> None:
    spec = tmp_path / "spec.hmm"
    spec.write_text(SPEC.partition("replicate")[0] + SPEC.partition("replicate { seeds = 0..3 }\n")[2].replace(" in 1 of 3", ""))
    for seeds, folder in (((0, 1, 2), ran[0]), ((0, 1), None), (None, None)):
        with compiled_for(spec, ran[0].parent, seeds) as (_, found):
            assert found == folder
    with pytest.raises(OutputError, match="seeds of its own"), compiled_for(ran[0], ran[0].parent, (0, 1)):
        pass


def test_another_machine_is_told_by_its_kernels(ran: tuple[Path, Any], tmp_path: Path) -> None:
    """Numbers of a run that says it was made with other instructions may differ as seeds do, and no farther."""
    folder = tmp_path / "run"
    shutil.copytree(ran[0], folder)
    compiled = read(folder / "experiment.yaml")
    again = verify(compiled, folder, Silence())
    assert (again.changed, again.deciding) == ((), ())
    assert again.line().startswith("same machine: all ")
    about = json.loads((folder / "environment.json").read_text())
    assert f"torch {torch.backends.cpu.get_cpu_capability()}" in about["kernels"]
    (folder / "environment.json").write_text(json.dumps({**about, "kernels": "torch ANCIENT"}))
    kept = json.loads((folder / REPLICATION).read_text())
    results = json.loads((folder / "results.json").read_text())
    spread = statistics.stdev(kept["results"]["fit"]["loss"])
    named = {}
    for spreads in (0.5, 5):
        changed = {**results, "fit": {**results["fit"], "loss": results["fit"]["loss"] + spreads * spread}}
        (folder / "results.json").write_text(json.dumps(changed))
        again = verify(compiled, folder, Silence())
        named[spreads] = [each.path for each in again.deciding]
        assert again.place == "other kernels of the processor"
        assert verification_as_json(again)["same_machine"] is False
    assert named == {0.5: [], 5: ["fit.loss"]}
    assert again.line().startswith("other kernels of the processor: 1 number is farther apart than seeds are")


def test_the_plan_tells_of_other_seeds(command: Command, tmp_path: Path) -> None:
    (tmp_path / "spec.hmm").write_text(SPEC)
    told = command("show", "spec.hmm", "--phase", "plan", "--no-store").stdout
    assert "replicate: 2 more seeds, 8 stages, 0 stored" in told


def test_a_seed_that_fails_fails_alone(tmp_path: Path) -> None:
    """Made-up outcomes: with seed 1 the loss was not finite."""
    (tmp_path / "spec.hmm").write_text(
        SPEC.partition("sweep")[0] + "replicate { seeds = [1, 0, 2] }\nexpect in 2 of 3: fit.loss < 1\n"
    )
    members = (
        MemberOutcome(1, PointOutcome({}, "the loss is not finite"), {}),
        MemberOutcome(2, PointOutcome({"fit": {"loss": 0.5}}), {}),
    )
    context = RunContext(Cache(Store.private(tmp_path)), Silence(), RunLog(None))
    computed = Computed(context=context, tasks={}, results={"fit": {"loss": 0.7}}, members=members)
    (verdict,) = judged(read(tmp_path / "spec.hmm"), computed)
    assert verdict.holds
    assert verdict.replicated is not None
    assert verdict.replicated.holds == (False, True, True)
    assert verdict.replicated.numbers["fit.loss"].values == (None, 0.7, 0.5)
    strict = SPEC.partition("sweep")[0] + "replicate { seeds = [1, 0, 2] }\nexpect fit.loss < 1\n"
    (tmp_path / "spec.hmm").write_text(strict)
    (verdict,) = judged(read(tmp_path / "spec.hmm"), computed)
    assert not verdict.holds
    assert verdict.reason.endswith("with seed 1: the loss is not finite")


@pytest.mark.parametrize(
    ("seeds", "told"), [("0", "one is the least"), ("two", "names no seeds"), ("1,1", "given twice"), ("2", "E0556")]
)
def test_seeds_that_cannot_be_run(command: Command, tmp_path: Path, seeds: str, told: str) -> None:
    (tmp_path / "spec.hmm").write_text("import std.processes (coin)\nanalysis about: portrait { process = coin() }\n")
    done = command("run", "spec.hmm", "--seeds", seeds)
    assert done.returncode == 2
    assert told in done.stderr
