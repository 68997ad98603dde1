"""The published Mess3 experiment with learning curves, baselines and information, through the real command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Command = Callable[..., CompletedProcess[str]]

SPEC = Path(__file__).parent.parent / "specs" / "papers" / "shai_2024_mess3.hmm"


@pytest.mark.slow
def test_the_smoke_profile_runs_every_analysis_and_draws_its_figures(command: Command, tmp_path: Path) -> None:
    done = command("run", SPEC, "--profile", "smoke", "--quiet", "--json")
    found = json.loads(done.stdout)  # 20 steps run everything, and prove nothing of the network
    folder = tmp_path / found["folder"]
    results = json.loads((folder / "results.json").read_text())
    assert set(results) == {"fit", "beliefs", "curve", "simpler", "bits"}
    drawn = {path.name for path in (folder / "figures").iterdir()}
    assert {"curve.curve.svg", "simpler.memories.svg", "simpler.probes.svg", "simpler.rivals.svg", "bits.bits.svg"} <= drawn
    by_claim = {claim["label"]: claim["holds"] for claim in found["claims"]}
    assert by_claim["the optimal loss falls exponentially"]  # theory needs no training
    assert results["bits"]["block_3"]["held_out"]["bits"] <= results["bits"]["history"]
    assert "undefined" not in {claim["reason"] for claim in found["claims"]}
