"""The published experiments: every spec in `specs/` carries claims, runs, and shows what it claims."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

SPECS = sorted((Path(__file__).parent.parent / "specs").rglob("*.hmm"))

Command = Callable[..., CompletedProcess[str]]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_every_spec_carries_claims_and_is_in_the_one_layout(spec: Path, command: Command) -> None:
    found = command("check", spec, "--json")
    assert found.returncode == 0
    (file,) = json.loads(found.stdout)
    assert file["claims"] > 0
    assert command("fmt", "--check", spec).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["zero_one_random", "rrxor", "bloch_walk"])
def test_the_published_figures_are_reproduced(name: str, command: Command) -> None:
    """Mess3, which trains on drawn words for a minute and a half, is run whole by `tests/benchmarks/bench_run.py`."""
    (spec,) = (spec for spec in SPECS if spec.stem == name)
    done = command("run", spec, "--quiet")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_mess3_runs_through_all_its_analyses(command: Command, tmp_path: Path) -> None:
    (spec,) = (spec for spec in SPECS if spec.stem == "mess3")
    done = command("run", spec, "--profile", "smoke", "--quiet", "--json")
    found = json.loads(done.stdout)  # 50 steps run everything, and prove nothing
    results = json.loads((tmp_path / found["folder"] / "results.json").read_text())
    assert set(results) == {"fit", "beliefs", "fractal", "emerging", "positions"}
    assert len(found["claims"]) == 8


@pytest.mark.slow
def test_every_kind_of_network_runs_side_by_side(command: Command, tmp_path: Path) -> None:
    """The whole run, of less than a minute, is in `tests/benchmarks/bench_run.py`; here few steps, which prove nothing."""
    (spec,) = (spec for spec in SPECS if spec.stem == "recurrent")
    done = command("run", spec, "--profile", "smoke", "--quiet", "--json")
    found = json.loads(done.stdout)
    results = json.loads((tmp_path / found["folder"] / "results.json").read_text())
    assert len(results["memory_beliefs"]["cell"]) == 1
    assert len(results["linear_beliefs"]["block"]) == 2
    assert results["fit_table"]["parameters"] == 2 * (2 + 4 + 8)
    assert len(found["claims"]) == 9
