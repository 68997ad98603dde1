"""From a sweep's outcome to its table, and to the columns that its figures show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hmmdsl.report.sweeps.table import SweepTable
from hmmdsl.runtime.results_file import numbers
from hmmdsl.spec.results import Group, quantities

if TYPE_CHECKING:
    from hmmdsl.language.claims.resolution import ResolvedClaim
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
    columns = table.columns
    named = [column for pattern in _named(sweep.name, claims) for column in columns if pattern.fullmatch(column)]
    metrics = named or [column for column in _headlines(sweep.schema) if column in columns]
    return SweepTable(
        table.name, table.axes, table.points, table.numbers, table.failures, tuple(dict.fromkeys(metrics))[:MOST_METRICS]
    )


def _named(sweep: str, claims: Sequence[ResolvedClaim]) -> Iterator[re.Pattern[str]]:
    """The results of a sweep that claims read, `[..]` standing for any index."""
    for claim in claims:
        for path in claim.reads:
            if path.startswith(f"{sweep}."):
                own = path.partition(" at (")[0][len(sweep) + 1 :]
                yield re.compile(re.escape(own).replace(re.escape("[..]"), r"\[\d+\]"))


def _headlines(schema: Group) -> Iterator[str]:
    """The gap of each train, and of each analysis the first number that is in no list."""
    for name, member in schema.members.items():
        paths = [path for path, _ in quantities(member, name) if "[" not in path]
        if f"{name}.gap" in paths:
            yield f"{name}.gap"
        elif paths:
            yield paths[0]
