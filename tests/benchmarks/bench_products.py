"""Products factor by factor against their joint process: the history tree, and drawing words.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_products

Ratios are of processor times, measured side by side.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from hmmdsl.process.algebra.product import in_full, product
from hmmdsl.process.history_tree import build_history_tree
from hmmdsl.process.process import Process
from hmmdsl.process.sampling import sample_words
from tests.process.known_processes import mess3, rrxor, zero_one_random

WORDS, LENGTH = 4096, 11


def best(work: Callable[[], object], repeats: int = 3) -> float:
    """The least processor time in seconds, after one call that fills the caches."""
    work()
    times = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def main() -> None:
    """Print one line for each product."""
    sizes = f"{'product':24}{'states':>8}{'tokens':>8}{'depth':>7}{'nodes':>10}"
    print(f"{sizes}{'tree':>10}{'/ joint':>9}{'M tokens/s':>12}{'/ joint':>9}")
    cases: list[tuple[str, list[Process], int, bool]] = [
        ("2 mess3", [mess3()] * 2, 5, True),
        ("mess3 x rrxor", [mess3(), rrxor()], 5, True),
        ("3 mess3", [mess3()] * 3, 3, True),
        ("4 zero_one_random", [zero_one_random()] * 4, 4, True),
        ("5 mess3", [mess3()] * 5, 2, False),
        ("10 zero_one_random", [zero_one_random()] * 10, 1, False),
    ]
    for name, parts, depth, comparable in cases:
        whole = product({f"f{k}": part for k, part in enumerate(parts)})
        nodes = len(build_history_tree(whole, depth))
        tree = best(lambda p=whole, d=depth: build_history_tree(p, d))  # type: ignore[misc]
        drawn = best(lambda p=whole: sample_words(p, WORDS, LENGTH, 0))  # type: ignore[misc]
        slower, ratio = "-", "-"
        if comparable:
            joint = in_full(whole)
            slower = f"{best(lambda p=joint, d=depth: build_history_tree(p, d)) / tree:.1f}"  # type: ignore[misc]
            ratio = f"{best(lambda p=joint: sample_words(p, WORDS, LENGTH, 0)) / drawn:.2f}"  # type: ignore[misc]
        rate = WORDS * LENGTH / drawn / 1e6
        sizes = f"{len(whole.states):8,}{len(whole.tokens):8,}{depth:7}{nodes:10,}"
        print(f"{name:24}{sizes}{tree * 1000:8.1f}ms{slower:>9}{rate:12.1f}{ratio:>9}")


if __name__ == "__main__":
    main()
