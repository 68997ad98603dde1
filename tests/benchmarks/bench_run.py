"""The main jobs, whole and cold: how long they take, and the numbers that they must reach.

python -m tests.benchmarks.bench_run [--seeds 0 1 2] [--skip-mess3]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Reached:
    """A number against its limit."""

    what: str
    value: float
    limit: float
    at_least: bool

    def line(self) -> str:
        good = self.value >= self.limit if self.at_least else self.value <= self.limit
        sign = "≥" if self.at_least else "≤"
        return f"  {'ok ' if good else 'NOT'}  {self.what}: {self.value:.6g} ({sign} {self.limit:g})"


def at_least(what: str, value: float, limit: float) -> Reached:
    return Reached(what, value, limit, True)


def at_most(what: str, value: float, limit: float) -> Reached:
    return Reached(what, value, limit, False)


def run(spec: str, *settings: str) -> tuple[float, int, dict[str, Any]]:
    """Seconds, exit code and results of one run in a fresh process."""
    with tempfile.TemporaryDirectory() as out:
        command = [
            sys.executable,
            "-m",
            "hmmdsl",
            "run",
            f"specs/{spec}.hmm",
            "--json",
            "--quiet",
            "--out",
            out,
            "--store",
            f"{out}/store",
        ]
        for setting in settings:
            command += ["--set", setting]
        began = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        taken = time.perf_counter() - began
        return taken, done.returncode, json.loads(done.stdout)["results"]


def rrxor(seed: int) -> list[Reached]:
    taken, code, results = run("rrxor", f"fit.seed={seed}")
    beliefs, unseen = results["beliefs"], results["unseen"]["concat"]
    held_out = unseen["held_out"]["r2"]
    margin = beliefs["concat"]["r2"] - max(block["r2"] for block in beliefs["block"])
    return [
        at_most("seconds", taken, 60),
        at_most("exit code", code, 0),
        at_most("gap, nats", results["fit"]["gap"], 1e-4),
        at_least("distances to beliefs, R²", results["geometry"]["belief"]["r2"], 0.92 if seed == 0 else 0.88),
        at_most("distances to next tokens, R²", results["geometry"]["next_token"]["r2"], 0.42),
        at_least("concatenation above the best layer, R²", margin, 0.1),
        at_least("held out, R²", held_out, 0.6),
        at_least("above untrained, held out, R²", held_out - unseen["untrained"]["held_out"]["r2"], 0.4),
        at_least("above noise, held out, R²", held_out - unseen["noise"]["held_out"]["r2"], 0.4),
    ]


def mess3() -> list[Reached]:
    taken, code, results = run("mess3")
    last = results["beliefs"]["block"][-1]
    print(f"  untrained, last layer: R² {last['untrained']['r2']:.4f}, mse {last['untrained']['mse']:.2e}")
    return [
        at_most("seconds", taken, 120),
        at_most("exit code", code, 0),
        at_least("last layer, R²", last["r2"], 0.997),
        at_most("last layer, mse", last["mse"], 3 * 0.0004),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--skip-mess3", action="store_true")
    chosen = parser.parse_args()
    for seed in chosen.seeds:
        print(f"specs/rrxor.hmm, seed {seed}")
        print("\n".join(each.line() for each in rrxor(seed)))
    _, code, _ = run("rrxor", "fit.steps=1")
    print(f"specs/rrxor.hmm, one step\n{at_least('exit code', code, 1).line()}")
    if not chosen.skip_mess3:
        print("specs/mess3.hmm")
        print("\n".join(each.line() for each in mess3()))
    taken, code, _ = run("recurrent")
    print("specs/recurrent.hmm")
    print("\n".join(each.line() for each in (at_most("seconds", taken, 120), at_most("exit code", code, 0))))


if __name__ == "__main__":
    main()
