"""What resume points cost: RRXOR in the paper's setting, for about 40 seconds.

    python -m tests.benchmarks.bench_resume_points [--steps 3000]

Prints how many were written, how long that took, and its share of the whole; and how long the finished folder takes to be
verified and read again.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.schema.train import AdamW, LogSpaced, OneCycle, Train
from hmmdsl.training.loop import train_network
from hmmdsl.training.resumption import ResumePoint, ResumePoints
from tests.process.known_processes import rrxor

PAPER = Transformer(layers=4, heads=1, d_head=8, d_model=64, d_mlp=256, context=10)


class Timed:
    """Counts the calls of a function and their seconds."""

    def __init__(self) -> None:
        self.calls, self.seconds = 0, 0.0

    def of(self, name: str) -> None:
        function = getattr(ResumePoints, name)

        def timed(points: ResumePoints, *given: ResumePoint) -> object:
            began = time.perf_counter()
            found: object = function(points, *given)
            self.seconds += time.perf_counter() - began
            self.calls += 1
            return found

        setattr(ResumePoints, name, timed)


def bench(steps: int) -> None:
    train = Train(
        process="p",
        model="m",
        optimizer=AdamW(lr=3e-3),
        schedule=OneCycle(warmup=0.05),
        steps=steps,
        checkpoints=LogSpaced(count=12),
    )
    written, asked = Timed(), Timed()
    written.of("write")
    written.of("finish")
    asked.of("due")
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        train_network("fit", train, PAPER, rrxor(), Path(folder), "cpu")
        taken = time.perf_counter() - began
        began = time.perf_counter()
        train_network("fit", train, PAPER, rrxor(), Path(folder), "cpu")
        again = time.perf_counter() - began
    each, question = written.seconds / written.calls, asked.seconds / asked.calls
    print(f"{steps:,} steps in {taken:.1f} s: {written.calls} resume points, {1e3 * each:.1f} ms each, ", end="")
    print(f"{1e6 * question:.1f} µs a step to ask whether one is due; ", end="")
    print(f"together {100 * (written.seconds + asked.seconds) / taken:.3f} % of the run")
    print(f"the finished run again: {again:.2f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3000)
    bench(parser.parse_args().steps)
