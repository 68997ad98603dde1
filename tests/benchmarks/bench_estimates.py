"""What the plan says that each stage takes, beside the processor time that it took: `python tests/benchmarks/bench_estimates.py`.

Every kind of analysis is read off a small network, a wider one, and a product of five factors whose words are drawn. Exits 1 if a
stage of a second or more is off by more than a factor of three.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_text
from hmmdsl.runtime.estimate import estimate
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.progress import Silence
from hmmdsl.runtime.run import run
from hmmdsl.runtime.stage import tasks_of

EVERY = """
analysis plain: regression {{ of = fit, target = belief, at = [blocks] }}
analysis all: regression {{ of = fit, target = [belief, next_token], at = [blocks, concat],
  controls = [held_out, untrained, shuffled {{ repeats = 20 }}, noise] }}
analysis geometry: distances {{ of = all.belief.concat, against = [belief, next_token], controls = [untrained] }}
analysis training: emergence {{ of = plain }}
analysis losses: loss {{ of = fit }}
analysis lags: attention {{ of = fit, controls = [untrained] }}
analysis simple: baselines {{ of = fit, at = [concat] }}
analysis bits: information {{ of = fit, at = [blocks] }}
analysis curve: learning {{ of = fit }}
analysis dims: pca {{ of = fit, controls = [untrained, held_out] }}
analysis angles: subspaces {{ between = all, controls = [untrained] }}
analysis apart: distinctions {{ of = fit, controls = [untrained] }}
analysis steer: intervention {{ probe = plain.block[1], controls = [random, shuffled] }}
analysis swap: patching {{ of = fit, source = "{source}", base = "{base}", controls = [random] }}
"""

SPECS = {
    "small": """
import std.processes (rrxor)
model net: transformer { layers = 4, heads = 1, d_head = 8, d_model = 64, d_mlp = 256, context = 10 }
train fit { process = rrxor(), model = net, steps = 200, checkpoints = log_spaced { count = 4 } }
"""
    + EVERY.format(source="0 1 1", base="0 0 0"),
    "wide": """
import std.processes (mess3)
model net: transformer { layers = 2, heads = 4, d_model = 128, d_mlp = 512, context = 8 }
train fit { process = mess3(), model = net, steps = 20, data = sampled { batch = 64 }, checkpoints = log_spaced { count = 3 } }
"""
    + EVERY.format(source="t[0] t[1]", base="t[0] t[0]"),
    "factored": """
import std.processes (mess3, golden_mean)
process five = product(a = mess3(), b = mess3(0.1, 0.6), c = mess3(0.15, 0.6), d = golden_mean(), e = golden_mean(1/3))
model net: transformer { layers = 3, heads = 4, d_model = 120, d_mlp = 480, context = 8 }
train fit { process = five, model = net, steps = 20, data = sampled { batch = 32 } }
analysis factors: regression { of = fit, target = [factor.a, factor.b, factor.c, factor.d, factor.e], at = [blocks],
  controls = [held_out { folds = 5 }, untrained] }
analysis angles: subspaces { between = factors, controls = [untrained, shuffled { repeats = 5 }] }
analysis dims: pca { of = fit, controls = [untrained, held_out] }
""",
}


def main(names: list[str]) -> int:
    """Run the specs and print a line for each stage."""
    off = 0
    for name in names or SPECS:
        compiled = compile_text(SPECS[name], f"{name}.hmm", kinds())
        tasks = tasks_of(make_plan(compiled.experiment), compiled.experiment, compiled.processes)
        planned = {task.stage.id: estimate(task).seconds for task in tasks}
        with tempfile.TemporaryDirectory() as folder:
            made = run(compiled, Path(folder), Silence())
            for line in (made.folder / "log.jsonl").read_text().splitlines():
                event = json.loads(line)
                if event.get("event") != "finish" or event.get("stage") not in planned or "processor_seconds" not in event:
                    continue
                took, said = event["processor_seconds"], planned[event["stage"]]
                wrong = max(took, said) >= 1 and not 1 / 3 <= took / said <= 3
                off += wrong
                print(
                    f"{name:9} {event['stage']:24} planned {said:7.2f} s  took {took:7.2f} s{'   <-' if wrong else ''}",
                    flush=True,
                )
    return int(off > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
