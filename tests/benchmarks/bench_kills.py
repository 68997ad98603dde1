"""A real RRXOR run: killed 50 times, on full disks and with its clock set back 50 times, and four at once 50 times.

    python -m tests.benchmarks.bench_kills [--kills 50] [--faults 50] [--together 50] [--steps 200] [--seed 0] [--draw]

The three are done one after another; 0 leaves one out.

Kills: at random instants, and after random writes, half of these torn. Each is followed by the same command again, up to the end
(kills that come in a row hit a run that was resumed already). Results, claims, arrays and checkpoints are compared byte for byte
with those of a run that nobody killed. Prints how many kills led to a run of the same bytes.

Faults: a finished run, with a note in its folder, is computed again, each time with a disk that is full from a random write on or
a clock that is set back there: it must end with exit code 3 and a sentence, or as ever; the note, results and figures stay to the
byte.

Together: four of the same command at once, the store empty, in a folder where a note stands: all must end well, with the same
bytes, and the note.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.runtime.killed_runs import Fault, KilledRun, random_kill

SPEC = Path(__file__).parents[2] / "specs" / "rrxor.hmm"

AT_ONCE = 4
"""Runs that begin together."""

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


FAULTS: tuple[Fault, ...] = ("full", "full", "full", "set back")


def bench_faults(faults: int, steps: int, seed: int) -> bool:
    """Whether nothing was lost, whatever the disk and the clock did."""
    options = ("--profile", "smoke", "--set", f"fit.steps={steps}", "--set", "fit.checkpoints=log_spaced { count = 5 }")
    chance, good = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as temporary:
        run = KilledRun(SPEC, Path(temporary) / "run", *options, between=0.3)
        run.finish()
        whole = run.left()
        (folder,) = (run.folder / "runs").iterdir()
        (folder / "note.md").write_text("mine")
        for _ in range(faults):
            fault, write = chance.choice(FAULTS), chance.randint(1, WRITES)
            code, said = run.again_with(fault, write)
            told = "Traceback" not in said and "internal error" not in said and ("the disk is full" in said or code in (0, 1))
            kept = (folder / "note.md").read_text() == "mine" and run.left() == whole and not run.litter()
            good += code in ((3, 0, 1) if fault == "full" else (0, 1)) and told and kept
            print(
                f"{fault} from write {write}: exit code {code}, {'kept' if kept else 'LOST'}, {'told' if told else said}",
                flush=True,
            )
        run.finish()
        good += run.left() == whole and (folder / "note.md").read_text() == "mine"
    print(f"{good - 1} of {faults} faults lost nothing and were told; the run after them ended with the same bytes")
    return good == faults + 1


def bench_together(rounds: int, steps: int) -> bool:
    """Whether runs of one experiment at the same time never harmed each other."""
    options = ("--profile", "smoke", "--set", f"fit.steps={steps}", "--set", "fit.checkpoints=log_spaced { count = 5 }")
    good = 0
    with tempfile.TemporaryDirectory() as temporary:
        run = KilledRun(SPEC, Path(temporary) / "run", *options, between=0.3)
        run.finish()
        whole = run.left()
        (folder,) = (run.folder / "runs").iterdir()
        (folder / "note.md").write_text("mine")
        for _ in range(rounds):
            codes = run.at_once(AT_ONCE)
            kept = (folder / "note.md").read_text() == "mine" and run.left() == whole and not run.litter()
            good += kept and set(codes) <= {0, 1}
            print(f"{AT_ONCE} at once: exit codes {codes}, {'same bytes' if kept else 'OTHER BYTES'}", flush=True)
    print(f"{good} of {rounds} times {AT_ONCE} runs at once ended well, with the same bytes")
    return good == rounds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="times that a run is killed")
    parser.add_argument("--faults", type=int, default=50, help="full disks and clocks set back")
    parser.add_argument("--together", type=int, default=50, help="times that four runs begin at once")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draw", action="store_true", help="draw the figures and write the report too, where runs are killed")
    given = parser.parse_args()
    held = [
        not given.kills or bench(given.kills, given.steps, given.seed, given.draw),
        not given.faults or bench_faults(given.faults, given.steps, given.seed),
        not given.together or bench_together(given.together, given.steps),
    ]
    sys.exit(0 if all(held) else 1)
