"""Packs through the real command line: made, opened by other tools, verified, tampered with, run and unpacked."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.command_line import Command, command_line
from tests.golden import GOLDEN

TINY = """\
import "parts/golden.hmm" as parts
model net: transformer { layers = 1, d_model = 8, context = 3 }
train fit { process = parts.golden(), model = net, steps = 3 }
expect "it is not worse than guessing": fit.loss < 2
"""


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of a run that was started with a setting."""
    folder = tmp_path_factory.mktemp("golden")
    (folder / "parts").mkdir()
    (folder / "parts" / "golden.hmm").write_text(GOLDEN)
    (folder / "golden.hmm").write_text(TINY)
    for call in (["run", "golden.hmm", "-q", "--set", "fit.steps=4", "--store", "store"], ["pack", None, "-o", "x.hmmz"]):
        words = [word or str(next((folder / "runs").iterdir())) for word in call]
        done = command_line(folder, *words)
        assert done.returncode == 0, done.stderr
    return folder / "x.hmmz"


def run_of(pack: Path) -> Path:
    return next((pack.parent / "runs").iterdir())


def test_any_tool_opens_a_pack(golden: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", golden], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    for name in ("manifest.json", "spec.hmm", "parts/golden.hmm", "report.html", "checkpoints/fit/step_4.safetensors"):
        assert name in done.stdout


def test_verify_runs_a_pack_again_and_every_number_is_the_same(golden: Path, command: Command) -> None:
    done = command("verify", golden, "--json", "-q")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["numbers"]["count"] == found["numbers"]["identical"] == 4
    assert found["changed"] == []


def test_a_number_that_was_made_better_is_found_by_verify(golden: Path, command: Command, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert command("unpack", golden, run).returncode == 0
    results = json.loads((run / "results.json").read_text())
    honest = results["fit"]["gap"]
    results["fit"]["gap"] /= 2
    (run / "results.json").write_text(json.dumps(results))
    assert command("pack", run, "-o", "better.hmmz").returncode == 0  # its checksums are right: only running tells
    done = command("verify", "better.hmmz", "-q")
    assert done.returncode == 1
    assert f"differs: fit.gap: {honest / 2!r} then, {honest!r} now" in done.stdout


def test_checksums_alone_are_checked_without_running(golden: Path, command: Command, tmp_path: Path) -> None:
    done = command("verify", golden, "--checksums-only")
    assert done.returncode == 0
    assert "is whole" in done.stdout
    with zipfile.ZipFile(golden) as source, zipfile.ZipFile(tmp_path / "bad.hmmz", "w") as target:
        for info in source.infolist():
            content = source.read(info)
            target.writestr(info, content.replace(b"loss", b"lass") if info.filename == "results.json" else content)
    for call in (["verify", "bad.hmmz", "--checksums-only"], ["verify", "bad.hmmz"], ["unpack", "bad.hmmz", "there"]):
        done = command(*call)
        assert done.returncode == 2, done.stdout
        assert done.stderr.startswith("error: bad.hmmz was changed or damaged: `results.json`")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("call", ["verify", "unpack", "run", "check"])
def test_a_pack_that_is_cut_off_is_told_by_every_command(call: str, golden: Path, command: Command, tmp_path: Path) -> None:
    (tmp_path / "cut.hmmz").write_bytes(golden.read_bytes()[:-100])
    done = command(call, "cut.hmmz")
    assert done.returncode == 2
    assert "cut.hmmz is cut off" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["cut.hmmz"]


def test_a_pack_runs_as_it_was_run(golden: Path, command: Command, tmp_path: Path) -> None:
    done = command("run", golden, "-q", "--store", golden.parent / "store")
    assert done.returncode == 0, done.stderr
    (again,) = (tmp_path / "runs").iterdir()
    assert again.name == run_of(golden).name
    for name in ("results.json", "spec.hmm", "parts/golden.hmm", "experiment.yaml"):
        assert (again / name).read_bytes() == (run_of(golden) / name).read_bytes()


def test_settings_come_on_top_of_those_that_a_pack_was_run_with(golden: Path, command: Command) -> None:
    done = command("show", golden, "--phase", "experiment", "--set", "net.d_model=4", "--json")
    experiment = json.loads(done.stdout)
    assert (experiment["models"]["net"]["d_model"], experiment["trains"]["fit"]["steps"]) == (4, 4)


def test_check_and_show_read_the_spec_of_a_pack(golden: Path, command: Command) -> None:
    done = command("check", golden)
    assert done.stdout.startswith("ok: "), done.stderr
    assert "stationary" in command("show", golden).stdout
