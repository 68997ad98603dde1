"""The plan: which stages a run has, what each needs, and a hash of everything that can change what it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

from hmmdsl.runtime.identity.contents import content_hash, nameless, process_content, references
from hmmdsl.runtime.identity.device import device_type
from hmmdsl.runtime.identity.source_code import source_hash
from hmmdsl.runtime.identity.versions import versions
from hmmdsl.spec.base import Record
from hmmdsl.spec.experiment import Experiment

StageKind = Literal["process", "train", "batch", "analysis", "figures", "report"]

HASH_DIGITS = 10
"""Hexadecimal digits of a hash that are shown, and that name a run folder: 40 bits."""

FORMAT = 1
"""Version of what the stages keep; a new one recomputes everything."""


@dataclass(frozen=True)
class Part:
    """A training run's place in a batch of runs that are trained as one, and the hash of the batch."""

    batch: str
    place: int

    @property
    def hash(self) -> str:
        """The run's own: it is another than that of the same run alone, whose numbers differ in their last digits."""
        return content_hash({"format": FORMAT, "kind": "train", "batch": self.batch, "place": self.place})


@dataclass(frozen=True)
class Stage:
    """One step of a run. `needs` are the ids of the stages before it. `hash` (SHA-256) covers its resolved inputs, the source
    code it runs, versions, device and threads, and through the hashes of its needs theirs. Names change no number and are not in
    it: trains and analyses may be renamed. `part` is a train's that is done in a batch."""

    kind: StageKind
    name: str
    needs: tuple[str, ...]
    hash: str
    part: Part | None = None

    @property
    def id(self) -> str:
        """What the stage is called: `train fit`, `figures of beliefs`, `report`."""
        return f"{'figures of' if self.kind == 'figures' else self.kind} {self.name}".strip()

    @property
    def trains(self) -> bool:
        """Whether it trains, and may leave a resume point; a part of a batch is only taken from there."""
        return self.kind == "batch" or (self.kind == "train" and self.part is None)

    @property
    def short(self) -> str:
        """The hash as it is shown."""
        return self.hash[:HASH_DIGITS]


@dataclass(frozen=True)
class Plan:
    """The stages in an order in which they can run. `hash` covers what the spec says of the numbers (not the title, nor the
    claims, nor versions): the run folder is `<name>-<hash>`."""

    name: str
    stages: tuple[Stage, ...]
    hash: str

    @property
    def folder_name(self) -> str:
        return f"{self.name}-{self.hash}"

    def of_kind(self, kind: StageKind) -> tuple[Stage, ...]:
        """The stages of one kind, in order."""
        return tuple(stage for stage in self.stages if stage.kind == kind)

    def stage(self, id: str) -> Stage:
        """The stage of an id. Raises KeyError if there is none."""
        for stage in self.stages:
            if stage.id == id:
                return stage
        raise KeyError(id)


@dataclass
class Memory:
    """What is known already of records that many plans share: the hash of each model and process, by identity; `kept` lets them
    live as long as their identities are used."""

    hashes: dict[int, str] = field(default_factory=dict)
    kept: list[Record] = field(default_factory=list)

    def hash_of(self, record: Record, content: Callable[[], Any]) -> str:
        """The hash of a record's content, worked out once."""
        if id(record) not in self.hashes:
            self.hashes[id(record)] = content_hash(content())
            self.kept.append(record)
        return self.hashes[id(record)]


@dataclass
class _Drawing:
    """A plan on the way."""

    experiment: Experiment
    memory: Memory = field(default_factory=Memory)
    parts: Mapping[str, Part] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)

    def add(self, kind: StageKind, name: str, needs: Iterable[str], content: Any, source: str) -> None:
        """A stage after those it needs. Trains and analyses read a process' definition, which is in their content, and not
        what its own stage finds out about it."""
        order = tuple(dict.fromkeys(needs))
        read = order if kind in ("figures", "report") else [need for need in order if self.stages[need].kind != "process"]
        identity = {
            "format": FORMAT,
            "kind": kind,
            "content": content,
            "source": source,
            "versions": dict(versions(kind)),
            "needs": [self.stages[need].hash for need in read],
        }
        stage = Stage(kind, name, order, content_hash(identity))
        part = self.parts.get(stage.hash)
        self.stages[stage.id] = stage if part is None else replace(stage, hash=part.hash, part=part)

    def resolve(self, sort: str, name: str) -> str | None:
        """What a reference is replaced by: the hash of what it names."""
        experiment = self.experiment
        if sort == "process" and name in experiment.processes:
            table = experiment.processes[name]
            return self.memory.hash_of(table, partial(process_content, table))
        if sort == "model" and name in experiment.models:
            model = experiment.models[name]
            return self.memory.hash_of(model, partial(_plain, model))
        stage = self.stages.get(f"{sort} {name}")
        return stage.hash if stage is not None else None


def make_plan(
    experiment: Experiment,
    spec: str | None = None,
    swept: Mapping[str, Any] | None = None,
    seeded: Mapping[int, Any] | None = None,
) -> Plan:
    """The stages of an experiment: its processes, trains, analyses, the figures of each, and the report, which also shows the
    spec's text `spec`, its sweeps, whose points' stages have the hashes `swept`, and the verdicts with other seeds, whose stages
    have the hashes `seeded`."""
    drawn = _Drawing(experiment)
    _add_numbers(drawn)
    _add_figures(drawn)
    about: dict[str, Any] = {
        "name": experiment.name,
        "about": _plain(experiment.about),
        "expect": [_plain(claim) for claim in experiment.expect],
        "spec": spec,
        "ids": list(drawn.stages),
        "trains": {name: _plain(train) for name, train in experiment.trains.items()},
    }
    pages: tuple[str, ...] = ("hmmdsl.report.page",)
    if swept:
        about |= {"sweeps": swept, "axes": {name: [_plain(axis) for axis in s.axes] for name, s in experiment.sweeps.items()}}
        pages = (*pages, "hmmdsl.report.sweeps.figures", "hmmdsl.report.sweeps.table")
    if experiment.replicate is not None:
        about |= {"replicate": _plain(experiment.replicate), "seeds": {str(seed): of for seed, of in (seeded or {}).items()}}
        pages = (*pages, "hmmdsl.report.sweeps.figures", "hmmdsl.report.sweeps.table")
    drawn.add("report", "", tuple(drawn.stages), about, source_hash(pages, beside=(".html", ".css", ".js")))
    return Plan(experiment.name, tuple(drawn.stages.values()), _written(experiment))


def plan_numbers(experiment: Experiment, memory: Memory, parts: Mapping[str, Part] = MappingProxyType({})) -> Plan:
    """The processes, trains and analyses of an experiment alone, for a point of a sweep, which has no folder of its own. `parts`
    says by their hashes which of its trains are done in batches."""
    drawn = _Drawing(experiment, memory, parts)
    _add_numbers(drawn)
    return Plan(experiment.name, tuple(drawn.stages.values()), "")


def _add_numbers(drawn: _Drawing) -> None:
    """The stages of processes, trains and analyses."""
    experiment = drawn.experiment
    for name, table in experiment.processes.items():
        source = source_hash(("hmmdsl.process.portrait", "hmmdsl.report.portrait_section"))
        drawn.add("process", name, (), drawn.memory.hash_of(table, partial(process_content, table)), source)
    for name, train in experiment.in_order():
        content = nameless(train, drawn.resolve) | {"device": device_type(train.device)}
        source = source_hash(("hmmdsl.training.loop",))
        starts = () if train.start_from is None else (f"train {train.start_from}",)
        drawn.add("train", name, (f"process {train.process}", *starts), content, source)
    for name, analysis in experiment.analyses.items():
        content = {"record": nameless(analysis, drawn.resolve)}
        kind = type(analysis).__module__
        source = source_hash((kind, f"{kind.rpartition('.')[0]}.compute", "hmmdsl.training.trained"))
        needs = [
            *_named(experiment, analysis.needs()),
            *(f"process {to}" for sort, to in references(analysis) if sort == "process"),
        ]
        drawn.add("analysis", name, [need for need in needs if need in drawn.stages], content, source)


def _add_figures(drawn: _Drawing) -> None:
    """One stage for the figures of each analysis, train and process; they show names, so names are in their hashes."""
    experiment = drawn.experiment
    processes = {name: table.name for name, table in experiment.processes.items()}
    for stage in sorted(drawn.stages.values(), key=lambda stage: ("analysis", "train", "process").index(stage.kind)):
        roots: tuple[str, ...] = ("hmmdsl.report.figures",)
        content: dict[str, Any] = {"of": stage.id}
        if stage.kind == "analysis":
            analysis = experiment.analyses[stage.name]
            kind = type(analysis).__module__
            roots = (*roots, kind, f"{kind.rpartition('.')[0]}.figures")
            content |= {"record": _plain(analysis), "processes": processes}
        elif stage.kind == "train":
            content |= {"record": _plain(experiment.trains[stage.name]), "processes": processes}
        else:
            content |= {"process": processes[stage.name]}
        drawn.add("figures", stage.name if f"figures of {stage.name}" not in drawn.stages else stage.id, (stage.id,), content,
                  source_hash(roots))  # fmt: skip


def closure(plan: Plan, id: str) -> tuple[Stage, ...]:
    """The stages that a stage needs, directly or through others, in the plan's order."""
    stages = {stage.id: stage for stage in plan.stages}
    waiting, found = list(stages[id].needs), set[str]()
    while waiting:
        need = waiting.pop()
        if need not in found:
            found.add(need)
            waiting += stages[need].needs
    return tuple(stage for stage in plan.stages if stage.id in found)


def _written(experiment: Experiment) -> str:
    """A short hash of what the spec says of its trains and analyses, names and all."""
    content = {
        "processes": {name: process_content(table) for name, table in experiment.processes.items()},
        "trains": {
            name: [_plain(train), *(_plain(experiment.models[model]) for model in train.models())]
            for name, train in experiment.trains.items()
        },
        "analyses": {name: _plain(analysis) for name, analysis in experiment.analyses.items()},
    }
    if experiment.sweeps:
        content["sweeps"] = {name: _plain(sweep) for name, sweep in experiment.sweeps.items()}
    if experiment.replicate is not None:
        content["replicate"] = _plain(experiment.replicate)
    return content_hash(content)[:HASH_DIGITS]


def _named(experiment: Experiment, names: Iterable[str]) -> list[str]:
    return [f"{'train' if name in experiment.trains else 'analysis'} {name}" for name in names]


def _plain(record: Record) -> Mapping[str, Any]:
    plain: dict[str, Any] = record.model_dump(mode="json")
    return plain
