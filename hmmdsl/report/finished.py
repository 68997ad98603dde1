"""A finished run, as its report reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmmdsl.analysis.outcome import Outcome
    from hmmdsl.process.process import Process
    from hmmdsl.report.portrait_section import PortraitText
    from hmmdsl.report.sweeps.table import SweepTable
    from hmmdsl.schema.experiment import Experiment, Verdict
    from hmmdsl.training.trained import Trained


@dataclass(frozen=True)
class Finished:
    """`spec` is the spec's text as run (None if the run began from YAML); `results` is what results.json holds; `seconds` are the
    stages' wall-clock times by name, and `cached` names those whose results were in the store already; `environment` is what
    environment.json holds; `sweeps` are the tables of the sweeps; `portraits` say by name what the processes are,
    `locked` how the claims stand to those that were locked, and `entropy_rates` are the processes' in bits, as far as they are
    known already."""

    experiment: Experiment
    spec: str | None
    results: Mapping[str, Any]
    verdicts: tuple[Verdict, ...]
    trained: Mapping[str, Trained]
    outcomes: Mapping[str, Outcome]
    processes: Mapping[str, Process]
    environment: Mapping[str, Any]
    seconds: Mapping[str, float]
    cached: frozenset[str] = frozenset()
    sweeps: tuple[SweepTable, ...] = ()
    portraits: Mapping[str, PortraitText] = field(default_factory=dict)
    locked: tuple[str, ...] = ()
    entropy_rates: Mapping[str, float] = field(default_factory=dict)
