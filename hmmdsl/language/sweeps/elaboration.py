"""All sweeps of a file: declared axes, then points, then what is checked of each point."""

from __future__ import annotations

from collections.abc import Mapping

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.records.compilation import Compilation
from hmmdsl.language.source import Span
from hmmdsl.language.sweeps.checks import PointChecks
from hmmdsl.language.sweeps.compiled import CompiledSweep, Point, differences
from hmmdsl.language.sweeps.declared import DeclaredSweep, SweepReader
from hmmdsl.language.sweeps.points import PointReader, Shared
from hmmdsl.language.values.scope import Scope
from hmmdsl.language.values.value import Value
from hmmdsl.schema.experiment import Experiment
from hmmdsl.schema.process import ProcessTable
from hmmdsl.schema.sweep import Sweep, SweepPoint


class Sweeps:
    """Reads the sweeps of one file when it is made; what is wrong with axes and values is reported then."""

    def __init__(
        self,
        file: syntax.File,
        compilation: Compilation,
        scope: Scope,
        params: Mapping[str, Value],
        diagnostics: Diagnostics,
        max_points: int,
    ) -> None:
        self.diagnostics = diagnostics
        used = dict(compilation.meanings.used)
        self.shared = Shared(used, {})
        self.readers: dict[str, PointReader] = {}
        reader = SweepReader(compilation.names, compilation.meanings, compilation.overrides, diagnostics, max_points)
        for name, declared in reader.read_all(file).items():
            if declared.sound:
                points = PointReader(file, declared, compilation, scope, params, self.shared, diagnostics)
                points.read_records()
                self.readers[name] = points

    def compiled(self, experiment: Experiment) -> dict[str, CompiledSweep]:
        """Every sweep with its points, each checked as an experiment of its own. All that was read must be sound."""
        self.shared.tables |= experiment.processes
        sweeps: dict[str, CompiledSweep] = {}
        for name, reader in self.readers.items():
            axes = reader.axes()
            self._no_value_twice(reader.sweep)
            points = reader.points(experiment)
            place = reader.sweep
            told = {diagnostic.code for diagnostic in self.diagnostics.warnings}
            checks = PointChecks(lambda point, place=place: _place(place, point), self.diagnostics, told=told)  # type: ignore[misc]
            sweeps[name] = checks.compiled(name, axes, points)
        return sweeps

    def _no_value_twice(self, sweep: DeclaredSweep) -> None:
        for axis in sweep.axes:
            seen = set()
            for place in range(len(axis)):
                values = tuple(path.values[place] for path in axis.paths)
                if values in seen:
                    self.diagnostics.add(
                        "W0975",
                        f"`{axis.paths[0].text}` has this value twice",
                        values[0].span,
                        label="again",
                        help="leave one out: the points would be the same",
                    )
                seen.add(values)


def _place(sweep: DeclaredSweep, point: Point) -> Span:
    """Where to show what is wrong with a point: at its value where there is one axis, else at the sweep's name."""
    if len(sweep.axes) == 1:
        return sweep.axes[0].paths[0].values[point.at[0]].span
    return sweep.name.span


def sweep_of(sweep: CompiledSweep, experiment: Experiment) -> Sweep:
    """A sweep as plain data: for each point what it changes of the experiment."""
    base = {**experiment.models, **experiment.trains, **experiment.analyses}
    changes: dict[tuple[str, int], dict[str, object]] = {}
    tables: dict[str, ProcessTable] = {}
    points = []
    for point in sweep.points:
        there = point.experiment
        own: dict[str, dict[str, object]] = {}
        for name, record in {**there.models, **there.trains, **there.analyses}.items():
            if record is base[name]:
                continue
            key = name, id(record)
            if key not in changes:
                changes[key] = differences(base[name], record)
            if changes[key]:
                own[name] = changes[key]
        params = {name: value for name, value in there.params.items() if experiment.params.get(name) != value}
        points.append(SweepPoint(at=point.at, params=params, changes=own))
        tables |= there.processes
    processes = {name: table for name, table in tables.items() if name not in experiment.processes}
    return Sweep.model_construct(axes=sweep.axes, processes=processes, points=tuple(points))
