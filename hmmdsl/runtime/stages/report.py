"""The report stage: the page that shows a run, from the store if nothing that it shows has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.files.writing import copy_file
from hmmdsl.report.finished import Finished
from hmmdsl.report.sweeps.seeds import write_seeds
from hmmdsl.report.sweeps.table import write_tables
from hmmdsl.runtime.engines.making import obtained
from hmmdsl.runtime.identity.contents import content_hash
from hmmdsl.runtime.replication import replication_of
from hmmdsl.runtime.stage import Drawing, StageId, StageKind, plain_record
from hmmdsl.runtime.stages.process import load_text
from hmmdsl.runtime.store.store import Key
from hmmdsl.runtime.sweep.tables import seeds_table, table_of

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.report.figures import Drawing as Picture
    from hmmdsl.report.sweeps.table import SweepTable
    from hmmdsl.runtime.compute import Computed
    from hmmdsl.runtime.engines.engine import Done
    from hmmdsl.runtime.lock import Compared
    from hmmdsl.runtime.stage import Plan
    from hmmdsl.schema.experiment import Verdict

REPORT = "report.html"


class ReportStage(StageKind):
    """The page, which needs all other stages and shows the run besides."""

    name = "report"
    makes = "page"
    order = 5
    packages = ("jinja2",)

    def plan(self, drawing: Drawing) -> None:
        experiment = drawing.experiment
        about: dict[str, Any] = {
            "name": experiment.name,
            "about": plain_record(experiment.about),
            "expect": [plain_record(claim) for claim in experiment.expect],
            "spec": drawing.spec,
            "ids": list(drawing.stages),
            "trains": {name: plain_record(train) for name, train in experiment.trains.items()},
        }
        tables = ("hmmdsl.report.sweeps.figures", "hmmdsl.report.sweeps.table")
        roots: tuple[str, ...] = ("hmmdsl.report.page",)
        if drawing.swept:
            axes = {name: [plain_record(axis) for axis in sweep.axes] for name, sweep in experiment.sweeps.items()}
            about |= {"sweeps": drawing.swept, "axes": axes}
            roots += tables
        if experiment.replicate is not None:
            seeds = {str(seed): of for seed, of in drawing.seeded.items()}
            about |= {"replicate": plain_record(experiment.replicate), "seeds": seeds}
            roots += tables
        drawing.add(StageId(self, ""), tuple(stage.id for stage in drawing.stages.values()), about, roots,
                    beside=(".html", ".css", ".js"))  # fmt: skip

    def publish(self, name: str, made: Path, folder: Path) -> None:
        """The page, and what it says of sweeps and seeds."""
        copy_file(made / REPORT, folder / REPORT)
        for path in sorted([*made.glob("sweeps/*/*"), *made.glob("seeds/*")]):
            copy_file(path, folder / path.relative_to(made))


KIND = ReportStage()


def obtain_report(
    compiled: Compiled,
    plan: Plan,
    computed: Computed,
    verdicts: tuple[Verdict, ...],
    environment: Mapping[str, Any],
    lock: Compared | None = None,
) -> Done:
    """The entry with the report, in `sweeps/` the tables and figures of each sweep, and in `seeds/` those of all seeds. Its times
    are those of the run that wrote it; stages that came from the store say so. Which points and seeds failed and which claims
    were locked is no part of the plan, so it is added to the hash here."""
    stage = plan.stage(StageId(KIND, ""))
    failed: dict[str, Any] = {name: outcome.failed for name, outcome in computed.sweeps.items() if outcome.failed}
    failed |= {f"seed {each.seed}": each.own.failure for each in computed.members if each.own.failure}
    if failed or lock is not None:
        stage = replace(stage, hash=content_hash([stage.hash, failed, None if lock is None else lock.as_json()]))

    def make(folder: Path) -> None:
        from hmmdsl.report.page import write_report

        cache, tasks, experiment = computed.context.cache, computed.tasks, compiled.experiment
        tables = tuple(table_of(outcome, compiled.claims) for outcome in computed.sweeps.values())
        replication = replication_of(compiled, computed)
        if replication is not None:
            tables = (seeds_table(replication, compiled), *tables)
        finished = Finished(
            experiment=experiment,
            spec=compiled.sources[0].text if compiled.sources else None,
            results=computed.results,
            verdicts=verdicts,
            trained={name: cache.trained(tasks[StageId.of("train", name)], name) for name in experiment.trains},
            outcomes={name: cache.outcome(tasks[StageId.of("analysis", name)], name) for name in experiment.analyses},
            processes=compiled.processes,
            environment=environment,
            seconds=computed.seconds,
            cached=frozenset(computed.cached),
            sweeps=tables,
            locked=() if lock is None else (lock.line(), *lock.told()),
            portraits={name: load_text(computed.entry(StageId.of("process", name))) for name in compiled.processes},
        )
        drawn = [*pictures(computed), *(drawing for table in tables for drawing in _drawn(table, folder / table.place))]
        write_report(finished, folder, drawn)

    key = Key(stage.hash, KIND.name, stage.name, compiled.experiment.name)
    return obtained(stage, key, make, computed.context)


def _drawn(table: SweepTable, folder: Path) -> tuple[Picture, ...]:
    """The tables and the figures of a sweep, written."""
    from hmmdsl.report.sweeps.figures import draw_sweep

    write_tables(table, folder)
    write_seeds(table, folder)
    return draw_sweep(table, folder)


def pictures(computed: Computed) -> tuple[Picture, ...]:
    """Every figure of the run, in the order of the plan."""
    cache, tasks = computed.context.cache, computed.tasks.values()
    drawn = [task for task in tasks if task.stage.kind.makes == "pictures"]
    return tuple(each for task in drawn for each in task.stage.kind.load(task, task.stage.name, cache.entry(task.hash)))
