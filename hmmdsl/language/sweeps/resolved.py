"""Sweeps as they are read from `experiment.yaml`: each point's changes, applied to the experiment and checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.messages.hints import suggestion
from hmmdsl.language.sweeps.checks import PointChecks
from hmmdsl.language.sweeps.compiled import CompiledSweep, Point, point_words, processes_of
from hmmdsl.language.sweeps.limits import MAX_POINTS
from hmmdsl.process.process import Process
from hmmdsl.schema.analysis import Analysis
from hmmdsl.schema.base import Record
from hmmdsl.schema.experiment import Experiment
from hmmdsl.schema.process import ProcessTable
from hmmdsl.schema.sweep import Sweep, SweepPoint
from hmmdsl.schema.train import Train


def compile_sweeps(
    experiment: Experiment, processes: Mapping[str, Process], diagnostics: Diagnostics, max_points: int = MAX_POINTS
) -> dict[str, CompiledSweep]:
    """Every sweep of an experiment that is sound itself. What is wrong with one is reported, and it is left out."""
    found: dict[str, CompiledSweep] = {}
    for name, sweep in experiment.sweeps.items():
        if len(sweep.points) > max_points:
            diagnostics.add(
                "E0555",
                f"the sweep `{name}` has {len(sweep.points):,} points, and {max_points:,} are allowed",
                None,
                help=f"say that you mean it: `--max-points {len(sweep.points)}`",
            )
            continue
        before = len(diagnostics.errors)
        points = _PointMaker(name, sweep, experiment, dict(processes), diagnostics).points()
        if len(diagnostics.errors) == before:
            told = {diagnostic.code for diagnostic in diagnostics.warnings}
            found[name] = PointChecks(lambda _: None, diagnostics, told=told).compiled(name, sweep.axes, points)
    return found


@dataclass
class _PointMaker:
    name: str
    sweep: Sweep
    experiment: Experiment
    processes: dict[str, Process]
    diagnostics: Diagnostics
    records: dict[tuple[str, str], Record] = field(default_factory=dict)

    def points(self) -> list[Point]:
        """Every point whose changes are right."""
        self.tables: dict[str, ProcessTable] = {**self.experiment.processes, **self.sweep.processes}
        for name, table in self.sweep.processes.items():
            if name in self.experiment.processes:
                self.diagnostics.add("E0202", f"the process `{name}` is declared twice", None, help="choose another name")
            try:
                self.processes[name] = table.process()
            except ValueError as error:
                cure = "mend its table, or run the spec itself"
                self.diagnostics.add("E0543", f"the process `{name}` is none: {error}", None, help=cure)
        return [made for point in self.sweep.points if (made := self._point(point)) is not None]

    def _point(self, point: SweepPoint) -> Point | None:
        base: dict[str, Record] = {**self.experiment.models, **self.experiment.trains, **self.experiment.analyses}
        changed: dict[str, Record] = {}
        for name, fields in point.changes.items():
            if name not in base:
                cure = suggestion(name, list(base), "there is")
                self.diagnostics.add("E0550", f"{self._where(point)}: nothing here is called `{name}`", None, help=cure)
                return None
            key = name, json.dumps(fields, sort_keys=True)
            if key not in self.records:
                try:
                    self.records[key] = type(base[name]).model_validate({**base[name].model_dump(), **fields})
                except ValidationError as error:
                    first = error.errors(include_url=False)[0]
                    where = ".".join(map(str, (name, *first["loc"])))
                    self.diagnostics.add(
                        "E0542", f"{self._where(point)}: {where}: {first['msg'].lower()}", None, help="mend the value"
                    )
                    return None
            changed[name] = self.records[key]
        models, trains, analyses = (
            {name: changed.get(name, record) for name, record in room.items()}
            for room in (self.experiment.models, self.experiment.trains, self.experiment.analyses)
        )
        names = dict.fromkeys(p for room in (trains, analyses) for record in room.values() for p in processes_of(record))
        wanted: list[tuple[str, str, Mapping[str, object]]] = [("process", name, self.processes) for name in names]
        wanted += [("model", train.model, models) for train in trains.values() if isinstance(train, Train)]
        for sort, name, known in wanted:
            if name not in known:
                cure = suggestion(name, list(known), "there is")
                self.diagnostics.add("E0510", f"{self._where(point)}: there is no {sort} `{name}`", None, help=cure)
                return None
        for name, analysis in analyses.items():
            assert isinstance(analysis, Analysis)
            lost = [need for need in analysis.needs() if need not in trains and need not in analyses]
            if lost:
                message = f"{self._where(point)}: {name} reads `{lost[0]}`, which is no train and no analysis"
                self.diagnostics.add("E0510", message, None, help=suggestion(lost[0], [*trains, *analyses], "there is"))
                return None
        update = {
            "params": {**self.experiment.params, **point.params},
            "processes": {name: self.tables[name] for name in names},
            "models": models,
            "trains": trains,
            "analyses": analyses,
            "sweeps": {},
            "expect": (),
        }
        return Point(point.at, self.experiment.model_copy(update=update), {name: self.processes[name] for name in names})

    def _where(self, point: SweepPoint) -> str:
        return f"the sweep `{self.name}` where {point_words(self.sweep.axes, point.at)}"
