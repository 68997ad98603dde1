"""One run, from a compiled spec to its folder."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.files.writing import copy_file, link_file, write_whole
from hmmdsl.language.experiment_file import write_experiment
from hmmdsl.runtime.compute import Computed, compute
from hmmdsl.runtime.curves import write_curve
from hmmdsl.runtime.engines.choice import EngineChoice
from hmmdsl.runtime.engines.opening import open_engine
from hmmdsl.runtime.environment import environment
from hmmdsl.runtime.failures import RunError, Terminated, failure_of
from hmmdsl.runtime.lock import Compared, lock_place
from hmmdsl.runtime.log import RunLog
from hmmdsl.runtime.pages import REPORT, obtain_report
from hmmdsl.runtime.plan import Plan, make_plan
from hmmdsl.runtime.progress import OfStages
from hmmdsl.runtime.replication import REPLICATION, Replication, judged, replication_of
from hmmdsl.runtime.results_file import write_json
from hmmdsl.runtime.room import check_room
from hmmdsl.runtime.run_folder import create_partial, discard, put_in_place
from hmmdsl.runtime.stages.analysis import ARRAYS
from hmmdsl.runtime.stages.task import tasks_of
from hmmdsl.runtime.store.store import Store
from hmmdsl.runtime.sweep.arrays import results_arrays
from hmmdsl.runtime.sweep.batching import Fusion
from hmmdsl.runtime.sweep.planning import plan_sweeps
from hmmdsl.training.trained import CurvePoint

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.runtime.engines.engine import Engine
    from hmmdsl.runtime.progress import Progress
    from hmmdsl.runtime.sweep.running import SweepOutcome
    from hmmdsl.spec.experiment import Experiment, Verdict


IN_PROCESS = EngineChoice(workers=1)
"""One stage after another, in this process."""


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


def run(
    compiled: Compiled,
    out: Path,
    progress: Progress,
    settings: Mapping[str, str] | None = None,
    store: Store | None = None,
    force: bool = False,
    choice: EngineChoice = IN_PROCESS,
    fusion: Fusion | None = None,
    lock: Compared | None = None,
    large: bool = False,
) -> Run:
    """Leave `out/<name>-<hash>/`, made of what the stages left in the `store`, those that it lacks being computed (all, if
    `force`); a run that stood there is replaced when all is done, and what else is in its folder stays. Without a store
    everything is computed, and nothing is kept beside the run folder. `choice` says where they are made: here, unless it names
    something else; `fusion`, whether training runs that are alike are trained as one; `lock`, how the
    claims stand to those that were locked; `large`, that it is run though it seems to fit neither memory nor disk.

    Raises OutputError before anything is run if `out` can't be written, the machine is too
    small or the engine is not to be had, and RunError if the run
    can't be finished: then what it had is kept in `<name>-<hash>.failed/`. If it is interrupted or killed, no run folder stays;
    what the store has of it does, begun training among it, and the same run goes on from there.
    """
    began = time.perf_counter()
    fusion = fusion or Fusion()
    planned = plan_sweeps(compiled, fusion)
    spec = compiled.sources[0].text if compiled.sources else None
    plan = make_plan(compiled.experiment, spec, planned.hashes(), planned.member_hashes())
    final = out / plan.folder_name
    partial = create_partial(out, plan.folder_name)
    store = store if store is not None else Store.private(partial / ".store")
    log = RunLog(partial / "log.jsonl")
    engine: Engine | None = None
    try:
        if force or not all(store.has(stage.hash) for stage in plan.stages):
            store.check_writable()
        with store.in_use(), _kept_if_failed(plan, store, partial, final.with_name(final.name + ".failed"), log):
            log.write("begin", run=plan.folder_name, settings=dict(settings or {}))
            write_inputs(compiled, partial, lock)
            tasks = [*tasks_of(plan, compiled.experiment, compiled.processes), *planned.all_tasks(store, force)]
            if not large:
                check_room(tasks, store, force, here=choice.name == "local")
            told = OfStages(progress, {stage.hash for stage in plan.stages})
            engine = open_engine(choice, tasks, store, told, log, force)
            progress.begin(plan)
            computed = compute(compiled, plan, store, progress, log, force, engine=engine, planned=planned)
            verdicts = judged(compiled, computed)
            replication = replication_of(compiled, computed)
            about = _environment(compiled, computed) | ({"fusion": asdict(fusion)} if compiled.sweeps or replication else {})
            lock = None if lock is None else lock.of_run(computed.shelf.first_made())
            report = obtain_report(compiled, plan, computed, verdicts, about, progress, log, force, lock)
            computed.seconds["report"] = report.seconds
            computed.cached.update({"report"} if report.cached else ())
            results = all_results(computed)
            _write_results(computed, results, verdicts, about, partial, lock)
            if replication is not None:
                write_json(partial / REPLICATION, replication.as_json())
            curves = _curves(computed)
            for name, curve in curves.items():
                write_curve(partial, name, curve)
            _copy_files(computed, report.entry.folder, partial)
            log.write("end", claims=len(verdicts), hold=sum(verdict.holds for verdict in verdicts))
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
        if engine is not None:
            engine.close()
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
def _kept_if_failed(plan: Plan, store: Store, partial: Path, failed: Path, log: RunLog) -> Iterator[None]:
    """When the run fails, keep its log and checkpoints under a name that says so."""
    try:
        yield
    except Exception as error:
        failure = error if isinstance(error, RunError) else failure_of(error, "writing the run folder")
        if failure is None:
            raise
        try:
            log.write("failed", message=failure.message)
            for stage in plan.of_kind("train"):
                made = store.entry_folder(stage.hash)
                _copy_checkpoints(made if made.is_dir() else store.work_folder(stage.hash), partial / "checkpoints" / stage.name)
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
    found = environment(computed.devices, threads, computed.kernels())
    made_on = [computed.entry(id).processor for id in computed.tasks if id.startswith(("train ", "analysis "))]
    return found | {"processor": ", ".join(dict.fromkeys(made_on)) or found["processor"]}


def all_results(computed: Computed) -> dict[str, Any]:
    """What results.json holds: the experiment's results by name, and those of each sweep as arrays over its axes."""
    return {**computed.results, **{name: results_arrays(outcome) for name, outcome in computed.sweeps.items()}}


def _curves(computed: Computed) -> dict[str, tuple[CurvePoint, ...]]:
    """The learning curve of each train."""
    trains = [task for task in computed.tasks.values() if task.stage.kind == "train"]
    return {
        task.stage.name: tuple(CurvePoint(*point) for point in computed.shelf.entry(task.hash).result["curve"]) for task in trains
    }


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


def _copy_files(computed: Computed, report: Path, folder: Path) -> None:
    """Checkpoints and arrays, figures, and the report, from the store into the run folder. Checkpoints and arrays are the store's
    own files, which takes no room; they are read-only, and the store would notice a change by its checksum."""
    for id, task in computed.tasks.items():
        made, name = computed.entry(id).folder, task.stage.name
        if task.stage.kind == "train":
            _copy_checkpoints(made, folder / "checkpoints" / name)
        elif task.stage.kind == "analysis" and (made / ARRAYS).is_file():
            (folder / "arrays").mkdir(exist_ok=True)
            link_file(made / ARRAYS, folder / "arrays" / f"{name}.safetensors")
        elif task.stage.kind == "figures":
            for path in sorted((made / "figures").glob("*")):
                copy_file(path, folder / "figures" / path.name)
    copy_file(report / REPORT, folder / REPORT)
    for path in sorted([*report.glob("sweeps/*/*"), *report.glob("seeds/*")]):
        copy_file(path, folder / path.relative_to(report))


def _copy_checkpoints(made: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(made.glob("step_*.safetensors")):
        with contextlib.suppress(FileNotFoundError):  # another process may have published the work folder meanwhile
            link_file(path, folder / path.name)
