"""Whole runs through the real command line: the folder, the exit code, and the same bytes twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hmmdsl.exchange.reading import read
from hmmdsl.runtime.progress import Silence
from hmmdsl.runtime.run import run, write_inputs
from tests.command_line import Command, command_line
from tests.golden import GOLDEN

SPECS = Path(__file__).parents[2] / "specs"

TINY = (
    GOLDEN
    + """\
model net: transformer { layers = 1, d_model = 8, context = 3 }
train fit { process = golden(), model = net, steps = 3 }
expect "it is not worse than guessing": fit.loss < 2
"""
)


@pytest.fixture(scope="module")
def rrxor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs, in `first` and `second`, of the RRXOR spec for 20 steps, by interpreters of two hash seeds."""
    folder = tmp_path_factory.mktemp("rrxor")
    for out, fresh in (("first", False), ("second", True)):
        call = ("run", SPECS / "rrxor.hmm", "--profile", "smoke", "--set", "fit.steps=20", "--out", out)
        done = command_line(folder, *call, fresh=fresh, prepare=None)
        assert done.returncode == 1, done.stderr  # 20 steps do not reach the published figures, and the claims say so
        (folder / f"{out}.txt").write_text(done.stdout)
    return folder


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a tiny spec whose claim holds."""
    folder = tmp_path_factory.mktemp("golden")
    (folder / "golden.hmm").write_text(TINY)
    done = command_line(folder, "run", "golden.hmm", "--json")
    assert done.returncode == 0, done.stderr
    (folder / "progress.txt").write_text(done.stderr)
    found = json.loads(done.stdout)
    assert found["holds"]
    assert (folder / found["report"]).is_file()
    return folder / str(found["folder"])


def run_folder(out: Path) -> Path:
    (folder,) = out.iterdir()
    return folder


def test_a_run_leaves_everything_in_one_folder(rrxor: Path) -> None:
    folder = run_folder(rrxor / "first")
    assert folder.name.startswith("rrxor-")
    assert {
        "spec.hmm", "experiment.yaml", "results.json", "claims.json", "environment.json", "log.jsonl", "report.html",
        "figures", "checkpoints", "arrays",
    } <= {entry.name for entry in folder.iterdir()}  # fmt: skip
    assert (folder / "spec.hmm").read_bytes() == (SPECS / "rrxor.hmm").read_bytes()
    figures = list((folder / "figures").iterdir())
    assert {path.stem for path in figures if path.suffix == ".png"} == {path.stem for path in figures if path.suffix == ".svg"}
    assert all(json.loads(line)["time"] for line in (folder / "log.jsonl").read_text().splitlines())


def test_two_runs_of_the_same_spec_give_the_same_bytes(rrxor: Path) -> None:
    first, second = run_folder(rrxor / "first"), run_folder(rrxor / "second")
    same = [path.relative_to(first) for path in sorted(first.rglob("*")) if path.is_file()]
    timed = {"log.jsonl", "report.html", "SHA256SUMS"}  # the two that tell how long it took, and their checksums
    for path in same:
        if path.name not in timed:
            assert (first / path).read_bytes() == (second / path).read_bytes(), path
    assert {"results.json"} < {path.name for path in same}
    assert any(path.suffix == ".safetensors" and path.parts[0] == "checkpoints" for path in same)


def test_claims_find_their_numbers_in_the_results_by_name(rrxor: Path) -> None:
    results = json.loads((run_folder(rrxor / "first") / "results.json").read_text())
    assert results["fit"]["gap"] > 1e-3
    assert 0 < results["beliefs"]["block"][3]["r2"] <= 1
    assert results["unseen"]["concat"]["untrained"]["held_out"]["r2"] < 1


def test_the_summary_tells_the_claims_and_where_the_report_is(rrxor: Path) -> None:
    text = (rrxor / "first.txt").read_text()
    assert "✗ FAILS" in text
    assert "fit.gap < 1e-4" in text
    assert "report.html" in text.splitlines()[-1]


def test_an_experiment_file_runs_to_the_same_results(golden: Path, tmp_path: Path) -> None:
    again = run(read(golden / "experiment.yaml"), tmp_path, Silence())
    assert again.folder.name == golden.name
    for file in ("results.json", "claims.json", "experiment.yaml"):
        assert (again.folder / file).read_bytes() == (golden / file).read_bytes()


def test_verify_runs_again_and_tells_what_differs(golden: Path, command: Command, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(golden, copy)
    results = json.loads((copy / "results.json").read_text())
    results["fit"]["gap"] += 1e-3
    (copy / "results.json").write_text(json.dumps(results))
    done = command("verify", copy, "--json", "--quiet")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert [each["path"] for each in found["numbers"]["differ"]] == ["fit.gap"]
    assert found["numbers"]["identical"] == found["numbers"]["count"] - 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["copy"]


def test_a_run_tells_its_progress_in_plain_lines_where_there_is_no_terminal(golden: Path) -> None:
    text = (golden.parent.parent / "progress.txt").read_text()
    assert "step 3/3" in text
    assert "report: " in text


def test_imported_files_stand_beside_the_spec_in_the_run_folder(tmp_path: Path) -> None:
    head, body = TINY.split("model", 1)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "mine.hmm").write_text(head)
    main = tmp_path / "main.hmm"
    main.write_text('import "parts/mine.hmm" as mine\nmodel' + body.replace("golden()", "mine.golden()"))
    (tmp_path / "run").mkdir()
    write_inputs(read(main), tmp_path / "run")
    assert (tmp_path / "run" / "parts" / "mine.hmm").read_text() == head
    assert read(tmp_path / "run" / "spec.hmm").processes == read(main).processes


@pytest.mark.trains
def test_the_starter_runs_and_its_claims_hold(tmp_path: Path, command: Command) -> None:
    command("new", "starter")
    done = command("run", "starter.hmm", "--quiet")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_loss_that_diverges_stops_the_run_and_keeps_what_was_good(tmp_path: Path, command: Command) -> None:
    text = TINY.replace("steps = 3", "steps = 200, optimizer = sgd { lr = 100 }, checkpoints = every { steps = 1 }")
    (tmp_path / "golden.hmm").write_text(text.replace("d_model = 8", "d_model = 8, norm = none, initial_sd = 10"))
    done = command("run", "golden.hmm", "--quiet")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "step" in done.stderr
    kept = run_folder(tmp_path / "runs")
    assert kept.name.endswith(".failed")
    assert list((kept / "checkpoints" / "fit").glob("*.safetensors"))
    assert not (kept / "results.json").exists()


def test_an_output_folder_that_cannot_be_written_is_told_before_training(tmp_path: Path, command: Command) -> None:
    (tmp_path / "golden.hmm").write_text(TINY.replace("steps = 3", "steps = 1_000_000"))
    (tmp_path / "taken").write_text("a file")
    done = command("run", "golden.hmm", "--out", "taken")
    assert done.returncode == 2
    assert "taken can't be written" in done.stderr
    assert (tmp_path / "taken").read_text() == "a file"
