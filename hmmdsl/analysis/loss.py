"""`loss`: how far each position's predictions are from an optimal observer's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from hmmdsl.analysis.options.along import AlongCheckpoints
from hmmdsl.analysis.options.regression_problems import same_vocabulary
from hmmdsl.spec.analysis import Analysis, Surroundings
from hmmdsl.spec.base import AutoHistories, OtherProcess, Problem, ReadHistories, TrainName
from hmmdsl.spec.results import Group, Quantity, ResultSchema, Series

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hmmdsl.analysis.outcome import Inputs, Outcome


class Loss(AlongCheckpoints):
    """The expected next-token cross-entropy at each position, beside the myopic entropy that an optimal observer would lose
    there, in nats. Every position counts the same in the total.

    Nothing is fitted, so there are no controls: the optimum is its floor, and what the network lost before training is the first
    checkpoint of its `emergence`, or `untrained` of `learning`."""

    word: ClassVar[str] = "loss"
    kind: Literal["loss"] = "loss"
    of: TrainName = Field(description="the training run whose network is read")
    histories: ReadHistories = AutoHistories()
    on: OtherProcess = None

    def needs(self) -> Sequence[str]:
        return (self.of,)

    def train_in(self, analyses: Mapping[str, Analysis]) -> str | None:
        return self.of

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

    def problems(self, around: Surroundings) -> list[Problem]:
        return list(same_vocabulary(self.of, self.on, around))

    def compute(self, inputs: Inputs) -> Outcome:
        from hmmdsl.analysis.probe.losses import losses

        return losses(self, inputs)

    def compute_at_checkpoint(self, inputs: Inputs, step: int) -> Outcome:
        from hmmdsl.analysis.probe.losses import losses

        return losses(self, inputs, step)

    def figures(self, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
        from hmmdsl.analysis.figures.loss import figures

        return figures(self, outcome, inputs)

    def caption(self, figure: str, outcome: Outcome) -> str:
        from hmmdsl.analysis.figures.loss import caption

        return caption(self, outcome)
