"""The published experiments: every spec in `specs/` carries claims, runs, and shows what it claims."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from filelock import FileLock

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_file
from tests.command_line import Command, command_line

SPECS = sorted((Path(__file__).parent.parent / "specs").rglob("*.hmm"))

every_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)


def spec_called(name: str) -> Path:
    (spec,) = (spec for spec in SPECS if spec.stem == name)
    return spec


@dataclass(frozen=True)
class SmokeRun:
    """A run of a spec with few steps, which runs everything and proves nothing: its folder, results and judged claims."""

    folder: Path
    results: dict[str, Any]
    claims: list[dict[str, Any]]


Smoke: TypeAlias = Callable[[Path], SmokeRun]


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Smoke:
    """The smoke profile of a spec, run once however many tests read it, in whichever processes they run side by side."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def run(spec: Path) -> SmokeRun:
        place = shared / "smoke" / spec.stem
        place.mkdir(parents=True, exist_ok=True)
        told = place / "told.json"
        with FileLock(place / "lock"):
            if not told.exists():
                done = command_line(place, "run", spec, "--profile", "smoke", "--quiet", "--json")
                assert done.returncode in (0, 1), done.stderr  # claims may fail: it hardly trained
                told.write_text(done.stdout)
        printed = json.loads(told.read_text())
        folder = place / printed["folder"]
        return SmokeRun(folder, json.loads((folder / "results.json").read_text()), printed["claims"])

    return run


@every_spec
def test_every_spec_carries_claims_and_is_in_the_one_layout(spec: Path, command: Command) -> None:
    found = command("check", spec, "--json")
    assert found.returncode == 0
    (file,) = json.loads(found.stdout)
    assert file["claims"] > 0
    assert command("fmt", "--check", spec).returncode == 0


def test_a_paper_s_study_fits_on_a_page() -> None:
    papers = [spec for spec in SPECS if spec.parent.name == "papers"]
    assert len(papers) > 10
    assert not [spec.stem for spec in papers if len(spec.read_text().splitlines()) >= 60]


@pytest.mark.slow
@every_spec
def test_the_smoke_profile_runs_every_stage_and_judges_every_claim(spec: Path, smoke: Smoke) -> None:
    compiled, run = compile_file(spec, kinds(), profile="smoke"), smoke(spec)
    assert set(run.results) >= {*compiled.experiment.trains, *compiled.experiment.analyses}
    assert [claim["label"] for claim in run.claims] == [claim.label for claim in compiled.claims]
    assert (run.folder / "report.html").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["zero_one_random", "rrxor"])
def test_the_published_figures_are_reproduced(name: str, command: Command) -> None:
    """Mess3, which trains on drawn words for a minute and a half, and RRXOR of other seeds are run whole by
    `tests/benchmarks/bench_run.py`."""
    done = command("run", spec_called(name), "--quiet")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_every_kind_of_network_has_results_of_its_own_shape(smoke: Smoke) -> None:
    results = smoke(spec_called("recurrent")).results
    assert len(results["memory_beliefs"]["cell"]) == 1
    assert len(results["linear_beliefs"]["block"]) == 2
    assert results["fit_table"]["parameters"] == 2 * (2 + 4 + 8)


@pytest.mark.slow
def test_a_belief_that_is_written_is_followed_from_its_place(smoke: Smoke) -> None:
    run = smoke(spec_called("steering"))
    assert set(run.results["steer"]) == {"counterfactual", "history", "uniform"}
    assert run.results["steer"]["history"]["strength"][0]["old"] == run.results["steer"]["history"]["before"]["old"]
    assert run.results["swap"]["block"][3]["whole"]["restored"] == pytest.approx(1, abs=1e-4)
    for figure in ("steer.strengths", "gone.positions", "swap.restored"):
        assert (run.folder / "figures" / f"{figure}.png").is_file()


@pytest.mark.slow
def test_attention_is_measured_lag_by_lag(smoke: Smoke) -> None:
    run = smoke(spec_called("piotrowski_2025_attention"))
    assert len(run.results["quick_lags"]["layer"][0]["head"][0]["lag"]) == 5
    assert (run.folder / "figures" / "slow_lags.lags.png").is_file()


@pytest.mark.slow
def test_baselines_and_information_stand_beside_the_published_mess3(smoke: Smoke) -> None:
    run = smoke(spec_called("shai_2024_mess3"))
    drawn = {path.name for path in (run.folder / "figures").iterdir()}
    assert {"curve.curve.svg", "simpler.memories.svg", "simpler.probes.svg", "simpler.rivals.svg", "bits.bits.svg"} <= drawn
    by_claim = {claim["label"]: claim["holds"] for claim in run.claims}
    assert by_claim["the optimal loss falls exponentially"]  # theory needs no training
    assert run.results["bits"]["block_3"]["held_out"]["bits"] <= run.results["bits"]["history"]
    assert "undefined" not in {claim["reason"] for claim in run.claims}
