"""`attention`: how attention falls with the lag, against the powers of the process's eigenvalues."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from hmmdsl.analysis.kind import ReadsNetwork
from hmmdsl.analysis.reading.controls import Untrained
from hmmdsl.analysis.reading.transformers import blocks_and_heads, no_transformer
from hmmdsl.analysis.work import (
    NUMBER,
    Reads,
)
from hmmdsl.process.spectrum import lasting
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.base import AutoHistories, OtherProcess, Problem, ReadHistories, TrainName
from hmmdsl.schema.results import Group, Quantity, ResultSchema, Series, theory

FIT = {
    "rate": Quantity("1", "factor by which attention falls from one lag to the next, fitted over all positions"),
    "rate_error": Quantity("1", "standard error of the rate, from what the fit leaves over"),
    "deviation": Quantity(
        "1",
        "total variation distance, averaged over positions, between attention and the powers of the first eigenvalue; undefined "
        "where that one, or another as large, is no positive number: attention is never negative, and cannot follow such powers",
    ),
}


MOST_EIGENVALUES = 16
"""So many are told, the largest."""


class AttentionByLag(ReadsNetwork):
    """Mean attention by lag, head and layer. What a token tells of the hidden state fades as T mixes, by powers of its
    eigenvalues other than 1; Piotrowski et al. 2025 find that the attention of one-layer transformers on Mess3 falls so.

    A rate is one number of a whole pattern, told with the error of its fit: there are no histories to hold out and no targets to
    shuffle, and the initial weights, whose attention knows nothing, are its noise."""

    word: ClassVar[str] = "attention"
    headline: ClassVar[str] = "rate"
    kind: Literal["attention"] = "attention"
    of: TrainName = Field(description="the training run of a transformer")
    from_lag: int = Field(
        1,
        ge=0,
        le=4096,
        description="the least lag that is fitted; lag 0, the token itself, also reaches the prediction without attention",
    )
    controls: tuple[Untrained, ...] = Field((), description="what else is fitted: `untrained`, the initial weights")
    histories: ReadHistories = AutoHistories()
    on: OtherProcess = None

    def results(self, around: Surroundings) -> Group:
        model = around.model_of(self.of)
        process = around.process_of(self.of, self.on)
        layers, heads = blocks_and_heads(model)
        lag = Group({"attention": Quantity("1", "mean attention at this lag, over the histories that reach back so far")})
        head: dict[str, ResultSchema] = dict(FIT)
        head["lag"] = Series(lag, model.context, "by lag, from 0")
        if model.bos:
            head["bos"] = Quantity("1", "mean attention on the bos token, which has no lag")
        if self.controls:
            head["untrained"] = Group(dict(head), "the same network with its initial weights")
        length = min(lasting(process).others, MOST_EIGENVALUES)
        eigenvalue = Group(
            {
                "modulus": Quantity("1", "its absolute value"),
                "real": Quantity("1", "its real part"),
                "imaginary": Quantity("1", "its imaginary part"),
            }
        )
        return Group(
            {
                "eigenvalue": Series(theory(eigenvalue), length, "the largest eigenvalues of T other than 1"),
                "layer": Series(Group({"head": Series(Group(head), heads)}), layers, "the blocks, from 0"),
            }
        )

    def problems(self, around: Surroundings) -> list[Problem]:
        return [*no_transformer("of", self.of, around, "attention"), *super().problems(around)]

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        attended = reads.histories * reads.model.context * len(reads.model.points()) * 20 * NUMBER
        return (1 + len(self.controls)) * (reads.forward() + attended)
