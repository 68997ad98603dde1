"""16 seeds of RRXOR, exact, 300 steps, at two threads: one by one against the planner's choice, side by side in one run.

    python tests/benchmarks/bench_seeds.py [SEEDS]

One by one: one process that trains one seed after another with two threads each. The planner's choice: what `hmmdsl run` does
with no option, the training runs with one thread each. Both begin with an empty store; the time that workers take to load their
libraries counts. Prints seconds of each and their ratio; the target is 1.4.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

SPEC = """
import std.processes (rrxor)
model net: transformer {{ layers = 4, heads = 1, d_head = 8, d_model = 64, d_mlp = 256, context = 10, activation = relu }}
train fit {{ process = rrxor(), model = net, steps = 300, optimizer = adamw {{ lr = 3e-3 }}, threads = {threads} }}
sweep seeds {{ fit.seed = 0..{seeds} }}
"""


def main(seeds: int) -> None:
    from hmmdsl.runtime.engines.choice import choose_workers
    from hmmdsl.runtime.engines.local import LocalEngine
    from hmmdsl.runtime.engines.opening import EngineChoice, open_engine
    from hmmdsl.runtime.execution import run_stages
    from hmmdsl.runtime.log import RunLog
    from hmmdsl.runtime.progress import Silence
    from hmmdsl.runtime.reading import read
    from hmmdsl.runtime.stages.shelf import Shelf
    from hmmdsl.runtime.stages.task import Task
    from hmmdsl.runtime.store.store import Store
    from hmmdsl.runtime.sweep.planning import plan_sweeps, tasks_of_points

    with tempfile.TemporaryDirectory() as folder:

        def tasks(threads: int) -> list[Task]:
            path = Path(folder) / f"seeds_{threads}.hmm"
            path.write_text(SPEC.format(threads=threads, seeds=seeds))
            return tasks_of_points(plan_sweeps(read(path)))

        def timed(name: str, wanted: list[Task], choice: EngineChoice) -> float:
            store = Store.open(Path(folder) / name)
            began = time.perf_counter()
            engine = open_engine(choice, wanted, store, Silence(), RunLog(None))
            inner = engine or LocalEngine(Shelf(store), Silence(), RunLog(None))
            try:
                run_stages(wanted, inner)
            finally:
                inner.close()
            return time.perf_counter() - began

        print(f"the planner: {choose_workers(tasks(1), None, None)}")
        timed("warm", tasks(2)[:1], EngineChoice(workers=1))  # loads the libraries of this process
        one = timed("one", tasks(2), EngineChoice(workers=1))
        chosen = timed("chosen", tasks(1), EngineChoice())
        print(f"{seeds} seeds   one by one {one:.1f} s   by the planner's choice {chosen:.1f} s   ratio {one / chosen:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 16)
