"""How fast words are drawn, in tokens a second, and against one draw for each position.

    python -m tests.benchmarks.bench_sampling

The aim is 40 million tokens a second on one core, at 4096 words of length 11 and at 1024 of length 257.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_file
from hmmdsl.language.modules.imports import LIBRARY
from hmmdsl.process import sampling
from hmmdsl.process.process import Process

AIM = 40e6
SHAPES = ((4096, 11), (1024, 257), (64, 11))


def seconds(work: Callable[[], object], least: float = 0.4) -> float:
    """The best of many calls."""
    work()
    best, until = float("inf"), time.perf_counter() + least
    while time.perf_counter() < until:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def singly(process: Process, words: int, length: int) -> None:
    rng = np.random.default_rng(0)
    sampling._draw_singly(process, np.zeros(words, dtype=np.int64), length, rng, False)


def main() -> None:
    library = compile_file(LIBRARY / "processes.hmm", kinds()).declared
    print(f"{'process':20}{'words':>7}{'length':>7}{'M tokens/s':>12}{'with states':>13}{'/ singly':>10}")
    slowest = {shape: float("inf") for shape in SHAPES[:2]}
    for name, process in library.items():
        for words, length in SHAPES:
            tokens = words * length
            fast = tokens / seconds(lambda p=process, n=words, m=length: sampling.sample_words(p, n, m, 0))
            hidden = "-"  # dimensions of a generalized HMM are no states
            if not process.generalized:
                drawn = seconds(lambda p=process, n=words, m=length: sampling.sample_words_and_states(p, n, m, 0))
                hidden = f"{tokens / drawn / 1e6:.1f}"
            one = tokens / seconds(lambda p=process, n=words, m=length: singly(p, n, m))
            print(f"{name:20}{words:7}{length:7}{fast / 1e6:12.1f}{hidden:>13}{fast / one:10.1f}")
            if (words, length) in slowest:
                slowest[words, length] = min(slowest[words, length], fast)
    for (words, length), rate in slowest.items():
        print(f"slowest at {words} x {length}: {rate / 1e6:.1f} M tokens/s, {rate / AIM:.2f} of the aim")


if __name__ == "__main__":
    main()
