"""What an analysis is given and what it hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hmmdsl.schema.analysis import Surroundings

if TYPE_CHECKING:
    import numpy as np

    from hmmdsl.process.process import Process
    from hmmdsl.schema.analysis import Analysis
    from hmmdsl.training.trained import Trained


class UndefinedTargetError(ValueError):
    """There is no history after which all targets of an analysis are defined, among those that it reads."""


@dataclass(frozen=True)
class Outcome:
    """`results` is nested as the analysis' schema says, plain floats and lists of them (None: undefined). `arrays` are kept
    beside it for figures, for analyses that build on this one, and for readers of the run folder. `facts` says in words how it
    was computed (histories exact or sampled and how many, ridge chosen, …)."""

    results: dict[str, Any]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Inputs:
    """What a computation may read: finished training runs, finished analyses with their options, all processes by name.
    `portraits` are those that have been computed already, as plain data to the usual depth."""

    name: str
    trained: Mapping[str, Trained]
    analyses: Mapping[str, Analysis]
    outcomes: Mapping[str, Outcome]
    processes: Mapping[str, Process]
    portraits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def at_checkpoint(self, train: str, step: int) -> Inputs:
        """The same, with one training run as it was at checkpoint `step`."""
        return replace(self, trained={**self.trained, train: self.trained[train].until(step)})

    def surroundings(self) -> Surroundings:
        """What result schemas are made from."""
        models = {one.train.model: one.model for one in self.trained.values()}
        trains = {name: one.train for name, one in self.trained.items()}
        return Surroundings(self.processes, models, trains, self.analyses)
