"""The plan: which stages a run has, what each needs, and a hash of everything that can change what it makes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hmmdsl.runtime.identity.contents import content_hash, process_content
from hmmdsl.runtime.stage import HASH_DIGITS, NUMBERS, Drawing, Memory, Part, Plan, plain_record, stage_kinds
from hmmdsl.schema.experiment import Experiment


def make_plan(
    experiment: Experiment,
    spec: str | None = None,
    swept: Mapping[str, Any] = MappingProxyType({}),
    seeded: Mapping[int, Any] = MappingProxyType({}),
) -> Plan:
    """The stages of an experiment: its processes, trains, analyses, the figures of each, and the report, which also shows the
    spec's text `spec`, its sweeps, whose points' stages have the hashes `swept`, and the verdicts with other seeds, whose stages
    have the hashes `seeded`."""
    drawing = Drawing(experiment, spec=spec, swept=swept, seeded=seeded)
    for kind in stage_kinds().values():
        kind.plan(drawing)
    return Plan(experiment.name, tuple(drawing.stages.values()), _written(experiment))


def plan_numbers(experiment: Experiment, memory: Memory, parts: Mapping[str, Part] = MappingProxyType({})) -> Plan:
    """The processes, trains and analyses of an experiment alone, for a point of a sweep, which has no folder of its own. `parts`
    says by their hashes which of its trains are done in batches."""
    drawing = Drawing(experiment, memory, parts)
    for kind in stage_kinds().values():
        if kind.makes in NUMBERS:
            kind.plan(drawing)
    return Plan(experiment.name, tuple(drawing.stages.values()), "")


def _written(experiment: Experiment) -> str:
    """A short hash of what the spec says of its trains and analyses, names and all."""
    content = {
        "processes": {name: process_content(table) for name, table in experiment.processes.items()},
        "trains": {
            name: [plain_record(train), *(plain_record(experiment.models[model]) for model in train.models())]
            for name, train in experiment.trains.items()
        },
        "analyses": {name: plain_record(analysis) for name, analysis in experiment.analyses.items()},
    }
    if experiment.sweeps:
        content["sweeps"] = {name: plain_record(sweep) for name, sweep in experiment.sweeps.items()}
    if experiment.replicate is not None:
        content["replicate"] = plain_record(experiment.replicate)
    return content_hash(content)[:HASH_DIGITS]
