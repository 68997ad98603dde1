"""16 seeds of RRXOR, exact, 300 steps, at two threads: one by one against the planner's choice, side by side in one run.

    python -m tests.benchmarks.bench_seeds [--seeds 16] [--steps 300] [--width 64] [--rounds 1]

Each is `hmmdsl run` of a spec with one sweep over seeds, beginning with an empty store, its figures and report included.
One by one: one process with two threads (`threads = 2`, `--workers 1 --no-fuse`). The planner's choice: `threads = 1`, no option.
Fused: the same with `--fuse`. What each takes is its seconds beyond those of the same run with two steps, which loads the same
libraries and draws the same figures; and, as the target has it, the whole. Prints the ratios to one by one; the target is 1.4.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPEC = """
import std.processes (rrxor)
model net: transformer {{ layers = 4, heads = 1, d_head = 8, d_model = {width}, d_mlp = {mlp}, context = 10, activation = relu }}
train fit {{ process = rrxor(), model = net, steps = {steps}, optimizer = adamw {{ lr = 3e-3 }}, threads = {threads} }}
sweep seeds {{ fit.seed = 0..{seeds} }}
"""

WAYS = {
    "one by one": (2, ["--workers", "1", "--no-fuse"]),
    "the planner's choice": (1, []),
    "fused": (1, ["--fuse"]),
}
"""Threads of a training run, and the options."""


def took(folder: Path, way: str, arguments: argparse.Namespace, steps: int) -> float:
    """Seconds of one run."""
    threads, options = WAYS[way]
    place = Path(tempfile.mkdtemp(dir=folder))
    spec = place / "seeds.hmm"
    given = {"width": arguments.width, "mlp": 4 * arguments.width, "seeds": arguments.seeds}
    spec.write_text(SPEC.format(threads=threads, steps=steps, **given))
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "hmmdsl", "run", str(spec), "--quiet", "--out", str(place / "runs"), *options],
        env={**os.environ, "HMMDSL_STORE": str(place / "store")},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - began


def main(arguments: argparse.Namespace) -> None:
    """Measure each way in turn, round after round, and print the best of each."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        spec = place / "plan.hmm"
        given = {"width": arguments.width, "mlp": 4 * arguments.width, "seeds": arguments.seeds}
        spec.write_text(SPEC.format(threads=1, steps=arguments.steps, **given))
        shown = subprocess.run(
            [sys.executable, "-m", "hmmdsl", "show", str(spec), "--phase", "plan", "--no-store"],
            capture_output=True,
            text=True,
            check=True,
        )
        print("the plan:", *shown.stdout.strip().splitlines()[-2:], sep="\n  ", flush=True)
        whole: dict[str, float] = dict.fromkeys(WAYS, float("inf"))
        empty: dict[str, float] = dict.fromkeys(WAYS, float("inf"))
        for _ in range(arguments.rounds):
            for way in WAYS:
                empty[way] = min(empty[way], took(place, way, arguments, 2))
                whole[way] = min(whole[way], took(place, way, arguments, arguments.steps))
        first, *_ = WAYS
        steps = {way: whole[way] - empty[way] for way in WAYS}
        for way in WAYS:
            ratios = f"{whole[first] / whole[way]:.2f} (of the steps alone {steps[first] / steps[way]:.2f})"
            print(f"{way:22} {whole[way]:6.1f} s, of which {steps[way]:6.1f} s beyond two steps   ratio {ratios}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--width", type=int, default=64, help="d_model")
    parser.add_argument("--rounds", type=int, default=1)
    main(parser.parse_args())
