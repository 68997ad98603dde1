"""What is checked of every point of a sweep as of any experiment, and the results that all points have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.records.checks import check_analysis, check_records, nowhere
from hmmdsl.language.records.fits import Counts
from hmmdsl.language.source import Span
from hmmdsl.language.sweeps.compiled import CompiledSweep, Point, point_words
from hmmdsl.process.allowance import theory_for
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.results import TRAIN_RESULTS, Group, ResultSchema, Series
from hmmdsl.schema.sweep import SweepAxis
from hmmdsl.schema.train import Train


@dataclass
class PointChecks:
    """Checks points one after another; `counts` of histories are shared by those that have the same processes. `told` has what
    need not be said again: a warning is told once by its code, a mistake once by its message."""

    place: Callable[[Point], Span | None]
    diagnostics: Diagnostics
    counts: Counts = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def compiled(self, name: str, axes: tuple[SweepAxis, ...], points: Sequence[Point]) -> CompiledSweep:
        """The sweep with the results that every point has; what is wrong with a point is reported, each mistake once."""
        schemas: list[Group] = []
        known: dict[object, Group] = {}
        for point in points:
            key = _shape(point)
            if key not in known:
                known[key] = self._check(name, axes, point)
                schemas.append(known[key])
        merged = _merged(schemas)
        assert isinstance(merged, Group)
        return CompiledSweep(name, axes, tuple(points), merged)

    def _check(self, name: str, axes: tuple[SweepAxis, ...], point: Point) -> Group:
        found = Diagnostics(limit=None)
        experiment = point.experiment
        around = Surroundings(point.processes, experiment.models, experiment.trains, experiment.analyses)
        theory_for(self.place(point))
        check_records(around, nowhere, found, self.counts)
        schemas: dict[str, ResultSchema] = dict.fromkeys(experiment.trains, TRAIN_RESULTS)
        for each, analysis in experiment.analyses.items():
            schema = check_analysis(each, analysis, around, nowhere, found)
            if schema is not None:
                schemas[each] = schema
        for diagnostic in found.found:
            key = diagnostic.code if diagnostic.severity == "warning" else diagnostic.code + diagnostic.message
            if key not in self.told:
                self.told.add(key)
                message = f"{diagnostic.message}, where {point_words(axes, point.at)}"
                place = self.place(point)
                self.diagnostics.add(diagnostic.code, message, place, label=f"in the sweep `{name}`", help=diagnostic.help)
        return Group(schemas)


_UNCHECKED = frozenset({"seed", "optimizer", "schedule", "clip", "threads", "device"})
"""Fields of a train that change how it is optimized, and neither what it reads nor which results there are."""


def _shape(point: Point) -> object:
    """What the checks and the schema of a point depend on: its records, each by itself, but of its trains only what is not a
    number of the optimization."""
    experiment = point.experiment
    trains = tuple(
        (train.process, train.model, id(experiment.models[train.model]), *_checked(train)) for train in experiment.trains.values()
    )
    return trains, tuple(map(id, experiment.analyses.values()))


def _checked(train: Train) -> tuple[object, ...]:
    return tuple(getattr(train, name) for name in type(train).model_fields if name not in _UNCHECKED)


# ---------------------------------------------------------------- schemas


def _merged(schemas: Iterable[ResultSchema]) -> ResultSchema:
    """What all schemas have: groups by their common names, series of different lengths as of unknown length."""
    merged: ResultSchema | None = None
    for schema in schemas:
        merged = schema if merged is None else _both(merged, schema)
    return merged if merged is not None else Group({})


def _both(a: ResultSchema, b: ResultSchema) -> ResultSchema:
    if a is b:
        return a
    if isinstance(a, Group) and isinstance(b, Group):
        members: Mapping[str, ResultSchema] = {
            name: _both(member, b.members[name])
            for name, member in a.members.items()
            if name in b.members and type(member) is type(b.members[name])
        }
        return Group(members, a.description)
    if isinstance(a, Series) and isinstance(b, Series):
        return Series(_both(a.element, b.element), a.length if a.length == b.length else None, a.description)
    return a
