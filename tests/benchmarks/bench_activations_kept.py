"""All analyses of a spec with activations kept from one to the next, beside the same without, on one thread.

python -m tests.benchmarks.bench_activations_kept [SPEC] [--steps 20]

Training is cut to a few steps: what the analyses cost does not depend on the weights.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from threadpoolctl import threadpool_limits

from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.exchange.reading import read
from hmmdsl.language.compiled import Compiled
from hmmdsl.training import objective
from hmmdsl.training.loop import train_network
from hmmdsl.training.trained import Recent, Trained, kept_bytes

RRXOR = Path(__file__).parents[2] / "specs" / "rrxor.hmm"


def analyse(compiled: Compiled, trained: dict[str, Trained]) -> tuple[float, float, int]:
    """Seconds for all analyses, seconds in networks, and how often activations were computed."""
    inside: list[float] = []
    compute = objective.activations_on_tree

    def timed(*arguments: object) -> object:
        began = time.perf_counter()
        found = compute(*arguments)  # type: ignore[arg-type]
        inside.append(time.perf_counter() - began)
        return found

    objective.activations_on_tree = timed  # type: ignore[assignment]
    outcomes: dict[str, Outcome] = {}
    began = time.perf_counter()
    for name, analysis in compiled.experiment.analyses.items():
        outcomes[name] = analysis.compute(Inputs(name, trained, compiled.experiment.analyses, outcomes, compiled.processes))
    taken = time.perf_counter() - began
    objective.activations_on_tree = compute
    return taken, sum(inside), len(inside)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spec", type=Path, nargs="?", default=RRXOR)
    parser.add_argument("--steps", type=int, default=20)
    given = parser.parse_args()
    name = next(iter(read(given.spec, {}, None).experiment.trains))
    compiled = read(given.spec, {f"{name}.steps": str(given.steps)}, None)
    with TemporaryDirectory() as folder, threadpool_limits(limits=1):
        experiment = compiled.experiment
        trained = {
            name: train_network(
                name, train, experiment.models[train.model], compiled.processes[train.process], Path(folder) / name
            )
            for name, train in experiment.trains.items()
        }
        histories = sum(len(one.tree) for one in trained.values())
        print(f"{given.spec.name}, {histories:,} histories; at most {kept_bytes():,} bytes kept")
        analyse(compiled, {name: replace(one, recent=Recent(0)) for name, one in trained.items()})  # warm up
        times = []
        for label, limit in (("nothing kept", 0), ("activations kept", None)):
            fresh = {name: replace(one, recent=Recent(limit)) for name, one in trained.items()}
            taken, inside, count = analyse(compiled, fresh)
            times.append((taken, inside))
            print(f"{label:<20} {taken:7.2f} s, of them {inside:6.2f} s in {count} passes through the network")
        (before, inside_before), (after, inside_after) = times
        print(f"{inside_before / inside_after:.2f}x less in networks, {before / after:.2f}x in all")


if __name__ == "__main__":
    main()
