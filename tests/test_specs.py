"""The published experiments: every spec in `specs/` carries claims, runs, and shows what it claims."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_file
from tests.command_line import Command

pytestmark = pytest.mark.usefixtures("shared_store")  # as a user's do: the same process is described and drawn once

SPECS = sorted((Path(__file__).parent.parent / "specs").rglob("*.hmm"))


def spec_called(name: str) -> Path:
    (spec,) = (spec for spec in SPECS if spec.stem == name)
    return spec


@dataclass(frozen=True)
class SpecRun:
    """A run of a spec: its folder, results and judged claims. One with few steps runs everything and proves nothing."""

    folder: Path
    results: dict[str, Any]
    claims: list[dict[str, Any]]


def test_every_spec_carries_claims_and_is_in_the_one_layout(command: Command) -> None:
    found = command("check", *SPECS, "--json")
    assert found.returncode == 0
    files = json.loads(found.stdout)
    assert len(files) == len(SPECS)
    assert all(file["claims"] > 0 for file in files)
    assert command("fmt", "--check", *SPECS).returncode == 0


def _recurrent(run: SpecRun) -> None:
    """Every kind of network has results of its own shape."""
    assert len(run.results["memory_beliefs"]["cell"]) == 1
    assert len(run.results["linear_beliefs"]["block"]) == 2
    assert run.results["fit_table"]["parameters"] == 2 * (2 + 4 + 8)


def _steering(run: SpecRun) -> None:
    """A belief that is written is followed from its place."""
    assert set(run.results["steer"]) == {"counterfactual", "history", "uniform"}
    assert run.results["steer"]["history"]["strength"][0]["old"] == run.results["steer"]["history"]["before"]["old"]
    assert run.results["swap"]["block"][3]["whole"]["restored"] == pytest.approx(1, abs=1e-4)
    for figure in ("steer.strengths", "gone.positions", "swap.restored"):
        assert (run.folder / "figures" / f"{figure}.png").is_file()


def _piotrowski(run: SpecRun) -> None:
    """Attention is measured lag by lag."""
    assert len(run.results["quick_lags"]["layer"][0]["head"][0]["lag"]) == 5
    assert (run.folder / "figures" / "slow_lags.lags.png").is_file()


def _shai_mess3(run: SpecRun) -> None:
    """Baselines and information stand beside the published Mess3."""
    drawn = {path.name for path in (run.folder / "figures").iterdir()}
    assert {"curve.curve.svg", "simpler.memories.svg", "simpler.probes.svg", "simpler.rivals.svg", "bits.bits.svg"} <= drawn
    by_claim = {claim["label"]: claim["holds"] for claim in run.claims}
    assert by_claim["the optimal loss falls exponentially"]  # theory needs no training
    assert run.results["bits"]["block_3"]["held_out"]["bits"] <= run.results["bits"]["history"]
    assert "undefined" not in {claim["reason"] for claim in run.claims}


ITS_OWN: dict[str, Callable[[SpecRun], None]] = {
    "recurrent": _recurrent,
    "steering": _steering,
    "piotrowski_2025_attention": _piotrowski,
    "shai_2024_mess3": _shai_mess3,
}
"""What the runs of some specs show besides."""


WHOLE = ("zero_one_random", "rrxor")
"""Run by their default profile, with the published steps. Mess3, which trains on drawn words for a minute and a half, and RRXOR
of other seeds are run whole by `tests/benchmarks/bench_run.py`."""


def shown(spec: Path, command: Command, folder: Path, profile: str | None) -> SpecRun:
    """Run a spec and look at all that it must leave, whatever its claims say."""
    compiled = compile_file(spec, kinds(), profile=profile)
    options = ("--profile", profile) if profile else ()
    alone = ("--workers", "1")  # other tests run on the other core
    done = command("run", spec, *options, *alone, "--quiet", "--json")
    assert done.returncode in (0, 1), done.stderr  # claims may fail where it hardly trained
    printed = json.loads(done.stdout)
    place = folder / printed["folder"]
    run = SpecRun(place, json.loads((place / "results.json").read_text()), printed["claims"])
    assert done.returncode == int(not all(claim["holds"] for claim in run.claims))
    assert set(run.results) >= {*compiled.experiment.trains, *compiled.experiment.analyses}
    assert [claim["label"] for claim in run.claims] == [claim.label for claim in compiled.claims]
    assert (run.folder / "report.html").is_file()
    return run


@pytest.mark.slow
@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.stem not in WHOLE], ids=lambda spec: spec.stem)
def test_the_smoke_profile_runs_every_stage_and_judges_every_claim(spec: Path, command: Command, tmp_path: Path) -> None:
    ITS_OWN.get(spec.stem, lambda run: None)(shown(spec, command, tmp_path, "smoke"))


@pytest.mark.trains
@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_the_published_figures_are_reproduced(name: str, command: Command, tmp_path: Path) -> None:
    run = shown(spec_called(name), command, tmp_path, None)
    assert [claim["label"] for claim in run.claims if not claim["holds"]] == []
