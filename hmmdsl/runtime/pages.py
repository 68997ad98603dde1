"""The report stage: the page that shows a run, from the store if nothing that it shows has changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.runtime.failures import failure_of

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.report.figures import Drawing
    from hmmdsl.runtime.compute import Computed
    from hmmdsl.runtime.log import RunLog
    from hmmdsl.runtime.plan import Plan
    from hmmdsl.runtime.progress import Progress
    from hmmdsl.runtime.store.store import Obtained
    from hmmdsl.spec.experiment import Verdict

REPORT = "report.html"


def obtain_report(
    compiled: Compiled,
    plan: Plan,
    computed: Computed,
    verdicts: tuple[Verdict, ...],
    environment: dict[str, Any],
    progress: Progress,
    log: RunLog,
    force: bool = False,
) -> Obtained:
    """The entry with the report. Its times are those of the run that wrote it; stages that came from the store say so."""
    from hmmdsl.runtime.store.store import Key

    stage = plan.stage("report")

    def make(folder: Path) -> None:
        from hmmdsl.report.finished import Finished
        from hmmdsl.report.page import write_report

        progress.start(stage)
        log.write("start", stage=stage.id, hash=stage.short)
        shelf, tasks = computed.shelf, computed.tasks
        finished = Finished(
            experiment=compiled.experiment,
            spec=compiled.sources[0].text if compiled.sources else None,
            results=computed.results,
            verdicts=verdicts,
            trained={name: shelf.trained(tasks[f"train {name}"], name) for name in compiled.experiment.trains},
            outcomes={name: shelf.outcome(tasks[f"analysis {name}"], name) for name in compiled.experiment.analyses},
            processes=compiled.processes,
            environment=environment,
            seconds=computed.seconds,
            cached=frozenset(computed.cached),
        )
        write_report(finished, folder, drawings(computed))

    try:
        obtained = computed.shelf.store.obtain(Key(stage.hash, "report", "", compiled.experiment.name), make, force=force)
    except Exception as error:
        failure = failure_of(error, stage.id)
        if failure is not None:
            raise failure from error
        raise
    progress.finish(stage, obtained.seconds, obtained.cached)
    log.write("stored" if obtained.cached else "finish", stage=stage.id, seconds=round(obtained.seconds, 3))
    return obtained


def drawings(computed: Computed) -> tuple[Drawing, ...]:
    """Every figure of the run, in the order of the plan."""
    from hmmdsl.runtime.stages.figures import load

    figures = [task for task in computed.tasks.values() if task.stage.kind == "figures"]
    return tuple(drawing for task in figures for drawing in load(computed.shelf.entry(task.hash)))
