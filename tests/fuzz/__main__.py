"""`python -m tests.fuzz [KIND ...] --cases 100_000 --seed 1 [--minutes 60] [--keep FOLDER]`

Damages specs, experiment.yaml, matrices in JSON and npz, packs and stores, and gives each to hmmdsl in a process with limits:
two seconds of processor time and a gigabyte a case. A traceback, a case over a limit, and a spec that `fmt` changes twice are
failures: each kind of them is printed once, with its number, which makes it again (`--first NUMBER --cases 1`). Exits with 1 if
there are any.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz.running import Failure, run, work

EVERY = ("specs", "yaml", "json", "npz", "packs", "stores")


def main(arguments: argparse.Namespace) -> int:
    failing = 0
    for kind in arguments.kind or EVERY:
        began, tried, seen = time.monotonic(), 0, {}
        for heard in run(kind, arguments.seed, arguments.cases, arguments.first):
            if isinstance(heard, Failure):
                failing += 1
                told(heard, seen, arguments.keep)
            else:
                tried = heard
                if arguments.minutes is not None and time.monotonic() - began > 60 * arguments.minutes:
                    break
        else:
            tried = arguments.cases
        seconds = time.monotonic() - began
        print(
            f"{kind}: {tried:,} cases of seed {arguments.seed}, {sum(seen.values())} failures, {tried / seconds:.0f} a second",
            flush=True,
        )
    return 1 if failing else 0


def told(failure: Failure, seen: dict[str, int], keep: str | None) -> None:
    """Print the first of each kind of failure; keep all where asked."""
    kind = failure.how.partition("\n")[2] or failure.how[:80]
    seen[kind] = seen.get(kind, 0) + 1
    if seen[kind] == 1:
        print(f"\n{failure.kind} {failure.number}: {failure.how}\n{failure.case[:1500]!r}\n", flush=True)
    if keep:
        Path(keep).mkdir(parents=True, exist_ok=True)
        (Path(keep) / f"{failure.kind}-{failure.number}").write_bytes(failure.case)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        kind, seed, first, last = sys.argv[2:]
        work(kind, int(seed), int(first), int(last))
        sys.exit()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", nargs="*", choices=[*EVERY, []], help="; ".join(EVERY) + "; all if none is given")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--minutes", type=float, help="stop a kind after so long")
    parser.add_argument("--keep", help="a folder for the cases that fail")
    sys.exit(main(parser.parse_args()))
