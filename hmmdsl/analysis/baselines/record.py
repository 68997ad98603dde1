"""`baselines`: what simpler readers of the tokens know, what a nonlinear probe adds, and which other geometries fit as well."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from hmmdsl.analysis.kind import ReadsPlaces
from hmmdsl.analysis.reading.held_out import By, ByHistory, fold_problems
from hmmdsl.analysis.reading.points import FinalNormPoint, Point, has_segment
from hmmdsl.analysis.reading.targets import FutureTarget, target_problems
from hmmdsl.analysis.work import (
    NUMBER,
    PRODUCTS,
    Reads,
)
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.base import AutoHistories, OtherProcess, Problem, ReadHistories, Weights
from hmmdsl.schema.results import Group, Quantity, ResultSchema, Series, by_point, theory

RIVALS = ("belief", "log_belief", "unnormalized", "next_token", "future")
"""The geometries that are read off the same activations, in the order of the results."""

MOST_COLUMNS = 4096
"""Most one-hot columns: tokens that are looked back at, times the vocabulary."""

R2 = Quantity("1", "share of the target's weighted variance that is explained (variance-weighted over coordinates)")
MSE = Quantity("1", "weighted mean squared error, averaged over the target's coordinates")
UNSEEN = "histories that the fit never saw"


class Baselines(ReadsPlaces):
    """What stands beside a linear map from activations to beliefs. `tokens`: the same map from the last k tokens, one-hot.
    `markov`: the optimal observer of the last k tokens, exactly. `nonlinear`: the linear probe, with random Fourier features of
    the activations (Rahimi & Recht 2007) beside them. `rivals`: other geometries read off the same activations. Penalties are
    chosen inside the folds; the network before training, permuted targets and Gaussian features stand beside."""

    word: ClassVar[str] = "baselines"
    headline: ClassVar[str] = "linear.held_out.r2"
    kind: Literal["baselines"] = "baselines"
    longest: int = Field(3, ge=0, le=64, description="the most tokens that `tokens` and `markov` look back at; they begin at 0")
    at: Point | tuple[Point, ...] = Field(FinalNormPoint(), description="where in the network; a list gives one result for each")
    weights: Weights = Field("probability", description="how much a history counts, in the fits and in their scores")
    future: int = Field(2, ge=1, le=64, description="how many tokens the rival geometry of the next tokens looks ahead")
    features: int = Field(256, ge=1, le=4096, description="number of random Fourier features of the nonlinear probe")
    folds: int = Field(5, ge=3, le=1000, description="number of folds over the distinct histories, or over what `by` says")
    by: By = ByHistory()
    repeats: int = Field(3, ge=1, le=1000, description="number of permutations of the shuffled control")
    histories: ReadHistories = AutoHistories()
    on: OtherProcess = None

    def results(self, around: Surroundings) -> Group:
        scores: dict[str, ResultSchema] = {"r2": R2, "mse": MSE}
        both = Group({**scores, "held_out": Group(scores, UNSEEN)})
        network = Group(
            {
                "loss": Quantity("nats", "expected cross-entropy of the next token"),
                "gap": Quantity("nats", "loss minus that of an optimal observer of the whole history"),
                "order": Quantity(
                    "1",
                    "how many of the last tokens an optimal observer may see and still lose more; -1 if it loses less with none",
                ),
            },
            "the network's own predictions",
        )
        markov = Group(
            {
                "loss": Quantity("nats", "expected cross-entropy of the next token, given the last k tokens only"),
                "gap": Quantity("nats", "what seeing the last k tokens only costs: a mean KL divergence"),
                **scores,
            },
            "optimal for an observer of the position and the last k tokens",
        )
        spread: dict[str, ResultSchema] = {"r2": Group(_extremes(R2)), "mse": Group(_extremes(MSE))}
        probe = Group(
            {
                **both.members,
                "untrained": both,
                "noise": both,
                "shuffled": Group({**spread, "held_out": Group(spread, UNSEEN)}, "targets permuted over histories"),
            },
            "beliefs read off the activations",
        )
        rival = Group({**both.members, "untrained": both}, "one geometry, read by an affine map")
        place = Group({"linear": probe, "nonlinear": probe, "rivals": Group(dict.fromkeys(RIVALS, rival))})
        members: dict[str, ResultSchema] = {
            "network": network,
            "markov": Series(theory(markov), self.longest + 1, "by k: the last k tokens, from 0"),
            "tokens": Series(both, self.longest + 1, "by k: an affine map from the last k tokens, one-hot, from 0"),
        }
        if has_segment(self.at):
            return Group({**members, **by_point({one.name: place for one in self.places_in(around)})})
        return Group({**members, **place.members})

    def problems(self, around: Surroundings) -> list[Problem]:
        model = around.model_of(self.of)
        process = around.process_of(self.of, self.on)
        found = super().problems(around)
        most = min(model.context, MOST_COLUMNS // len(process.tokens))
        if self.longest > most:
            found.append(
                Problem(
                    ("longest",),
                    "E0587",
                    f"no baseline looks back at {self.longest} tokens: histories have at most {model.context}"
                    if most == model.context
                    else f"the last {self.longest} tokens are {self.longest * len(process.tokens):,} one-hot columns",
                    label=f"at most {most} here",
                    help=f"write `longest = {most}` or less",
                )
            )
        future = FutureTarget(k=self.future)
        for problem in target_problems((future,), True, process, model.context, model.bos):
            found.append(Problem(("future",), problem.code, problem.message, problem.label, "choose a smaller `future`"))
        return [*found, *fold_problems((), self.by, self.folds, process, 0 if model.bos else 1, model.context)]

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        states, tokens = len(reads.process.states), len(reads.process.tokens)
        seconds = 2 * reads.forward()
        for k in range(self.longest + 1):
            seconds += reads.fits([max(1, k * tokens)], states, self.folds, True) + 20 * reads.histories * states * NUMBER
        rivals = 3 * states + tokens + min(states, tokens**self.future)
        for place in self.places_in(around):
            seconds += 3 * reads.fits([place.width], states, self.folds, True)
            seconds += reads.shuffled([place.width], states, self.folds, self.repeats, True)
            # Waves are made and read anew for each fold, and a penalty is chosen for each by itself.
            width = place.width + self.features
            waves = reads.histories * self.features * 5 * NUMBER + reads.factors(width + states + 1)
            tried = 2 * reads.tried(width, states, self.folds)
            permuted = states * self.repeats
            passes = 2 * reads.histories * width * permuted / PRODUCTS + 2 * reads.tried(width, permuted, self.folds)
            seconds += 3 * ((1 + self.folds) * waves + tried) + (1 + self.folds) * passes
            seconds += 2 * reads.fits([place.width], rivals, self.folds, True)
        return seconds


def _extremes(quantity: Quantity) -> dict[str, ResultSchema]:
    return {
        "mean": Quantity(quantity.unit, f"mean over permutations of: {quantity.description}"),
        "max": Quantity(quantity.unit, f"greatest over permutations of: {quantity.description}"),
    }
