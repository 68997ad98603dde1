"""One run, from a compiled spec to its folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.language.claims.resolution import judge
from hmmdsl.language.experiment_file import write_experiment
from hmmdsl.runtime.compute import Computed, compute, inputs_of, timed
from hmmdsl.runtime.environment import environment
from hmmdsl.runtime.failures import RunError, failure_of
from hmmdsl.runtime.log import RunLog
from hmmdsl.runtime.plan import Plan, make_plan
from hmmdsl.runtime.results_file import plain, write_json
from hmmdsl.runtime.run_folder import create_partial, discard, put_in_place
from hmmdsl.runtime.training_folder import forget_training

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.runtime.progress import Progress
    from hmmdsl.spec.experiment import Verdict


@dataclass(frozen=True)
class Run:
    """A finished run: where it lies, what it found, which claims hold. `seconds` are wall-clock times by stage id."""

    folder: Path
    plan: Plan
    results: Mapping[str, Any]
    verdicts: tuple[Verdict, ...]
    seconds: Mapping[str, float]

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    @property
    def holds(self) -> bool:
        """Whether every claim does."""
        return all(verdict.holds for verdict in self.verdicts)


def on_device(compiled: Compiled, device: str) -> Compiled:
    """The same experiment with every train on `device`. Raises pydantic's ValidationError if there is no such device."""
    experiment = compiled.experiment
    trains = {
        name: type(train).model_validate({**train.model_dump(), "device": device}) for name, train in experiment.trains.items()
    }
    return replace(compiled, experiment=experiment.model_copy(update={"trains": trains}))


def run(compiled: Compiled, out: Path, progress: Progress, settings: Mapping[str, str] | None = None) -> Run:
    """Do every stage and leave `out/<name>-<hash>/`; a folder that stood there is replaced when all is done.

    Raises OutputError before anything is run if `out` can't be written, and RunError if the run can't be finished: then what
    it had is kept in `<name>-<hash>.failed/`. If it is interrupted or killed, what is trained stays in hidden folders of `out`,
    and the same run goes on from there.
    """
    plan = make_plan(compiled.experiment)
    final = out / plan.folder_name
    partial = create_partial(out, plan.folder_name)
    log = RunLog(partial / "log.jsonl")
    try:
        with _kept_if_failed(partial, final.with_name(final.name + ".failed"), log):
            log.write("begin", run=plan.folder_name, settings=dict(settings or {}))
            write_inputs(compiled, partial)
            progress.begin(plan)
            computed = compute(compiled, plan, partial, progress, log, out)
            verdicts = tuple(judge(claim, computed.results) for claim in compiled.claims)
            _write_results(computed, verdicts, partial)
            _write_pages(compiled, plan, computed, verdicts, partial, progress, log)
            log.write("end", claims=len(verdicts), hold=sum(verdict.holds for verdict in verdicts))
            put_in_place(partial, final)
        for stage in plan.of_kind("train"):
            forget_training(out, stage)
    except BaseException:
        discard(partial)
        raise
    finally:
        progress.close()
    return Run(final, plan, computed.results, verdicts, computed.seconds)


@contextmanager
def _kept_if_failed(partial: Path, failed: Path, log: RunLog) -> Iterator[None]:
    """When the run fails, keep its log and checkpoints under a name that says so."""
    try:
        yield
    except Exception as error:
        failure = error if isinstance(error, RunError) else failure_of(error, "writing the run folder")
        if failure is None:
            raise
        try:
            log.write("failed", message=failure.message)
            put_in_place(partial, failed)
        except OSError:  # a full disk: what stands there stays, and the caller clears it away
            raise failure from error
        raise RunError(failure.message, failure.help, failed) from error


def write_inputs(compiled: Compiled, folder: Path) -> None:
    """The spec as run with its imports beside it, and the experiment with every default filled in."""
    if compiled.sources:
        main, *imported = compiled.sources
        for source in imported:
            path = Path(source.name)  # as it lies below the spec's folder; library modules have no file's name
            if path.suffix == ".hmm" and not path.is_absolute() and ".." not in path.parts:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(source.text, encoding="utf-8", newline="")
        (folder / "spec.hmm").write_text(main.text, encoding="utf-8", newline="")
    (folder / "experiment.yaml").write_text(write_experiment(compiled.experiment), encoding="utf-8")


def _environment(computed: Computed) -> dict[str, Any]:
    return environment(
        devices={name: trained.device for name, trained in computed.trained.items()},
        threads={name: trained.train.threads for name, trained in computed.trained.items()},
    )


def _write_results(computed: Computed, verdicts: tuple[Verdict, ...], folder: Path) -> None:
    """The numbers, the claims, in words how each number was computed, the processes, the arrays, the environment."""
    write_json(folder / "results.json", computed.results)
    write_json(folder / "claims.json", [verdict.model_dump(mode="json") for verdict in verdicts])
    write_json(folder / "facts.json", {name: plain(outcome.facts) for name, outcome in computed.outcomes.items()})
    write_json(folder / "processes.json", {name: about.as_json() for name, about in computed.portraits.items()})
    write_json(folder / "environment.json", _environment(computed))
    for name, outcome in computed.outcomes.items():
        if outcome.arrays:
            import numpy as np
            from safetensors.numpy import save_file

            path = folder / "arrays" / f"{name}.safetensors"
            path.parent.mkdir(exist_ok=True)
            save_file({key: np.ascontiguousarray(array) for key, array in outcome.arrays.items()}, path)


def _write_pages(
    compiled: Compiled,
    plan: Plan,
    computed: Computed,
    verdicts: tuple[Verdict, ...],
    folder: Path,
    progress: Progress,
    log: RunLog,
) -> None:
    """Every figure, then the report that shows them."""
    from hmmdsl.report.figures import Drawing, draw_figures
    from hmmdsl.report.finished import Finished
    from hmmdsl.report.page import write_report

    finished = Finished(
        experiment=compiled.experiment,
        spec=compiled.sources[0].text if compiled.sources else None,
        results=computed.results,
        verdicts=verdicts,
        trained=computed.trained,
        outcomes=computed.outcomes,
        processes=compiled.processes,
        environment=_environment(computed),
        seconds=computed.seconds,
    )
    inputs = {name: inputs_of(name, compiled, computed) for name in compiled.experiment.analyses}
    drawings: tuple[Drawing, ...] = ()
    for stage in plan.of_kind("figures"):
        with timed(stage, computed, progress, log):
            drawings = draw_figures(finished, inputs, folder)
    for stage in plan.of_kind("report"):
        with timed(stage, computed, progress, log):
            write_report(finished, folder, drawings)
