"""The stages that make numbers, in the plan's order, each within the threads that are part of its identity."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.runtime.failures import RunError, failure_of
from hmmdsl.runtime.results_file import plain
from hmmdsl.runtime.training_folder import training_folder

if TYPE_CHECKING:
    from hmmdsl.analysis.outcome import Inputs, Outcome
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.process.portrait import Portrait
    from hmmdsl.runtime.log import RunLog
    from hmmdsl.runtime.plan import Plan, Stage
    from hmmdsl.runtime.progress import Progress
    from hmmdsl.training.trained import Trained

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass
class Computed:
    """What the stages have made so far. `results` is nested as results.json; `seconds` are wall-clock times by stage id."""

    results: dict[str, Any] = field(default_factory=dict)
    trained: dict[str, Trained] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    portraits: dict[str, Portrait] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def compute(compiled: Compiled, plan: Plan, folder: Path, progress: Progress, log: RunLog, out: Path | None = None) -> Computed:
    """Describe the processes, train, and analyse; checkpoints go to `folder/checkpoints/<train>`.

    With `out`, training that an earlier process did not finish there goes on, and what is done now is kept there for a later one.

    Raises RunError if a loss is not finite or a limit of the machine is met.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it CUDA's matrix products are not deterministic
    computed = Computed()
    for stage in plan.stages:
        if stage.kind not in ("process", "train", "analysis"):
            continue
        with timed(stage, computed, progress, log), limited(_threads(stage, plan, compiled), torch=stage.kind != "process"):
            if stage.kind == "process":
                from hmmdsl.process.portrait import portrait

                computed.portraits[stage.name] = portrait(compiled.processes[stage.name])
            elif stage.kind == "train":
                checkpoints = folder / "checkpoints" / stage.name
                with training_folder(out, stage, checkpoints) as place:
                    computed.results[stage.name] = _train(stage.name, compiled, computed, place, progress, log)
                computed.trained[stage.name] = replace(computed.trained[stage.name], folder=checkpoints)
            else:
                computed.results[stage.name] = _analyse(stage.name, compiled, computed, log)
    return computed


def inputs_of(name: str, compiled: Compiled, computed: Computed) -> Inputs:
    """What the analysis `name` may read."""
    from hmmdsl.analysis.outcome import Inputs

    return Inputs(name, computed.trained, compiled.experiment.analyses, computed.outcomes, compiled.processes)


@contextmanager
def timed(stage: Stage, computed: Computed, progress: Progress, log: RunLog) -> Iterator[None]:
    """Tell and log a stage's begin and end; say in words which limit of the machine it met."""
    progress.start(stage)
    log.write("start", stage=stage.id, hash=stage.hash)
    began, worked = time.perf_counter(), time.process_time()
    try:
        yield
    except Exception as error:
        failure = failure_of(error, stage.id)
        if failure is not None:
            raise failure from error
        raise
    seconds = time.perf_counter() - began
    computed.seconds[stage.id] = seconds
    log.write("finish", stage=stage.id, seconds=round(seconds, 3), processor_seconds=round(time.process_time() - worked, 3))
    progress.finish(stage, seconds)


@contextmanager
def limited(threads: int, torch: bool) -> Iterator[None]:
    """Hold BLAS and OpenMP, and `torch` where it is used, to so many threads: sums depend on how many share them."""
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))  # for libraries that are loaded later
    import numpy  # noqa: F401  (its threads must be there to be limited)
    from threadpoolctl import threadpool_limits

    if torch:
        from torch import set_num_threads

        set_num_threads(threads)
    with threadpool_limits(limits=threads):
        yield


def _threads(stage: Stage, plan: Plan, compiled: Compiled) -> int:
    """A train's own threads; for an analysis the most among the trains it reads, directly or through others."""
    if stage.kind == "train":
        return compiled.experiment.trains[stage.name].threads
    by_id = {each.id: each for each in plan.stages}
    return max((_threads(by_id[need], plan, compiled) for need in stage.needs if not need.startswith("process ")), default=1)


def _train(name: str, compiled: Compiled, computed: Computed, folder: Path, progress: Progress, log: RunLog) -> dict[str, Any]:
    from hmmdsl.training.loop import Diverged, train_network

    experiment = compiled.experiment
    train = experiment.trains[name]

    def tell(step: int, steps: int, loss: float, gap: float | None) -> None:
        log.write("step", train=name, step=step, loss=plain(loss), gap=plain(gap))
        progress.step(step, steps, loss, gap)

    process = compiled.processes[train.process]
    model = experiment.models[train.model]
    try:
        trained = train_network(
            name,
            train,
            model,
            process,
            folder,
            device=train.device,
            progress=tell,
            start_from=None if train.start_from is None else computed.trained[train.start_from],
            discriminator=experiment.models[train.models()[1]] if len(train.models()) > 1 else None,
        )
    except Diverged as error:
        raise RunError(
            f"the loss of {name} is not finite at step {error.step:,}",
            f"lower `{name}.optimizer.lr`, lengthen the warm-up, or limit the gradient with `{name}.clip = 1`",
        ) from error
    computed.trained[name] = trained
    return {
        "loss": plain(trained.loss),
        "optimum": plain(trained.optimum),
        "gap": plain(trained.gap),
        "parameters": trained.parameters,
    }


def _analyse(name: str, compiled: Compiled, computed: Computed, log: RunLog) -> dict[str, Any]:
    analysis = compiled.experiment.analyses[name]
    outcome = analysis.compute(inputs_of(name, compiled, computed))
    computed.outcomes[name] = outcome
    log.write("facts", analysis=name, facts=plain(outcome.facts))
    results: dict[str, Any] = plain(outcome.results)
    return results
