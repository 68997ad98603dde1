"""`loss`: how far each position's predictions are from an optimal observer's."""

from __future__ import annotations

from typing import ClassVar, Literal

from hmmdsl.analysis.kind import ReadsNetwork
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.work import (
    Reads,
)
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.base import AutoHistories, OtherProcess, ReadHistories
from hmmdsl.schema.results import Group, Quantity, ResultSchema, Series


class Loss(ReadsNetwork):
    """The expected next-token cross-entropy at each position, beside the myopic entropy that an optimal observer would lose
    there, in nats. Every position counts the same in the total.

    Nothing is fitted, so there are no controls: the optimum is its floor, and what the network lost before training is the first
    checkpoint of its `emergence`, or `untrained` of `learning`."""

    word: ClassVar[str] = "loss"
    kind: Literal["loss"] = "loss"
    histories: ReadHistories = AutoHistories()
    on: OtherProcess = None

    def results(self, around: Surroundings) -> Group:
        model = around.model_of(self.of)
        members: dict[str, ResultSchema] = {
            "loss": Quantity("nats", "expected cross-entropy of the next token"),
            "optimum": Quantity(
                "nats", "expected entropy of the next token given the history: the least loss there can be", theory=True
            ),
            "gap": Quantity("nats", "loss minus optimum: the mean KL divergence from the optimal prediction"),
        }
        counted = "from 0" if model.bos else "from 1"
        positions = Series(Group(dict(members)), model.context + model.bos, f"by position: histories of each length, {counted}")
        return Group(members | {"position": positions})

    def results_at_checkpoint(self, around: Surroundings) -> Group:
        return self.results(around)

    def compute_at_checkpoint(self, inputs: Inputs, step: int) -> Outcome:
        return self._computed(inputs, step)

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        return reads.forward()
