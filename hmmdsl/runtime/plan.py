"""The plan: which stages a run has, what each needs, and a hash of everything that changes what it makes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from hmmdsl.spec.base import Record
from hmmdsl.spec.experiment import Experiment

StageKind = Literal["process", "train", "analysis", "figures", "report"]

HASH_DIGITS = 10
"""Hexadecimal digits of a hash that names a stage or a folder: 40 bits."""


@dataclass(frozen=True)
class Stage:
    """One step of a run. `needs` are the ids of the stages before it; `hash` covers its resolved inputs and, through the hashes
    of its needs, theirs."""

    kind: StageKind
    name: str
    needs: tuple[str, ...]
    hash: str

    @property
    def id(self) -> str:
        """What the stage is called: `train fit`, `report`."""
        return f"{self.kind} {self.name}".strip()


@dataclass(frozen=True)
class Plan:
    """The stages in an order in which they can run. `hash` covers every number of the results (not the title, nor the claims,
    which change no number): the run folder is `<name>-<hash>`."""

    name: str
    stages: tuple[Stage, ...]
    hash: str

    @property
    def folder_name(self) -> str:
        return f"{self.name}-{self.hash}"

    def of_kind(self, kind: StageKind) -> tuple[Stage, ...]:
        """The stages of one kind, in order."""
        return tuple(stage for stage in self.stages if stage.kind == kind)


def content_hash(content: Any) -> str:
    """SHA-256 of the canonical JSON of plain data, shortened to 10 hexadecimal digits."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return sha256(text.encode()).hexdigest()[:HASH_DIGITS]


def make_plan(experiment: Experiment) -> Plan:
    """The stages of an experiment: the processes that it uses, its trains, its analyses, then figures and the report."""
    stages: dict[str, Stage] = {}

    def add(kind: StageKind, name: str, needs: Iterator[str] | tuple[str, ...], content: Any) -> Stage:
        order = tuple(dict.fromkeys(needs))
        inputs = {"kind": kind, "name": name, "content": content, "needs": [(need, stages[need].hash) for need in order]}
        stage = Stage(kind, name, order, content_hash(inputs))
        stages[stage.id] = stage
        return stage

    for name, table in experiment.processes.items():
        add("process", name, (), _plain(table, without={"name"}))
    for name, train in experiment.in_order():
        starts = () if train.start_from is None else (f"train {train.start_from}",)
        models = [_plain(experiment.models[model]) for model in train.models()]
        add("train", name, (f"process {train.process}", *starts), {"train": _plain(train), "models": models})
    for name, analysis in experiment.analyses.items():
        content = _plain(analysis)
        words = set(_words(content))
        needs = [f"{'train' if need in experiment.trains else 'analysis'} {need}" for need in analysis.needs()]
        add("analysis", name, (*needs, *(f"process {p}" for p in experiment.processes if p in words)), content)
    numbers = [(id, stage.hash) for id, stage in stages.items() if stage.kind in ("train", "analysis")]
    computed = tuple(id for id, stage in stages.items() if stage.kind in ("train", "analysis"))
    add("figures", "", computed, None)
    add("report", "", ("figures",), {"about": _plain(experiment.about), "expect": [_plain(claim) for claim in experiment.expect]})
    return Plan(experiment.name, tuple(stages.values()), content_hash(numbers))


def _plain(record: Record, without: set[str] | None = None) -> Any:
    return record.model_dump(mode="json", exclude=without)


def _words(content: Any) -> Iterator[str]:
    """Every string in plain data: one of them may name a process that the analysis reads."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for value in content.values():
            yield from _words(value)
    elif isinstance(content, (list, tuple)):
        for value in content:
            yield from _words(value)
