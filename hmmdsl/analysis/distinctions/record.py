"""`distinctions`: which layers tell which histories apart, and where they are brought together again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import comb
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hmmdsl.analysis.kind import ReadsPlaces
from hmmdsl.analysis.reading.controls import Noise, Shuffled, Untrained, repeats_of
from hmmdsl.analysis.reading.points import BlocksPoint, EmbeddingPoint, FinalNormPoint, Point, has_segment
from hmmdsl.analysis.reading.words import unknown_token
from hmmdsl.analysis.work import (
    MOST_PAIRS,
    NUMBER,
    Reads,
)
from hmmdsl.process.process import Process
from hmmdsl.process.words import UnknownTokenError, read_word, word_probability
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.base import AutoHistories, OtherProcess, Problem, ReadHistories, Weights, from_word
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.results import Group, Quantity, ResultSchema, Series, by_point, spread_of, theory

DistinctionControl = Annotated[Annotated[Untrained | Shuffled | Noise, Field(discriminator="kind")], from_word]

DISTANCE = Quantity("1", "mean distance over the typical one: the root of the mean squared distance of any two histories")
ERROR = Quantity("1", "standard error of the distance from comparing a sample of the pairs; 0 where all were")


class Distinctions(ReadsPlaces):
    """At each point, how far apart the activations of histories lie that must be told apart though they predict the same next
    token (equal next-token distributions, different beliefs), and of histories that need not be (the same belief). Classes are
    those of the history tree, exact but for rounding. Pairs count by the product of their histories' weights.

    Nothing is fitted, so there is nothing to hold out."""

    word: ClassVar[str] = "distinctions"
    headline: ClassVar[str] = "degenerate.distance"
    kind: Literal["distinctions"] = "distinctions"
    at: Point | tuple[Point, ...] = Field(
        (EmbeddingPoint(), BlocksPoint(), FinalNormPoint()),
        description="where in the network, in the order in which histories are followed; a list gives one result for each",
    )
    weights: Weights = Field("probability", description="how much a history counts")
    positions: Literal["all", "same"] = Field(
        "all",
        description="which histories are compared: any two, or those of the same length, with the mean of each length taken off, "
        "so that knowing the position counts for nothing",
    )
    threshold: float = Field(
        0.1, gt=0, description="two histories are separated if they are further apart than this share of the typical distance"
    )
    follow: tuple[tuple[str, str], ...] = Field(
        (),
        max_length=20,
        description='pairs of histories to follow through the layers, as words: `[["0 1", "1 0"]]`; if not given, the pairs '
        "that separate and that collapse most are drawn",
    )
    controls: tuple[DistinctionControl, ...] = Field(
        (Untrained(),), description="the same with the untrained network, with activations permuted over histories, or with noise"
    )
    histories: ReadHistories = AutoHistories()
    on: OtherProcess = None

    def results(self, around: Surroundings) -> Group:
        members: dict[str, ResultSchema] = self._measures()
        if self.follow:
            members["followed"] = Series(DISTANCE, len(self.follow), "by pair, in the order given; undefined if it was not drawn")
        for control in self.controls:
            measures = self._measures()
            if repeats_of(control) > 1:
                measures = {name: _spread(member) for name, member in measures.items()}
            members[control.kind] = Group(measures, (type(control).__doc__ or "").split(".")[0])
        group = Group(members, "one point")
        found = dict(by_point({place.name: group for place in self.places_in(around)})) if has_segment(self.at) else members
        counts: dict[str, ResultSchema] = {
            "beliefs": Quantity("1", "classes of histories by belief"),
            "next_tokens": Quantity("1", "classes of histories by next-token distribution"),
            "degenerate_pairs": Quantity("1", "pairs compared that predict the same next token and have different beliefs"),
            "same_belief_pairs": Quantity("1", "pairs compared that have the same belief"),
        }
        return Group(found | {"count": theory(Group(counts, "what was compared"))})

    def _measures(self) -> dict[str, ResultSchema]:
        return {
            "scatter": Group(
                {
                    "next_token": Quantity("1", "share of the variance between classes of equal next-token distribution"),
                    "belief": Quantity("1", "share of the variance between classes of equal belief"),
                    "beyond": Quantity("1", "belief - next_token: what tells beliefs apart that predict the same next token"),
                    "within": Quantity("1", "1 - belief: what tells histories apart that have the same belief"),
                },
                "within- and between-class scatter",
            ),
            "degenerate": Group(
                {
                    "distance": DISTANCE,
                    "standard_error": ERROR,
                    "separated": Quantity("1", "share of these pairs that are separated"),
                    "ratio": Quantity("1", "distance over that of pairs with the same belief"),
                },
                "pairs with equal next-token distributions and different beliefs",
            ),
            "same_belief": Group(
                {
                    "distance": DISTANCE,
                    "standard_error": ERROR,
                    "separated": Quantity("1", "share of these pairs that are separated, though nothing to come depends on it"),
                },
                "pairs with the same belief",
            ),
        }

    def problems(self, around: Surroundings) -> list[Problem]:
        found = super().problems(around)
        process = around.process_of(self.of, self.on)
        return found or list(word_problems(self.follow, process, around.model_of(self.of)))

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        widths = [place.width for place in self.places_in(around)]
        pairs = min(comb(reads.histories, 2), MOST_PAIRS)
        passes = (1 + len(self.controls)) * sum(widths) * (3 * pairs + reads.histories)
        return 2 * reads.forward() + passes * NUMBER / 6 + 10 * reads.histories * len(reads.process.states) * NUMBER


def _spread(schema: ResultSchema) -> ResultSchema:
    """A control's results over repeats, in the place of each number; their spread stands for the standard error."""
    if isinstance(schema, Group):
        kept = {name: _spread(member) for name, member in schema.members.items() if name != "standard_error"}
        return Group(kept, schema.description)
    assert isinstance(schema, Quantity)
    return spread_of(schema)


def word_problems(follow: Sequence[tuple[str, str]], process: Process, model: Model) -> Iterator[Problem]:
    """A problem (E0573) for each word that is no history within the context, and for a pair of one word."""
    shortest = 0 if model.bos else 1
    for i, pair in enumerate(follow):
        words: list[tuple[int, ...]] = []
        for k, text in enumerate(pair):
            where = ("follow", i, k)
            try:
                word = read_word(process.tokens, text)
            except UnknownTokenError as error:
                yield unknown_token(where, "E0573", error, process)
                continue
            words.append(word)
            if not shortest <= len(word) <= model.context:
                message = f'"{text}" has {len(word)} tokens, and histories have {shortest} to {model.context}'
                yield Problem(where, "E0573", message, label="no history", help="follow a history within the network's context")
            elif word_probability(process, word) <= 0:
                message = f'{process.name} never emits "{text}": its probability is 0'
                yield Problem(where, "E0573", message, label="no history", help="follow a word that can occur")
        if len(words) == 2 and words[0] == words[1]:
            message = "this pair is one history twice, which no layer tells apart"
            yield Problem(("follow", i), "E0573", message, label="one history", help="follow two different histories")
