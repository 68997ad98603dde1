"""What a point of a sweep costs beside its analysis: 1,000 points of a trivial analysis of one shared training run.

    python tests/benchmarks/bench_sweep.py [POINTS]

Prints milliseconds that each further point adds to every phase (checking; planning, which is part of a run; a first run with its
table, figure and report; running again), less the time that the stages themselves take. The target is 5 ms.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

SPEC = """
import std.processes (zero_one_random)
model net: transformer {{ layers = 1, d_model = 4, context = 3 }}
train fit {{ process = zero_one_random(), model = net, steps = 2 }}
analysis beliefs: regression {{ of = fit, at = [blocks], ridge = 0.001 }}
sweep penalties {{ beliefs.ridge = linspace(0.001, 1, {points}) }}
expect all(penalties.beliefs.block[0].r2 <= 1)
"""


def main(points: int) -> None:
    from hmmdsl.runtime.engines import making
    from hmmdsl.runtime.progress import Silence
    from hmmdsl.runtime.reading import read
    from hmmdsl.runtime.run import run
    from hmmdsl.runtime.store.store import Store
    from hmmdsl.runtime.sweep.planning import plan_sweeps

    inner = 0.0
    made = making._made

    def timed(*arguments: object) -> object:
        nonlocal inner
        began = time.perf_counter()
        try:
            return made(*arguments)  # type: ignore[arg-type]
        finally:
            inner += time.perf_counter() - began

    making._made = timed  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "penalties.hmm"
        taken: dict[str, dict[int, float]] = {"check": {}, "plan": {}, "first run": {}, "run again": {}}
        for count in (2, 2, points):  # once for the libraries and the font cache, once for what every run costs
            path.write_text(SPEC.format(points=count))
            began = time.perf_counter()
            compiled = read(path)
            taken["check"][count] = time.perf_counter() - began
            began = time.perf_counter()
            plan_sweeps(compiled)
            taken["plan"][count] = time.perf_counter() - began
            store = Path(tempfile.mkdtemp(dir=folder))
            for label in ("first run", "run again"):
                inner, began = 0.0, time.perf_counter()
                run(compiled, Path(folder) / "runs", Silence(), store=Store.open(store))
                taken[label][count] = time.perf_counter() - began - inner
    overhead = {label: 1000 * (each[points] - each[2]) / (points - 2) for label, each in taken.items()}
    for label, milliseconds in overhead.items():
        print(f"{label}: {milliseconds:.2f} ms a point beyond the analyses")
    print(f"check and first run: {overhead['check'] + overhead['first run']:.2f} ms a point (target 5)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
