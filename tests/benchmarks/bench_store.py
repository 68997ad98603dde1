"""What the store costs, side by side with doing without: listing 100,000 entries, a run of which everything is stored, and the
overhead of a stage.

`python -m tests.benchmarks.bench_store [rows]`
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future
from hashlib import sha256
from pathlib import Path

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_text
from hmmdsl.runtime.engines.engine import Done
from hmmdsl.runtime.execution import run_stages
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.stage import MEASURED, Task, tasks_of
from hmmdsl.runtime.store.index import Row
from hmmdsl.runtime.store.store import Store

SPEC = Path(__file__).parents[2] / "specs" / "rrxor.hmm"
POINTS = 1000

TRIVIAL = """
import std.processes (golden_mean)
model net: transformer { layers = 1, d_model = 4, context = 3 }
train fit { process = golden_mean(), model = net, steps = 2 }
analysis positions: loss { of = fit }
"""


def seconds(*arguments: str, cwd: Path | None = None) -> float:
    """Wall-clock time of a whole process, the best of three."""
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        call = [sys.executable, "-m", "hmmdsl", *arguments]
        done = subprocess.run(call, cwd=cwd, check=False, capture_output=True, env={**os.environ, "NO_COLOR": "1"})
        assert done.returncode in (0, 1), done.stderr.decode()
        best = min(best, time.perf_counter() - began)
    return best


def bench_list(folder: Path, rows: int) -> None:
    store = Store.open(folder)
    made = (
        Row(sha256(str(k).encode()).hexdigest(), "train", f"fit{k % 97}", f"spec{k % 13}", float(k), float(k), k % 50, 10_000 + k)
        for k in range(rows)
    )
    for k in range(rows):  # a row without its folder would be taken out
        store.entry_folder(sha256(str(k).encode()).hexdigest()).mkdir(parents=True)
    began = time.perf_counter()
    store.index.add(made)
    print(f"{rows:,} rows into the index: {time.perf_counter() - began:.2f} s")
    bare = seconds("--version")
    for what, options in (
        ("the newest 50", []),
        ("all", ["--limit", "0"]),
        ("all as JSON", ["--limit", "0", "--json"]),
        ("one spec's newest 50", ["spec7"]),
    ):
        took = seconds("store", "list", "--store", str(folder), *options)
        print(f"list {what}: {took:.2f} s, {took - bare:.2f} s more than `--version` ({bare:.2f} s)")
    print(f"size: {seconds('store', 'size', '--store', str(folder)):.2f} s")


def bench_again(folder: Path) -> None:
    options = ["run", str(SPEC), "--profile", "smoke", "--set", "fit.steps=20", "--store", str(folder / "store"), "--quiet"]
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "hmmdsl", *options], cwd=folder, check=False, capture_output=True)
    first = time.perf_counter() - began
    again, check = seconds(*options, cwd=folder), seconds("check", str(SPEC))
    print(f"a run of RRXOR, 20 steps: {first:.1f} s; again, all stored: {again:.2f} s; `check` alone: {check:.2f} s")


def bench_stage(folder: Path) -> None:
    compiled = compile_text(TRIVIAL, "trivial.hmm", kinds(), settings={})
    store = Store.open(folder)
    began = time.perf_counter()
    tasks: list[Task] = []
    for seed in range(POINTS):
        fit = compiled.experiment.trains["fit"].model_copy(update={"seed": seed})
        experiment = compiled.experiment.model_copy(update={"trains": {"fit": fit}})
        made = tasks_of(make_plan(experiment), experiment, compiled.processes, MEASURED)
        tasks += [task for task in made if not task.stage.trains]
    planned = time.perf_counter()
    run_stages(tasks, Trivial(store))
    made = time.perf_counter()
    run_stages(tasks, Trivial(store))
    again = time.perf_counter()
    store.close()
    each = 1000 / POINTS
    print(
        f"a point of a sweep: {each * (planned - began):.2f} ms to plan, {each * (made - planned):.2f} ms to store nothing much, "
    )
    print(f"  {each * (again - made):.2f} ms to find it stored ({len({task.hash for task in tasks}):,} entries)")


class Trivial:
    """An engine whose stages take no time, so that what is left is the store's."""

    width = 1

    def __init__(self, store: Store) -> None:
        self.store = store

    def submit(self, task: Task) -> Future[Done]:

        future: Future[Done] = Future()
        obtained = self.store.obtain(task.key, lambda folder: {"results": {"loss": 0.5}})
        future.set_result(Done(task.hash, obtained.seconds, obtained.cached))
        return future

    def close(self) -> None: ...


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        bench_list(Path(folder) / "list", rows)
        bench_again(Path(folder))
        bench_stage(Path(folder) / "stages")


if __name__ == "__main__":
    main()
