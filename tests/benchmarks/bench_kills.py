"""A real RRXOR run, killed 50 times: at random instants, and after random writes, half of these torn.

    python -m tests.benchmarks.bench_kills [--kills 50] [--steps 200] [--seed 0] [--draw]

Each kill is followed by the same command again, up to the end (kills that come in a row hit a run that was resumed already).
Results, claims, arrays and checkpoints are compared byte for byte with those of a run that nobody killed. Prints how many kills
led to a run of the same bytes.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.runtime.killed_runs import KilledRun, random_kill

SPEC = Path(__file__).parents[2] / "specs" / "rrxor.hmm"
WRITES = 40
"""A run makes more files last than this, with resume points as often as here."""


def bench(kills: int, steps: int, seed: int, draw: bool) -> bool:
    """Whether every kill was survived."""
    options = ("--profile", "smoke", "--set", f"fit.steps={steps}", "--set", "fit.checkpoints=log_spaced { count = 5 }")
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as temporary:
        alone = KilledRun(SPEC, Path(temporary) / "alone", *options, between=0.3, draw=draw)
        seconds = alone.finish()
        whole = alone.left()
        print(f"one run of {steps} steps: {seconds:.1f} s from the first step; {len(whole)} files are compared", flush=True)
        same = done = missed = 0
        while done < kills:
            run = KilledRun(SPEC, Path(temporary) / f"killed_{done}", *options, between=0.3, draw=draw)
            began, in_a_row = time.monotonic(), 0
            for _ in range(min(chance.randint(1, 12), kills - done)):
                killed = random_kill(run, chance, seconds, WRITES)
                if not killed:  # it ended before: the bytes are compared all the same
                    missed += 1
                    break
                in_a_row += 1
            run.finish()
            done += in_a_row
            good = run.left() == whole and not run.litter()
            same += in_a_row if good else 0
            print(
                f"{in_a_row} kills in a row: {'same bytes' if good else 'OTHER BYTES'}, {time.monotonic() - began:.0f} s",
                flush=True,
            )
    print(f"{same} of {done} kills resumed byte-identically ({missed} came after the end and do not count)")
    return same == done


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draw", action="store_true", help="draw the figures and write the report too")
    given = parser.parse_args()
    sys.exit(0 if bench(given.kills, given.steps, given.seed, given.draw) else 1)
