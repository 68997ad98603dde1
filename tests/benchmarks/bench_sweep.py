"""What a point of a sweep costs beside its analysis: 1,000 points of a trivial analysis of one shared training run.

    python -m tests.benchmarks.bench_sweep [POINTS]

Prints milliseconds that each further point adds to every phase (checking; planning, which is part of a run; a first run with its
table, figure and report; running again), less the time that the stages themselves take. The target is 5 ms.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SPEC = """
import std.processes (zero_one_random)
model net: transformer {{ layers = 1, d_model = 4, context = 3 }}
train fit {{ process = zero_one_random(), model = net, steps = 2 }}
analysis beliefs: regression {{ of = fit, at = [blocks], ridge = 0.001 }}
sweep penalties {{ beliefs.ridge = linspace(0.001, 1, {points}) }}
expect all(penalties.beliefs.block[0].r2 <= 1)
"""


@dataclass(frozen=True)
class Took:
    """Seconds on the clock, and of the processor: on a machine that does other things the first are longer."""

    clock: float = 0.0
    processor: float = 0.0

    @staticmethod
    def now() -> Took:
        return Took(time.perf_counter(), time.process_time())

    def __add__(self, other: Took) -> Took:
        return Took(self.clock + other.clock, self.processor + other.processor)

    def __sub__(self, other: Took) -> Took:
        return Took(self.clock - other.clock, self.processor - other.processor)

    def a_point(self, points: int) -> str:
        return f"{1000 * self.clock / points:.2f} ms a point ({1000 * self.processor / points:.2f} of the processor)"


def main(points: int) -> None:
    from hmmdsl.exchange.reading import read
    from hmmdsl.runtime.asked import Asked
    from hmmdsl.runtime.progress import Silence
    from hmmdsl.runtime.run import run
    from hmmdsl.runtime.stage import stage_kinds
    from hmmdsl.runtime.store.store import Store
    from hmmdsl.runtime.sweep.planning import plan_sweeps

    inner = Took()

    def timed(make: Callable[..., object]) -> Callable[..., object]:
        def making(*arguments: object) -> object:
            nonlocal inner
            began = Took.now()
            try:
                return make(*arguments)
            finally:
                inner = inner + (Took.now() - began)

        return making

    for kind in stage_kinds().values():
        kind.make = timed(kind.make)  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "penalties.hmm"
        taken: dict[str, dict[int, Took]] = {"check": {}, "plan": {}, "first run": {}, "run again": {}}
        for count in (2, 2, points):  # once for the libraries and the font cache, once for what every run costs
            path.write_text(SPEC.format(points=count))
            began = Took.now()
            compiled = read(path)
            taken["check"][count] = Took.now() - began
            began = Took.now()
            plan_sweeps(compiled)
            taken["plan"][count] = Took.now() - began
            store = Path(tempfile.mkdtemp(dir=folder))
            for label in ("first run", "run again"):
                inner, began = Took(), Took.now()
                run(compiled, Path(folder) / "runs", Silence(), Asked(Store.open(store)))
                taken[label][count] = Took.now() - began - inner
    overhead = {label: each[points] - each[2] for label, each in taken.items()}
    for label, took in overhead.items():
        print(f"{label}: {took.a_point(points - 2)} beyond the analyses")
    print(f"check and first run: {(overhead['check'] + overhead['first run']).a_point(points - 2)} (target 5 ms)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
