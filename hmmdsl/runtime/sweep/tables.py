"""From a sweep's outcome to its table, and to the columns that its figures show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hmmdsl.report.sweeps.table import SEEDS, SweepTable
from hmmdsl.runtime.results_file import numbers
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.replication import SEED
from hmmdsl.schema.results import TRAIN_RESULTS, Group, ResultSchema, quantities
from hmmdsl.schema.sweep import SweepAxis

if TYPE_CHECKING:
    from hmmdsl.language.claims.judging import ResolvedClaim
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.runtime.replication import Replication
    from hmmdsl.runtime.sweep.running import SweepOutcome

MOST_METRICS = 8
"""Metrics that have a figure."""


def table_of(outcome: SweepOutcome, claims: Sequence[ResolvedClaim]) -> SweepTable:
    """The table, its metrics those that claims name, else the headline of each train and analysis."""
    sweep = outcome.sweep
    rows = tuple(dict(numbers(each.results)) for each in outcome.outcomes)
    table = SweepTable(
        sweep.name,
        sweep.axes,
        tuple(point.at for point in sweep.points),
        rows,
        tuple(each.failure for each in outcome.outcomes),
    )
    return _with_metrics(table, _named(f"{sweep.name}.", claims), sweep.schema)


def seeds_table(replication: Replication, compiled: Compiled) -> SweepTable:
    """The same of the run with each of its seeds, and of the claims that read its own results."""
    axis = SweepAxis(paths=(SEED,), values=tuple((seed,) for seed in replication.seeds))
    rows = tuple(dict(numbers(member.own.results)) for member in replication.members)
    failures = tuple(member.own.failure for member in replication.members)
    table = SweepTable(SEEDS, (axis,), tuple((k,) for k in range(len(rows))), rows, failures, replication=True)
    experiment = compiled.experiment
    around = Surroundings(compiled.processes, experiment.models, experiment.trains, experiment.analyses)
    schema: dict[str, ResultSchema] = dict.fromkeys(experiment.trains, TRAIN_RESULTS)
    schema |= {name: analysis.results(around) for name, analysis in experiment.analyses.items() if around.trains_behind(name)}
    return _with_metrics(table, _named("", [claim for claim in compiled.claims if claim.reseeded]), Group(schema))


def _with_metrics(table: SweepTable, named: Iterable[re.Pattern[str]], schema: Group) -> SweepTable:
    columns = table.columns
    metrics = [column for pattern in named for column in columns if pattern.fullmatch(column)]
    metrics = metrics or [column for column in _headlines(schema) if column in columns]
    return replace(table, metrics=tuple(dict.fromkeys(metrics))[:MOST_METRICS])


def _named(prefix: str, claims: Sequence[ResolvedClaim]) -> Iterator[re.Pattern[str]]:
    """The results behind a prefix that claims read, `[..]` standing for any index."""
    for claim in claims:
        for path in claim.reads:
            if path.startswith(prefix):
                own = path.partition(" at (")[0][len(prefix) :]
                yield re.compile(re.escape(own).replace(re.escape("[..]"), r"\[\d+\]"))


def _headlines(schema: Group) -> Iterator[str]:
    """The gap of each train, and of each analysis the first number that is in no list."""
    for name, member in schema.members.items():
        paths = [path for path, _ in quantities(member, name) if "[" not in path]
        if f"{name}.gap" in paths:
            yield f"{name}.gap"
        elif paths:
            yield paths[0]
