"""Theory alone through the real command line: a spec without a network, whose sweep counts processes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

Command = Callable[..., CompletedProcess[str]]

SPEC = """
import std.processes (rrxor)
param seed = 0
process any = random_hmm(states = 3, tokens = 2, seed = seed, unifilar = true)

analysis about: portrait { process = any, depth = 4 }
analysis known: portrait { process = rrxor(), depth = 4 }

sweep many { seed = 0..3 }

expect "36 beliefs": known.beliefs.count == 36
expect "myopic entropies": known.myopic_entropies.bits[2] ~= 0.9183 ± 5e-5
expect "a unifilar process has finitely many causal states": mean(many.about.causal_cardinality.finite) == 1
expect "at most its states": all(many.about.causal_states <= 3)
"""


def test_a_sweep_counts_processes_without_a_network(command: Command, tmp_path: Path) -> None:
    spec = tmp_path / "count.hmm"
    spec.write_text(SPEC)
    done = command("run", spec, "--quiet", "--json", "--workers", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / json.loads(done.stdout)["folder"]
    results = json.loads((folder / "results.json").read_text())
    assert len(results["many"]["about"]["causal_cardinality"]["finite"]) == 3
    assert results["known"]["causal_cardinality"]["proven"] == 1
    with (folder / "sweeps" / "many" / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["seed"] for row in rows] == ["0", "1", "2"]
    assert all(float(row["about.entropy_rate.bits"]) > 0 for row in rows)


def test_a_portrait_of_no_process_is_a_mistake_that_check_finds(command: Command, tmp_path: Path) -> None:
    spec = tmp_path / "none.hmm"
    spec.write_text("analysis about: portrait { process = nothing }\nexpect about.period == 1\n")
    done = command("check", spec)
    assert done.returncode == 2
    assert "nothing" in done.stdout + done.stderr
