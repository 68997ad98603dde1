"""A real RRXOR run, killed at random instants and after writes, ends with the bytes of one that was left alone."""

from __future__ import annotations

import random
import re
import signal
from pathlib import Path

import pytest

from tests.runtime.killed_runs import KilledRun

Alone = tuple[KilledRun, float]
"""A run that nobody killed, and how many seconds it took from the first step."""

SPEC = """\
import std.processes (rrxor)
model net: transformer { layers = 2, d_model = 32, d_mlp = 64, context = 8 }
train fit {
  process = rrxor(), model = net, data = DATA, steps = 120
  optimizer = adamw { lr = 3e-3 }, schedule = one_cycle, checkpoints = log_spaced { count = 5 }
}
analysis positions: loss { of = fit }
"""


def spec(folder: Path, data: str) -> Path:
    path = folder / "killed.hmm"
    path.write_text(SPEC.replace("DATA", data))
    return path


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Alone]:
    """The same runs without a kill, each with how many seconds its training and all after it took."""
    done = {}
    for data in ("exact", "sampled"):
        folder = tmp_path_factory.mktemp(data)
        run = KilledRun(spec(folder, data), folder)
        done[data] = run, run.finish()
        assert "checkpoints/fit/step_120.safetensors" in run.left()
    return done


@pytest.mark.parametrize("data", ["exact", "sampled"])
def test_four_kills_change_no_byte(data: str, alone: dict[str, Alone], tmp_path: Path) -> None:
    chance = random.Random(data)
    run = KilledRun(spec(tmp_path, data), tmp_path)
    whole, took = alone[data]
    assert run.kill_after_seconds(chance.uniform(0.0, took / 4))
    assert run.kill_after_write(chance.randint(1, 9), torn=True)
    assert run.kill_after_write(chance.randint(10, 20))
    run.kill_after_seconds(chance.uniform(0.0, took / 4))  # what is left may take less: then the run is whole already
    run.finish()
    assert run.left() == whole.left()
    assert not run.litter()
    assert not run.begun()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_after_the_step_and_the_same_command_goes_on(number: signal.Signals, code: int, tmp_path: Path) -> None:
    path = tmp_path / "long.hmm"
    path.write_text(SPEC.replace("DATA", "exact").replace("120", "1_000_000"))
    run = KilledRun(path, tmp_path, between=0)
    first, stopped = stop(run, number, code)
    assert first == 1
    assert not list((tmp_path / "runs").iterdir())
    assert len(run.begun()) == 1
    if number == signal.SIGINT:
        assert stop(run, number, code)[0] == stopped + 1


def stop(run: KilledRun, number: signal.Signals, code: int) -> tuple[int, int]:
    """Send the signal in training; the first step that was done, and the last, as the message tells it."""
    returned, said = run.signal_in_training(number, 1)
    assert returned == code
    assert "Traceback" not in said
    assert "run the same command again to continue" in said
    told = re.search(r"^error: training of fit stopped after step ([\d,]+) of 1,000,000$", said, re.MULTILINE)
    first = re.search(r"^ +step ([\d,]+)/1,000,000", said, re.MULTILINE)
    assert told is not None
    assert first is not None
    return int(first[1].replace(",", "")), int(told[1].replace(",", ""))


def test_a_disk_that_takes_no_more_is_told_and_what_is_kept_is_whole(alone: dict[str, Alone], tmp_path: Path) -> None:
    """The system's own limit on the size of a file: a resume point is larger than a checkpoint and meets it first."""
    run = KilledRun(spec(tmp_path, "exact"), tmp_path)
    whole = alone["exact"][0].left()
    code, said = run.with_file_limit(len(whole["checkpoints/fit/step_120.safetensors"]) + 4096)
    assert code == 3
    assert "Traceback" not in said
    assert "a file would be larger than the system allows (during train fit)" in said
    assert "run the same command again" in said
    assert not list(tmp_path.rglob("*.partial"))
    kept = {path.name: path.read_bytes() for folder in run.begun() for path in folder.glob("step_*")}
    assert kept
    assert all(data == whole[f"checkpoints/fit/{name}"] for name, data in kept.items())
