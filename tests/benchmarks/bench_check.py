"""How long `hmmdsl check specs/rrxor.hmm` takes in a cold process, and what of it imports cost.

python -m tests.benchmarks.bench_check [--times 10]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LIMIT = 0.7
"""Seconds that it may take on two cores."""


def seconds(command: list[str]) -> float:
    """Wall-clock time of one process."""
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - began


def median(command: list[str], times: int) -> float:
    return statistics.median(seconds(command) for _ in range(times))


def slowest_imports(command: list[str], count: int) -> list[tuple[str, float]]:
    """The modules that take longest to import, with what they import, in seconds."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command[1:]], cwd=ROOT, check=True, capture_output=True, text=True
    )
    rows = [line.partition(":")[2].split("|") for line in done.stderr.splitlines() if line.startswith("import time:")][1:]
    found = [(module.strip(), int(total) / 1e6) for _, total, module in rows]
    return sorted(found, key=lambda row: -row[1])[:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    times = parser.parse_args().times
    check = [sys.executable, "-m", "hmmdsl", "check", "specs/rrxor.hmm"]
    seconds(check)  # byte code is written once
    taken = median(check, times)
    print(f"hmmdsl check specs/rrxor.hmm: {taken:.3f} s, {taken / LIMIT:.2f}x of the limit {LIMIT} s (median of {times})")
    print(f"an empty Python: {median([sys.executable, '-c', ''], times):.3f} s")
    print(f"hmmdsl --version: {median([sys.executable, '-m', 'hmmdsl', '--version'], times):.3f} s")
    for module, cost in slowest_imports(check, 15):
        print(f"  {cost:6.3f} s  {module}")


if __name__ == "__main__":
    main()
