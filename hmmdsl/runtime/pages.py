"""The report stage: the page that shows a run, from the store if nothing that it shows has changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.runtime.failures import failure_of
from hmmdsl.runtime.identity.contents import content_hash
from hmmdsl.runtime.replication import replication_of

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.report.figures import Drawing
    from hmmdsl.report.sweeps.table import SweepTable
    from hmmdsl.runtime.compute import Computed
    from hmmdsl.runtime.lock import Compared
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
    lock: Compared | None = None,
) -> Obtained:
    """The entry with the report, in `sweeps/` the tables and figures of each sweep, and in `seeds/` those of all seeds. Its times
    are those of the run that wrote it; stages that came from the store say so. Which points and seeds failed and which claims
    were locked is no part of the plan, so it is added to the hash here."""
    from hmmdsl.runtime.store.store import Key

    stage = plan.stage("report")
    failed: dict[str, Any] = {name: outcome.failed for name, outcome in computed.sweeps.items() if outcome.failed}
    failed |= {f"seed {each.seed}": each.own.failure for each in computed.members if each.own.failure}
    if failed or lock is not None:
        stage = replace(stage, hash=content_hash([stage.hash, failed, None if lock is None else lock.as_json()]))

    def make(folder: Path) -> None:
        from hmmdsl.report.finished import Finished
        from hmmdsl.report.page import write_report
        from hmmdsl.runtime.stages.process import load_text
        from hmmdsl.runtime.sweep.tables import seeds_table, table_of

        progress.start(stage)
        log.write("start", stage=stage.id, hash=stage.short)
        shelf, tasks = computed.shelf, computed.tasks
        tables = tuple(table_of(outcome, compiled.claims) for outcome in computed.sweeps.values())
        replication = replication_of(compiled, computed)
        if replication is not None:
            tables = (seeds_table(replication, compiled), *tables)
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
            sweeps=tables,
            locked=() if lock is None else (lock.line(), *lock.told()),
            portraits={name: load_text(computed.entry(f"process {name}")) for name in compiled.processes},
        )
        drawn = [*drawings(computed), *(drawing for table in tables for drawing in _drawn(table, folder / table.place))]
        write_report(finished, folder, drawn)

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


def _drawn(table: SweepTable, folder: Path) -> tuple[Drawing, ...]:
    """The tables and the figures of a sweep, written."""
    from hmmdsl.report.sweeps.figures import draw_sweep
    from hmmdsl.report.sweeps.seeds import write_seeds
    from hmmdsl.report.sweeps.table import write_tables

    write_tables(table, folder)
    write_seeds(table, folder)
    return draw_sweep(table, folder)


def drawings(computed: Computed) -> tuple[Drawing, ...]:
    """Every figure of the run, in the order of the plan."""
    from hmmdsl.runtime.stages.figures import load

    figures = [task for task in computed.tasks.values() if task.stage.kind == "figures"]
    return tuple(drawing for task in figures for drawing in load(computed.shelf.entry(task.hash)))
