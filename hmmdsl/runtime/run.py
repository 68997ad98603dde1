"""One run, from a compiled spec to its folder."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.files.writing import write_whole
from hmmdsl.language.experiment_file import write_experiment
from hmmdsl.runtime.asked import Asked
from hmmdsl.runtime.compute import Computed, compute
from hmmdsl.runtime.curves import write_curve
from hmmdsl.runtime.environment import environment
from hmmdsl.runtime.failures import RunError, Terminated, failure_of
from hmmdsl.runtime.lock import Compared, lock_place
from hmmdsl.runtime.log import RunLog
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.replication import REPLICATION, Replication, judged, replication_of
from hmmdsl.runtime.results_file import write_json
from hmmdsl.runtime.run_folder import create_partial, discard, put_in_place
from hmmdsl.runtime.stage import Cache, Plan, RunContext
from hmmdsl.runtime.stages.report import obtain_report
from hmmdsl.runtime.store.store import Store
from hmmdsl.runtime.sweep.arrays import results_arrays
from hmmdsl.runtime.sweep.planning import plan_sweeps
from hmmdsl.training.trained import CurvePoint

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.runtime.stage import Progress
    from hmmdsl.runtime.sweep.running import SweepOutcome
    from hmmdsl.schema.experiment import Experiment, Verdict


@dataclass(frozen=True)
class Run:
    """A finished run: where it lies, what it found, which claims hold. `seconds` are wall-clock times by stage
    id, 0 for the stages that were `cached` in the store; `wall_seconds` is what the whole run took, workers side by side.
    `earlier` is where the report of a run with the same numbers is kept that judged other claims, or otherwise."""

    folder: Path
    plan: Plan
    results: Mapping[str, Any]
    verdicts: tuple[Verdict, ...]
    seconds: Mapping[str, float]
    cached: frozenset[str] = frozenset()
    sweeps: Mapping[str, SweepOutcome] = field(default_factory=dict)
    curves: Mapping[str, tuple[CurvePoint, ...]] = field(default_factory=dict)
    wall_seconds: float = 0.0
    earlier: Path | None = None
    lock: Compared | None = None
    replication: Replication | None = None

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    @property
    def holds(self) -> bool:
        """Whether every claim does."""
        return all(verdict.holds for verdict in self.verdicts)


def on_device(compiled: Compiled, device: str) -> Compiled:
    """The same experiment, and every point of its sweeps, with every train on `device`. Raises pydantic's ValidationError if
    there is no such device."""
    sweeps = {
        name: replace(sweep, points=tuple(replace(point, experiment=_moved(point.experiment, device)) for point in sweep.points))
        for name, sweep in compiled.sweeps.items()
    }
    return replace(compiled, experiment=_moved(compiled.experiment, device), sweeps=sweeps)


def _moved(experiment: Experiment, device: str) -> Experiment:
    trains = {
        name: type(train).model_validate({**train.model_dump(), "device": device}) for name, train in experiment.trains.items()
    }
    return experiment.model_copy(update={"trains": trains})


def run(compiled: Compiled, out: Path, progress: Progress, asked: Asked | None = None, lock: Compared | None = None) -> Run:
    """Leave `out/<name>-<hash>/`, made of what the stages left in the store, those that it lacks being computed; a run that stood
    there is replaced when all is done, and what else is in its folder stays. `asked` says where and how it is made: here, one
    stage after another, if nothing is asked for; `lock`, how the claims stand to those that were locked.

    Raises OutputError before anything is run if `out` can't be written, the machine is too small or the engine is not to be had,
    and RunError if the run can't be finished: then what it had is kept in `<name>-<hash>.failed/`. If it is interrupted or
    killed, no run folder stays; what the store has of it does, begun training among it, and the same run goes on from there.
    """
    began = time.perf_counter()
    asked = asked or Asked()
    planned = plan_sweeps(compiled, asked.fusion)
    spec = compiled.sources[0].text if compiled.sources else None
    plan = make_plan(compiled.experiment, spec, planned.hashes(), planned.member_hashes())
    final = out / plan.folder_name
    partial = create_partial(out, plan.folder_name)
    store = asked.store if asked.store is not None else Store.private(partial / ".store")
    context = RunContext(Cache(store), progress, RunLog(partial / "log.jsonl"), asked)
    try:
        if asked.force or not all(store.has(stage.hash) for stage in plan.stages):
            store.check_writable()
        with store.in_use(), _kept_if_failed(plan, context, partial, final.with_name(final.name + ".failed")):
            context.log.write("begin", run=plan.folder_name, settings=dict(asked.settings))
            write_inputs(compiled, partial, lock)
            computed = compute(compiled, plan, context, planned)
            verdicts = judged(compiled, computed)
            replication = replication_of(compiled, computed)
            decided = {"fusion": asdict(asked.fusion)} if compiled.sweeps or replication else {}
            about = _environment(compiled, computed) | decided
            lock = None if lock is None else lock.of_run(context.cache.first_made())
            report = obtain_report(compiled, plan, computed, verdicts, about, lock)
            computed.seconds["report"] = report.seconds
            computed.cached.update({"report"} if report.cached else ())
            results = all_results(computed)
            _write_results(computed, results, verdicts, about, partial, lock)
            if replication is not None:
                write_json(partial / REPLICATION, replication.as_json())
            curves = {name: training.curve for name, training in computed.trainings.items()}
            for name, curve in curves.items():
                write_curve(partial, name, curve)
            for task in computed.tasks.values():
                task.stage.kind.publish(task.stage.name, context.cache.entry(task.hash).folder, partial)
            page = plan.stage("report")
            page.kind.publish(page.name, context.cache.entry(report.hash).folder, partial)
            context.log.write("end", claims=len(verdicts), hold=sum(verdict.holds for verdict in verdicts))
            discard(partial / ".store")
            placed = put_in_place(partial, final)
    except (KeyboardInterrupt, Terminated) as stop:
        if store.persistent:
            stop.add_note("no run folder was written; run the same command again to continue")
        discard(partial)
        raise
    except BaseException:
        discard(partial)
        raise
    finally:
        progress.close()
        store.close()
    took = time.perf_counter() - began
    return Run(
        placed.folder,
        plan,
        results,
        verdicts,
        computed.seconds,
        frozenset(computed.cached),
        computed.sweeps,
        curves,
        took,
        placed.earlier,
        lock,
        replication,
    )


@contextmanager
def _kept_if_failed(plan: Plan, context: RunContext, partial: Path, failed: Path) -> Iterator[None]:
    """When the run fails, keep its log and checkpoints under a name that says so."""
    try:
        yield
    except Exception as error:
        failure = error if isinstance(error, RunError) else failure_of(error, "writing the run folder")
        if failure is None:
            raise
        try:
            context.log.write("failed", message=failure.message)
            for stage in plan.stages:
                if stage.trains:
                    made = context.store.entry_folder(stage.hash)
                    made = made if made.is_dir() else context.store.work_folder(stage.hash)
                    stage.kind.publish(stage.name, made, partial)
            discard(partial / ".store")
            put_in_place(partial, failed, listed=False)
        except OSError:  # a full disk: what stands there stays, and the caller clears it away
            raise failure from error
        raise RunError(failure.message, failure.help, failed) from error


def write_inputs(compiled: Compiled, folder: Path, lock: Compared | None = None) -> None:
    """The spec as run with its imports and its lock beside it, and the experiment with every default filled in."""
    if compiled.sources:
        main, *imported = compiled.sources
        for source in imported:
            path = Path(source.name)  # as it lies below the spec's folder; library modules have no file's name
            if path.suffix == ".hmm" and not path.is_absolute() and ".." not in path.parts:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                write_whole(folder / path, source.text, durable=False)
        write_whole(folder / "spec.hmm", main.text, durable=False)
        if lock is not None:
            write_whole(lock_place(folder / "spec.hmm"), lock.lock.text(), durable=False)
    write_whole(folder / "experiment.yaml", write_experiment(compiled.experiment), durable=False)


def _environment(compiled: Compiled, computed: Computed) -> dict[str, Any]:
    """The environment of this run; where stages come from the store, the processor is the one that computed them."""
    trains = compiled.experiment.trains
    threads = {name: train.threads for name, train in trains.items()}
    found = environment(computed.devices(), threads, computed.kernels())
    made_on = [entry.processor for entry in computed.measured()]
    return found | {"processor": ", ".join(dict.fromkeys(made_on)) or found["processor"]}


def all_results(computed: Computed) -> dict[str, Any]:
    """What results.json holds: the experiment's results by name, and those of each sweep as arrays over its axes."""
    return {**computed.results, **{name: results_arrays(outcome) for name, outcome in computed.sweeps.items()}}


def _write_results(
    computed: Computed,
    results: Mapping[str, Any],
    verdicts: tuple[Verdict, ...],
    environment: dict[str, Any],
    folder: Path,
    lock: Compared | None,
) -> None:
    """The numbers, the claims, in words how each number was computed, the processes, the environment."""
    write_json(folder / "results.json", results)
    write_json(folder / "claims.json", [verdict.model_dump(mode="json") for verdict in verdicts])
    write_json(folder / "facts.json", computed.facts)
    write_json(folder / "processes.json", computed.portraits)
    write_json(folder / "environment.json", environment)
    if lock is not None:
        write_json(folder / "lock.json", lock.as_json())
