"""`learning`: how the loss falls with the length of the history, and which law the fall follows."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from hmmdsl.analysis.kind import ReadsNetwork
from hmmdsl.analysis.work import (
    Reads,
)
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.base import AutoHistories, OtherProcess, Problem, ReadHistories
from hmmdsl.schema.results import Group, Quantity, ResultSchema, Series, theory

FEWEST = 3
"""Lengths that a law of two parameters needs, for its standard errors to mean anything."""

_LAW = {
    "amplitude": Quantity("nats", "the factor A before the law"),
    "amplitude_se": Quantity("nats", "standard error of the amplitude"),
    "aic": Quantity("1", "Akaike's information criterion of the fit to the logarithm: less is better"),
    "held_out": Quantity("1", "mean squared error of the logarithm at each length, by the fit to the other lengths"),
}


class Learning(ReadsNetwork):
    """The expected loss after histories of each length, beside the myopic entropy, and laws fitted to what either is above the
    entropy rate: exponential, A exp(-rate l), and power, A l^(-exponent), by least squares of the logarithm over the length l.
    Lengths whose excess is not above the rounding or the error of the entropy rate are left out. The same network before training
    stands beside.

    The laws are held out by length: each length is predicted by the fit to the others. Losses are exact expectations, fitted
    to no target, so that shuffled targets and noise mean nothing here."""

    word: ClassVar[str] = "learning"
    headline: ClassVar[str] = "network.exponential.rate"
    kind: Literal["learning"] = "learning"
    shortest: int = Field(1, ge=1, description="the shortest history, in tokens, that the laws are fitted to")
    longest: int | None = Field(None, ge=1, description="the longest; the network's context if not given")
    histories: ReadHistories = AutoHistories()
    on: OtherProcess = None

    def results(self, around: Surroundings) -> Group:
        model = around.model_of(self.of)
        position: dict[str, ResultSchema] = {
            "loss": Quantity("nats", "expected cross-entropy of the next token"),
            "optimum": Quantity("nats", "the myopic entropy: what an optimal observer of the history loses", theory=True),
            "untrained": Quantity("nats", "the loss of the same network before training"),
            "excess": Quantity("nats", "loss minus the entropy rate"),
            "excess_optimum": Quantity(
                "nats", "optimum minus the entropy rate: what longer histories could still tell", theory=True
            ),
        }
        rate = Quantity("1", "how fast it falls: the excess is A exp(-rate l) after l tokens")
        exponent = Quantity("1", "how fast it falls: the excess is A l^(-exponent) after l tokens")
        curve = Group(
            {
                "exponential": Group({"rate": rate, "rate_se": Quantity("1", "standard error of the rate"), **_LAW}),
                "power": Group({"exponent": exponent, "exponent_se": Quantity("1", "standard error of the exponent"), **_LAW}),
                "aic_difference": Quantity("1", "the power law's AIC minus the exponential's: above 0 the exponential is better"),
                "held_out_ratio": Quantity(
                    "1", "the power law's held-out error over the exponential's: above 1 the exponential is better"
                ),
                "lengths": Quantity("1", "how many lengths the laws were fitted to"),
            },
            "laws fitted to the excess over the entropy rate",
        )
        counted = "from 0" if model.bos else "from 1"
        return Group(
            {
                "entropy_rate": Quantity("nats", "what no history, however long, tells of the next token", theory=True),
                "entropy_rate_error": Quantity("nats", "how far the entropy rate may be off", theory=True),
                "network": curve,
                "theory": theory(curve),
                "untrained": curve,
                "position": Series(
                    Group(position), model.context + model.bos, f"by position: histories of each length, {counted}"
                ),
            }
        )

    def problems(self, around: Surroundings) -> list[Problem]:
        context = around.model_of(self.of).context
        found = super().problems(around)
        longest = context if self.longest is None else self.longest
        if longest > context or self.shortest > longest:
            field = "longest" if self.longest is not None and longest > context else "shortest"
            found.append(
                Problem(
                    (field,),
                    "E0586",
                    f"there are no histories from {self.shortest} to {longest} tokens: the network reads 1 to {context}",
                    label="outside the network's context",
                    help=f"choose lengths from 1 to {context}, or lengthen the context",
                )
            )
        elif longest - self.shortest + 1 < FEWEST:
            count = longest - self.shortest + 1
            found.append(
                Problem(
                    ("shortest" if self.shortest > 1 else "longest" if self.longest is not None else "of",),
                    "W0984",
                    f"no law is fitted to {'one length' if count == 1 else f'{count} lengths'}",
                    label=f"from {self.shortest} to {longest} tokens",
                    help=f"fit at least {FEWEST} lengths, or lengthen the context",
                )
            )
        return found

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        return 2 * reads.forward()
