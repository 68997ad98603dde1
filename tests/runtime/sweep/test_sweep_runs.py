"""Sweeps through the real command line: shared stages, failed points, tables, figures, running again, comparing."""

from __future__ import annotations

import csv
import json
import re
import statistics
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

from hmmdsl.exchange.reading import read
from hmmdsl.runtime.compute import compute
from hmmdsl.runtime.log import RunLog
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.progress import Silence
from hmmdsl.runtime.stage import MEASURED, Cache, RunContext
from hmmdsl.runtime.store.store import Store
from tests.command_line import command_line

SPEC = """\
import std.processes (zero_one_random, golden_mean)
model net: transformer { layers = 1, d_model = 4, context = 3 }
train fit { process = zero_one_random(), model = net, steps = 4, optimizer = adamw { lr = 1e-2 } }
analysis beliefs: regression { of = fit, at = [blocks], weights = uniform, controls = [held_out { folds = 3 }, untrained] }
sweep widths { net.d_model = [4, 8], fit.seed = 0..2 }
sweep rates { zip(fit.optimizer.lr = [1e-2, 3e-2], fit.clip = [1, 2]), fit.process = [zero_one_random(), golden_mean()] }
expect "every point": all(widths.fit.loss < 5)
expect "wider is not worse": any(mean(widths.fit.loss over fit.seed) < 5)
expect "the lower rate": all(rates.fit.loss at (fit.optimizer.lr = 1e-2) < 5)
"""

DIVERGES = """\
import std.processes (zero_one_random)
model net: transformer { layers = 1, d_model = 4, context = 3, norm = none }
train fit { process = zero_one_random(), model = net, steps = 60, optimizer = sgd { lr = 0.1 } }
analysis beliefs: regression { of = fit, at = [blocks] }
sweep rates { fit.optimizer.lr = [0.1, 100] }
expect "the lower": rates.fit.loss at (fit.optimizer.lr = 0.1) < 5
expect "both": all(rates.fit.loss < 5)
"""


def hmmdsl(folder: Path, *arguments: str) -> CompletedProcess[str]:
    """The command line in a folder that keeps its own store."""
    return command_line(folder, *arguments, HMMDSL_STORE=str(folder / "store"))


@pytest.fixture(scope="module")
def widths(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run of the first spec, and what it printed."""
    folder = tmp_path_factory.mktemp("widths")
    (folder / "spec.hmm").write_text(SPEC)
    done = hmmdsl(folder, "run", "spec.hmm", "--json")
    assert done.returncode == 0, done.stderr
    (folder / "printed.json").write_text(done.stdout)
    (folder / "progress.txt").write_text(done.stderr)
    return folder


def found(folder: Path) -> Any:
    return json.loads((folder / "printed.json").read_text())


def run_folder(folder: Path) -> Path:
    return folder / str(found(folder)["folder"])


def rows(folder: Path, sweep: str) -> list[dict[str, str]]:
    with (run_folder(folder) / "sweeps" / sweep / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_has_one_row_a_point_and_a_column_for_each_result(widths: Path) -> None:
    table = rows(widths, "widths")
    assert [(row["net.d_model"], row["fit.seed"]) for row in table] == [("4", "0"), ("4", "1"), ("8", "0"), ("8", "1")]
    assert all(row["failure"] == "" for row in table)
    assert {"fit.loss", "fit.gap", "beliefs.block[0].r2"} <= set(table[0])
    assert [row["fit.process"] for row in rows(widths, "rates")] == ["zero_one_random()", "golden_mean()"] * 2


def test_the_parquet_table_says_the_same(widths: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    content = parquet.read_table(run_folder(widths) / "sweeps" / "widths" / "results.parquet").to_pydict()
    assert content["net.d_model"] == [4, 4, 8, 8]
    assert content["fit.loss"] == [float(row["fit.loss"]) for row in rows(widths, "widths")]


def test_results_json_has_each_result_as_an_array_over_the_axes(widths: Path) -> None:
    results = json.loads((run_folder(widths) / "results.json").read_text())
    loss = results["widths"]["fit"]["loss"]
    assert [value for row in loss for value in row] == [float(row["fit.loss"]) for row in rows(widths, "widths")]
    assert len(results["widths"]["beliefs"]["block"][0]["r2"]) == 2


def test_a_point_equals_the_same_spec_run_with_settings(widths: Path, tmp_path: Path) -> None:
    results = json.loads((run_folder(widths) / "results.json").read_text())
    assert results["widths"]["fit"]["loss"][0][0] == results["fit"]["loss"]  # the spec itself is this point
    compiled = read(widths / "spec.hmm", {"net.d_model": "8", "fit.seed": "1"})
    plan = make_plan(compiled.experiment)
    store = Store.private(tmp_path / "store")
    alone = compute(compiled, plan, RunContext(Cache(store), Silence(), RunLog(None)), makes=MEASURED).results
    for metric in ("loss", "gap", "parameters"):
        assert alone["fit"][metric] == results["widths"]["fit"][metric][1][1]
    assert alone["beliefs"]["block"][0]["r2"] == results["widths"]["beliefs"]["block"][0]["r2"][1][1]


def test_stages_that_points_share_run_once(widths: Path) -> None:
    assert found(widths)["sweeps"]["widths"] == {"points": 4, "failed": [], "computed": 6, "cached": 2}  # one is the spec itself
    log = (run_folder(widths) / "log.jsonl").read_text().splitlines()
    started = [json.loads(line) for line in log if '"start"' in line and "train fit" in line]
    assert len({each["hash"] for each in started}) == len(started) == 1 + 3 + 4


def test_each_metric_of_a_claim_has_a_figure_and_the_report_a_section(widths: Path) -> None:
    folder = run_folder(widths)
    assert {path.name for path in (folder / "sweeps" / "widths").iterdir()} >= {"fit.loss.png", "fit.loss.svg", "results.csv"}
    page = (folder / "report.html").read_text()
    assert "Sweep widths" in page
    assert "fit.loss against net.d_model" in page
    named = set(re.findall(r"(?:sweeps|figures)/[\w./-]+\.png", page))
    assert "sweeps/widths/fit.loss.png" in named
    assert all((folder / name).is_file() for name in named)
    assert "bars are their 95 % confidence intervals" in page


def test_intervals_over_seeds_and_differences_from_the_same_initialization_are_tabled(widths: Path) -> None:
    with (run_folder(widths) / "sweeps" / "widths" / "seeds.csv").open(newline="") as file:
        table = {(row["net.d_model"], row["result"]): row for row in csv.DictReader(file)}
    for width in ("4", "8"):
        points = [row for row in rows(widths, "widths") if row["net.d_model"] == width]
        trained = [float(point["beliefs.block[0].held_out.r2"]) for point in points]
        before = [float(point["beliefs.block[0].untrained.held_out.r2"]) for point in points]
        row = table[width, "beliefs.block[0].held_out.r2"]
        half = 12.7062047362 * statistics.stdev(trained) / 2**0.5
        assert (row["count"], float(row["mean"])) == ("2", pytest.approx(statistics.fmean(trained)))
        assert float(row["upper"]) - float(row["mean"]) == pytest.approx(half)
        differences = [a - b for a, b in zip(trained, before, strict=True)]
        half = 12.7062047362 * statistics.stdev(differences) / 2**0.5
        assert float(row["difference"]) == pytest.approx(statistics.fmean(differences))
        assert float(row["difference"]) - float(row["difference_lower"]) == pytest.approx(half)
        assert table[width, "fit.gap"]["difference"] == ""
    page = (run_folder(widths) / "report.html").read_text()
    assert "Mean over fit.seed with its 95 % confidence interval" in page


def test_the_untrained_control_is_the_very_initialization_that_was_trained(widths: Path) -> None:
    import torch

    from hmmdsl.exchange.loading import load_run
    from hmmdsl.models.build import build_network
    from hmmdsl.training.streams import stream

    run = load_run(run_folder(widths))
    drawn = build_network(run.experiment.models["net"], 2, stream(run.experiment.trains["fit"].seed, "initialization"))
    before = run.network(step=run.train().steps[0]).state_dict()
    assert all(torch.equal(before[name], value) for name, value in drawn.state_dict().items())
    # The control's score is that of these weights.
    found = run.results["beliefs"]["block"][0]["untrained"]["r2"]
    tree = run.tree()
    x, y = run.activations(step=0)["block[0]"].astype(float), tree.belief
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    left = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    assert found == pytest.approx(1 - (left**2).sum() / ((y - y.mean(axis=0)) ** 2).sum(), abs=1e-4)


def test_progress_counts_points(widths: Path) -> None:
    told = (widths / "progress.txt").read_text()
    assert "sweep widths: 0/4 points" in told
    assert "sweep widths: 4/4 points" in told


def test_running_again_computes_nothing(widths: Path) -> None:
    folder = run_folder(widths)
    timed = ("log.jsonl", "SHA256SUMS")  # the one that tells times, and its checksum
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name not in timed}
    again = json.loads(hmmdsl(widths, "run", "spec.hmm", "--json").stdout)
    assert [sweep["computed"] for sweep in again["sweeps"].values()] == [0, 0]
    assert {path: path.read_bytes() for path in before} == before


def test_another_value_on_an_axis_computes_its_points_alone(widths: Path) -> None:
    done = hmmdsl(widths, "run", "spec.hmm", "--json", "--set", "widths.fit.seed=0..3")
    assert json.loads(done.stdout)["sweeps"]["widths"]["computed"] == 4  # a train and an analysis for each of two widths


def test_points_and_runs_are_compared_side_by_side(widths: Path) -> None:
    folder = found(widths)["folder"]
    compared = json.loads(hmmdsl(widths, "compare", f"{folder}:widths:0", f"{folder}:widths:2", "--json").stdout)
    (parameters,) = (row for row in compared["rows"] if row["path"] == "fit.parameters")
    first, second = parameters["values"]
    assert second > first
    assert parameters["differences"] == [0, second - first]
    assert "no result differs" in hmmdsl(widths, "compare", folder, f"{folder}:widths:0", "--only", "fit").stdout
    assert len(json.loads(hmmdsl(widths, "compare", f"{folder}:widths", "--json").stdout)["columns"]) == 4
    for wrong in (f"{folder}:widths:4", f"{folder}:width", "nowhere"):
        assert hmmdsl(widths, "compare", wrong).returncode == 2


def test_a_loaded_run_knows_its_sweeps(widths: Path) -> None:
    from hmmdsl.exchange.loading import load_run

    run = load_run(run_folder(widths))
    assert list(run.sweeps) == ["widths", "rates"]
    sweep = run.sweeps["widths"]
    assert repr(sweep) == "<sweep widths: 2 of net.d_model x 2 of fit.seed>"
    table = rows(widths, "widths")
    assert [sweep.settings(k) for k in range(len(sweep))] == [
        {"net.d_model": int(row["net.d_model"]), "fit.seed": int(row["fit.seed"])} for row in table
    ]
    scores = sweep.array("beliefs.block[0].held_out.r2")
    assert scores.tolist() == np.reshape([float(row["beliefs.block[0].held_out.r2"]) for row in table], (2, 2)).tolist()
    assert sweep.point(2)["fit"]["loss"] == float(table[2]["fit.loss"])
    found = sweep.over("beliefs.block[0].held_out.r2", "fit.seed", minus="beliefs.block[0].untrained.held_out.r2")
    before = sweep.array("beliefs.block[0].untrained.held_out.r2")
    assert {key: one.mean for key, one in found.items()} == {
        (width,): pytest.approx(float(np.mean(scores[k] - before[k]))) for k, width in enumerate((4, 8))
    }
    with pytest.raises(KeyError, match=r"has no result 'fit\.los'; there are fit\.loss"):
        sweep.array("fit.los")
    with pytest.raises(KeyError, match=r"has no axis 'fit\.sed'; there are net\.d_model, fit\.seed"):
        sweep.over("fit.loss", "fit.sed")


def test_settings_are_compared_over_seeds_and_paired_by_them(widths: Path) -> None:
    folder = found(widths)["folder"]
    compared = json.loads(hmmdsl(widths, "compare", f"{folder}:widths", "--seeds", "--only", "fit.loss", "--json").stdout)
    assert compared["columns"] == ["net.d_model = 4", "net.d_model = 8"]
    (loss,) = compared["rows"]
    points = [float(row["fit.loss"]) for row in rows(widths, "widths")]
    assert [one["mean"] for one in loss["means"]] == pytest.approx([statistics.fmean(points[:2]), statistics.fmean(points[2:])])
    differences = [points[2] - points[0], points[3] - points[1]]
    half = 12.7062047362 * statistics.stdev(differences) / 2**0.5
    assert loss["differences"][1]["upper"] == pytest.approx(statistics.fmean(differences) + half)
    shown = hmmdsl(widths, "compare", f"{folder}:widths", "--seeds", "--only", "fit.loss").stdout
    assert "net.d_model = 8 (2 seeds)" in shown
    assert "minus the first" in shown
    assert re.search(r"fit\.loss +\d\.\d+ \[[−\d.]+, [\d.]+\]", shown)
    for wrong in (f"{folder}:rates", f"{folder}:widths:0", folder):
        assert hmmdsl(widths, "compare", wrong, "--seeds").returncode == 2


def test_a_run_with_sweeps_verifies_from_its_folder(widths: Path) -> None:
    done = hmmdsl(widths, "verify", found(widths)["folder"], "--json")
    verified = json.loads(done.stdout)
    assert done.returncode == 0
    assert verified["numbers"]["count"] == verified["numbers"]["identical"] > 50


def test_a_point_that_fails_fails_alone(tmp_path: Path) -> None:
    (tmp_path / "spec.hmm").write_text(DIVERGES)
    done = hmmdsl(tmp_path, "run", "spec.hmm", "--json")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    (failed,) = told["sweeps"]["rates"]["failed"]
    assert failed["point"] == "fit.optimizer.lr = 100"
    assert "not finite" in failed["reason"]
    lower, both = told["claims"]
    assert lower["holds"]
    assert not both["holds"]
    assert "fit.optimizer.lr = 100: the loss of fit is not finite" in both["reason"]
    with (tmp_path / told["folder"] / "sweeps" / "rates" / "results.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert first["failure"] == second["fit.loss"] == ""
    assert "not finite" in second["failure"]
    again = json.loads(hmmdsl(tmp_path, "run", "spec.hmm", "--json").stdout)
    assert again["sweeps"]["rates"]["computed"] == 0
    assert again["claims"] == told["claims"]
    assert "1 of 2 claims hold, 1 of 2 points failed" in hmmdsl(tmp_path, "run", "spec.hmm").stdout.splitlines()[-1]
    left = [path.name for path in (tmp_path / "store" / "work").rglob("*") if path.is_file()]
    assert all(name.startswith("step_") for name in left), "going on from there would diverge again"


def test_points_that_fail_fail_no_claim_that_reads_others(tmp_path: Path) -> None:
    (tmp_path / "spec.hmm").write_text(DIVERGES.rpartition("expect")[0])
    done = hmmdsl(tmp_path, "run", "spec.hmm")
    assert done.returncode == 0, done.stderr
    assert "1 of 1 claims hold, 1 of 2 points failed" in done.stdout.splitlines()[-1]


def test_check_counts_points_and_refuses_too_many(tmp_path: Path) -> None:
    (tmp_path / "spec.hmm").write_text(SPEC)
    assert "2 sweeps of 4 and 4 points" in hmmdsl(tmp_path, "check", "spec.hmm").stdout
    refused = hmmdsl(tmp_path, "check", "spec.hmm", "--max-points", "3")
    assert refused.returncode == 2
    assert "4 points (2 times 2), and 3 are allowed" in refused.stderr


def test_the_plan_tells_what_is_stored_of_a_sweep(widths: Path) -> None:
    told = hmmdsl(widths, "show", "spec.hmm", "--phase", "plan").stdout
    assert "sweep widths: 4 points, 8 stages, 8 stored" in told
    assert (
        "sweep rates: 4 points, 8 stages, 0 stored"
        in hmmdsl(widths, "show", "spec.hmm", "--phase", "plan", "--set", "net.context=2").stdout
    )
