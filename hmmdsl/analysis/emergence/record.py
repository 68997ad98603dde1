"""`emergence`: an analysis repeated at every checkpoint, so that one sees when in training it comes about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from hmmdsl.analysis.kind import AlongCheckpoints, Kind
from hmmdsl.analysis.work import (
    Reads,
)
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.base import AnalysisName, Problem
from hmmdsl.schema.checkpoints import checkpoint_count
from hmmdsl.schema.results import Group, Quantity, Series


class Emergence(Kind):
    """Another analysis, without its controls, at every checkpoint of its training run."""

    word: ClassVar[str] = "emergence"
    kind: Literal["emergence"] = "emergence"
    of: AnalysisName = Field(description="the analysis of one training run that is repeated")

    def needs(self) -> Sequence[str]:
        return (self.of,)

    def results(self, around: Surroundings) -> Group:
        inner = around.analyses[self.of]
        train = inner.train_in(around.analyses) if isinstance(inner, AlongCheckpoints) else None
        if not isinstance(inner, AlongCheckpoints) or train is None:
            return Group({})
        step = Quantity("1", "optimizer steps taken before this checkpoint", theory=True)
        element = Group({"step": step} | dict(inner.results_at_checkpoint(around).members))
        count = checkpoint_count(around.trains[train])
        return Group({"checkpoint": Series(element, count, "by checkpoint, from the initialization to the last step")})

    def problems(self, around: Surroundings) -> list[Problem]:
        inner = around.analyses[self.of]
        if isinstance(inner, AlongCheckpoints) and inner.train_in(around.analyses) is not None:
            return []
        if isinstance(inner, AlongCheckpoints):
            message = f"{self.of} reads several training runs, which have no checkpoints in common"
            return [Problem(("of",), "E0824", message, label="no single run", help="name an analysis of one training run")]
        return [
            Problem(
                ("of",),
                "E0824",
                f"{self.of} is of kind {inner.word}, which is not repeated along checkpoints",
                label="reads no single checkpoint",
                help="name what it repeats, or another analysis of a training run",
            )
        ]

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        inner = around.analyses[self.of]
        assert isinstance(inner, AlongCheckpoints)
        return checkpoint_count(reads.train) * inner.alone().seconds(reads, around)
