"""The points of a sweep: the experiment with what each point sets.

Nothing is parsed again. A record that no axis touches is the experiment's own; one that an axis touches is read from that one,
field by field, once for each combination of values that it sees; and where an axis is a param, what depends on it is declared
anew once for each of its values, everything else is shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod

from hmmdsl.language import syntax
from hmmdsl.language.compiled import plain_param
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.modules.declarations import dependents, redeclare
from hmmdsl.language.records.compilation import Compilation
from hmmdsl.language.records.elaboration import RecordReader
from hmmdsl.language.records.meanings import FileMeanings
from hmmdsl.language.records.values import Broken
from hmmdsl.language.sweeps.compiled import Point, axis_value, processes_of
from hmmdsl.language.sweeps.declared import DeclaredSweep, assignments_at
from hmmdsl.language.values.budget import SWEPT, Budget
from hmmdsl.language.values.evaluation import evaluate
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.mentions import mentions
from hmmdsl.language.values.scope import Scope
from hmmdsl.language.values.value import Value
from hmmdsl.process.allowance import theory_spent
from hmmdsl.process.process import Process
from hmmdsl.schema.base import Record
from hmmdsl.schema.experiment import Experiment
from hmmdsl.schema.process import ProcessTable
from hmmdsl.schema.sweep import SweepAxis, places

TRIED = (0.0, 0.5, 1.0)
"""Where along each axis of params points are tried, to tell what all of them take."""

FAR = 3.0
"""How many times more than may be spent is told beforehand; less is told when it is spent."""

AXIS = 3
"""The layer of what an axis assigns: above the file, profile and settings."""


@dataclass
class Shared:
    """The processes of all points of a file, by names that each has alone, and as tables."""

    used: dict[str, Process]
    tables: dict[str, ProcessTable]
    names: dict[int, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    kept: list[Process] = field(default_factory=list)


@dataclass
class PointMeanings(FileMeanings):
    """The meanings of a file at one value of its swept params. A process that the experiment has not gets a name of its own."""

    shared: Shared = field(kw_only=True)

    def _use(self, name: str, process: Process) -> str:
        shared = self.shared
        known = shared.names.get(id(process))
        if known is not None:
            return known
        same = shared.used.get(name)
        if same is None or not _equal(same, process):
            wanted, number = name, shared.numbers.get(name, 2)
            while name in shared.used:
                name, number = f"{wanted} #{number}", number + 1
            shared.numbers[wanted] = number
            shared.used[name] = process
            shared.tables[name] = ProcessTable.of(process)
        shared.names[id(process)] = name
        shared.kept.append(process)  # its id is its own only as long as it lives
        return name


def _equal(a: Process, b: Process) -> bool:
    return a is b or (replace(a, name=b.name) == b and a.parts == b.parts)


class PointReader:
    """Makes the points of one sweep. Mistakes are reported at the values that bring them in; `points` is complete if `sound`."""

    def __init__(
        self,
        file: syntax.File,
        sweep: DeclaredSweep,
        compilation: Compilation,
        scope: Scope,
        overrides: Mapping[str, Value],
        shared: Shared,
        diagnostics: Diagnostics,
    ) -> None:
        self.file = file
        self.sweep = sweep
        self.compilation = compilation
        self.scope = scope
        self.overrides = overrides
        self.shared = shared
        self.diagnostics = diagnostics
        self.sound = True
        records = compilation.records
        self.base: dict[str, Record] = {**records.models, **records.trains, **records.analyses}
        paths = [path for axis in sweep.axes for path in axis.paths]
        self._params = [path.head for path in paths if path.head not in self.base and len(path.names) == 1]
        self._changing = dependents(file, self._params) if self._params else frozenset[str]()
        self._axes_of = {
            name: [k for k, axis in enumerate(sweep.axes) if any(path.head == name for path in axis.paths)] for name in self.base
        }
        self._param_axes = [k for k, axis in enumerate(sweep.axes) if any(path.head in self._params for path in axis.paths)]
        self._declarations = {d.name.text: d for d in compilation.declarations if d.name is not None}
        self._dependent = {name for name in self.base if self._depends(name)}
        self._meanings: dict[tuple[int, ...], PointMeanings] = {}
        self._budget = Budget(most=SWEPT)  # of all points together
        self._records: dict[tuple[str, tuple[int, ...]], Record | Broken] = {}

    def axes(self) -> tuple[SweepAxis, ...]:
        """The axes as the experiment keeps them."""
        budget = Budget()
        return tuple(
            SweepAxis(
                paths=tuple(path.text for path in axis.paths),
                values=tuple(
                    zip(*([axis_value(value, self.scope, budget) for value in path.values] for path in axis.paths), strict=True)
                ),
            )
            for axis in self.sweep.axes
        )

    def read_records(self) -> None:
        """Read every record at every combination of values that it sees, so that all mistakes are found."""
        if self._too_many():
            return
        for at in places([len(axis) for axis in self.sweep.axes]):
            self._touched(at)

    def _too_many(self) -> bool:
        """Whether the values of swept params would take far more than may be spent, as the first, the last and the one between
        tell: said before the rest are tried."""
        count = prod(len(self.sweep.axes[k]) for k in self._param_axes)
        if count <= len(TRIED):
            return False
        before = theory_spent()
        for share in TRIED:
            self._touched(tuple(int(share * (len(axis) - 1)) for axis in self.sweep.axes))
        took = (self._budget.operations / self._budget.most + theory_spent() - before) / len(TRIED)
        if took * count <= FAR:
            return False
        self.sound = False
        self.diagnostics.add(
            "E0405",
            f"the {count:,} values of params in the sweep `{self.sweep.name.text}` take too long to compute",
            self.sweep.name.span,
            label=f"about {max(1, int(1 / took)):,} of them may be",
            help="sweep over fewer values or smaller processes, or make several specs of it",
        )
        return True

    def points(self, experiment: Experiment) -> tuple[Point, ...]:
        """Every point. The experiment and all records must be sound."""
        return tuple(self._point(at, experiment) for at in places([len(axis) for axis in self.sweep.axes]))

    # ------------------------------------------------------------ one point

    def _point(self, at: tuple[int, ...], experiment: Experiment) -> Point:
        touched = self._touched(at)
        models, trains, analyses = (
            {name: touched.get(name, record) for name, record in room.items()}
            for room in (experiment.models, experiment.trains, experiment.analyses)
        )
        names = dict.fromkeys(
            process for room in (trains, analyses) for record in room.values() for process in processes_of(record)
        )
        params = self._meanings_at(at).params() if self._params else {}
        changed = experiment.model_copy(
            update={
                "params": {name: plain_param(value) for name, value in params.items()} if params else experiment.params,
                "processes": {name: self.shared.tables[name] for name in names},
                "models": models,
                "trains": trains,
                "analyses": analyses,
            }
        )
        return Point(at, changed, {name: self.shared.used[name] for name in names})

    def _touched(self, at: tuple[int, ...]) -> dict[str, Record]:
        """The records that are not the experiment's own at this point."""
        touched: dict[str, Record] = {}
        for name, axes in self._axes_of.items():
            seen = [*axes, *(self._param_axes if name in self._dependent else [])]
            if not seen or name in self.compilation.records.unsound:
                continue
            key = name, tuple(at[k] for k in seen)
            if key not in self._records:
                self._records[key] = self._read(name, at)
            record = self._records[key]
            if isinstance(record, Broken):
                self.sound = False
            else:
                touched[name] = record
        return touched

    def _read(self, name: str, at: tuple[int, ...]) -> Record | Broken:
        declaration, base = self._declarations[name], self.base[name]
        called = f"{declaration.keyword.text} `{name}`"
        given = [assignment.below() for assignment in assignments_at(self.sweep.axes, at, AXIS).get(name, [])]
        place = declaration.name.span if declaration.name is not None else declaration.keyword.span
        meanings = self._meanings_at(at)
        reader = RecordReader(meanings, self.diagnostics)
        if name in self._dependent:
            return reader.read(type(base), called, [*self.compilation.given[name], *given], place)
        return reader.read(type(base), called, given, place, base)

    # ------------------------------------------------------------ params

    def _depends(self, name: str) -> bool:
        """Whether a record, or what the axes give it, mentions something that changes with a swept param."""
        if not self._changing:
            return False
        values = [path.values for axis in self.sweep.axes for path in axis.paths if path.head == name]
        given = [assignment.value for assignment in self.compilation.given.get(name, ())]
        return bool(self._changing & mentions(tuple(given), *values))

    def _meanings_at(self, at: tuple[int, ...]) -> PointMeanings:
        key = tuple(at[k] for k in self._param_axes)
        if key not in self._meanings:
            self._meanings[key] = self._other_meanings(at)
        return self._meanings[key]

    def _other_meanings(self, at: tuple[int, ...]) -> PointMeanings:
        outer = self.compilation.meanings
        scope, budget = self.scope, self._budget
        if self._params:
            values = dict(self.overrides)
            for head, given in assignments_at(self.sweep.axes, at, AXIS).items():
                if head in self._params:
                    try:
                        values[head] = evaluate(given[0].value, self.scope, budget)
                    except ConstantError as error:
                        error.report(self.diagnostics)
                        self.sound = False
            scope = redeclare(self.file, self.scope, self._changing, budget, self.diagnostics, values)
        return PointMeanings(
            scope, outer.names, budget, self.diagnostics, outer.schema_of, outer.used, outer.records, shared=self.shared
        )
