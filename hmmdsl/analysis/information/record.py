"""`information`: how many bits the residual stream holds about the next k tokens, of those that the past holds."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from hmmdsl.analysis.kind import ReadsPlaces
from hmmdsl.analysis.reading.held_out import By, ByHistory, fold_problems
from hmmdsl.analysis.reading.points import BlocksPoint, EmbeddingPoint, FinalNormPoint, Point, has_segment
from hmmdsl.analysis.work import (
    CALL,
    NUMBER,
    PRODUCTS,
    SOFTMAX_PASSES,
    Reads,
)
from hmmdsl.process.counting import count_histories
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.base import (
    AUTO_HISTORY_LIMIT,
    AutoHistories,
    Exact,
    OtherProcess,
    Problem,
    ReadHistories,
    SampledHistories,
)
from hmmdsl.schema.results import Group, Quantity, ResultSchema, Series, by_point, theory

Beside = Literal["untrained", "shuffled", "noise"]

MOST_WORDS = 4096
"""Most words of k tokens that the probe tells apart."""

MOST_NUMBERS = 2**26
"""Most probabilities, histories times words, that are held at once (half a gigabyte)."""

_SCORES: dict[str, ResultSchema] = {
    "bits": Quantity("bits", "the better of the two bounds"),
    "share": Quantity("1", "bits as a share of what the history itself tells"),
    "classification": Quantity("bits", "bound by an affine map and a softmax over the words of k tokens"),
    "regression": Quantity("bits", "bound by an affine map to the words' probabilities, made a distribution"),
    "standard_error": Quantity("bits", "standard error of bits from reading drawn words; 0 where all were read"),
}


class Information(ReadsPlaces):
    """Lower bounds on the information about the next k tokens that an affine reader finds in the activations: the entropy of the
    next k tokens less the expected cross-entropy of what the reader predicts (usable information, Xu et al. 2020). Nothing read
    from the activations can know more than the history itself (the data-processing inequality), and no history of however many
    tokens more than the excess entropy. Expectations are exact over the tree, histories weighted by their probability."""

    word: ClassVar[str] = "information"
    headline: ClassVar[str] = "held_out.bits"
    kind: Literal["information"] = "information"
    k: int = Field(2, ge=1, le=64, description="how many of the next tokens")
    at: Point | tuple[Point, ...] = Field(
        (EmbeddingPoint(), BlocksPoint(), FinalNormPoint()),
        description="where in the network; a list gives one result for each",
    )
    folds: int = Field(5, ge=3, le=100, description="number of folds over the distinct histories, or over what `by` says")
    by: By = ByHistory()
    controls: tuple[Beside, ...] = Field(
        ("untrained", "shuffled", "noise"),
        description="what else is read: the network before training, its activations permuted over histories, Gaussian features",
    )
    histories: ReadHistories = AutoHistories()
    on: OtherProcess = None

    def results(self, around: Surroundings) -> Group:
        model = around.model_of(self.of)
        both = Group({**_SCORES, "held_out": Group(_SCORES, "histories that the fit never saw")})
        lengths = model.context + model.bos
        counted = "from 0" if model.bos else "from 1"
        position = Group({"bits": Quantity("bits", "held out, by the reader that is better over all histories")})
        place = Group(
            {
                **both.members,
                **dict.fromkeys(self.controls, both),
                "read": Series(position, lengths, f"by position: histories of each length, {counted}"),
            },
            "what an affine reader finds at one place",
        )
        known: dict[str, ResultSchema] = {
            "future_entropy": Quantity("bits", "entropy of the next k tokens at a random position, when nothing is known"),
            "history": Quantity("bits", "what history and position tell of the next k tokens: no reader finds more"),
            "history_standard_error": Quantity("bits", "its standard error from reading drawn words; 0 where all were read"),
            "finite_excess_entropy": Quantity("bits", "what the whole past of the stationary process tells of the next k tokens"),
            "excess_entropy": Quantity("bits", "what the whole past tells of the whole future; undefined where it is not known"),
            "position": Series(
                Group({"history": Quantity("bits", "what histories of this length tell of the next k tokens")}),
                lengths,
                f"by position: histories of each length, {counted}",
            ),
        }
        members = theory(Group(known)).members
        if has_segment(self.at):
            return Group({**members, **by_point({one.name: place for one in self.places_in(around)})})
        return Group({**members, **place.members})

    def problems(self, around: Surroundings) -> list[Problem]:
        found = [*super().problems(around), *self._too_many_words(around)]
        model, process = around.model_of(self.of), around.process_of(self.of, self.on)
        return [*found, *fold_problems((), self.by, self.folds, process, 0 if model.bos else 1, model.context)]

    def _too_many_words(self, around: Surroundings) -> list[Problem]:
        """E0585 where the table of histories by words would be too large."""
        model = around.model_of(self.of)
        process = around.process_of(self.of, self.on)
        histories = count_histories(process, model.context, model.bos).total
        words = SampledHistories().words
        if isinstance(self.histories, SampledHistories):
            histories, words = AUTO_HISTORY_LIMIT + 1, self.histories.words
        if histories > AUTO_HISTORY_LIMIT and not isinstance(self.histories, Exact):
            histories = words * model.context + model.bos
        tokens = len(process.tokens)
        most = max(1, min(MOST_WORDS, MOST_NUMBERS // histories))
        if tokens**self.k <= most:
            return []
        longest = max((k for k in range(1, self.k) if tokens**k <= most), default=0)
        return [
            Problem(
                ("k",),
                "E0585",
                f"there are {tokens**self.k:,} words of {self.k} tokens, and {histories:,} histories are read",
                label=f"at most {most:,} words here",
                help=f"write `k = {longest}`, or read fewer histories" if longest else "read fewer histories",
            )
        ]

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        words = len(reads.process.tokens) ** self.k
        coordinates = min(words, len(reads.process.states))
        seconds = 2 * reads.forward()
        for place in self.places_in(around):
            softmax = (CALL + reads.histories * words * (4 * place.width / PRODUCTS + 6 * NUMBER)) * SOFTMAX_PASSES / 4
            once = reads.fits([place.width], coordinates, self.folds, True) + 30 * reads.histories * words * NUMBER
            regression = (1 + self.folds) * once
            seconds += (1 + len(self.controls)) * ((1 + 2 * self.folds) * softmax + regression)
        return seconds
