"""`distinctions`: which layers tell which histories apart, and where they are brought together again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from hmmdsl.analysis.options.along import AlongCheckpoints
from hmmdsl.analysis.options.controls import Noise, Shuffled, Untrained, from_word, repeats_of
from hmmdsl.analysis.options.points import BlocksPoint, EmbeddingPoint, FinalNormPoint, Place, Point, has_segment, places
from hmmdsl.spec.analysis import Analysis, Surroundings
from hmmdsl.spec.base import AutoHistories, OtherProcess, Problem, ReadHistories, TrainName, Weights
from hmmdsl.spec.results import Group, Quantity, ResultSchema, Series, by_point, spread_of, theory

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hmmdsl.analysis.outcome import Inputs, Outcome

DistinctionControl = Annotated[Annotated[Untrained | Shuffled | Noise, Field(discriminator="kind")], BeforeValidator(from_word)]

DISTANCE = Quantity("1", "mean distance over the typical one: the root of the mean squared distance of any two histories")
ERROR = Quantity("1", "standard error of the distance from comparing a sample of the pairs; 0 where all were")


class Distinctions(AlongCheckpoints):
    """At each point, how far apart the activations of histories lie that must be told apart though they predict the same next
    token (equal next-token distributions, different beliefs), and of histories that need not be (the same belief). Classes are
    those of the history tree, exact but for rounding. Pairs count by the product of their histories' weights.

    Nothing is fitted, so there is nothing to hold out."""

    word: ClassVar[str] = "distinctions"
    headline: ClassVar[str] = "degenerate.distance"
    kind: Literal["distinctions"] = "distinctions"
    of: TrainName = Field(description="the training run whose network is read")
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

    def needs(self) -> Sequence[str]:
        return (self.of,)

    def train_in(self, analyses: Mapping[str, Analysis]) -> str | None:
        return self.of

    def places_in(self, around: Surroundings) -> list[Place]:
        """The places of the network that it reads."""
        return places(self.at, around.model_of(self.of))

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
        from hmmdsl.analysis.options.followed_words import word_problems
        from hmmdsl.analysis.options.regression_problems import missing_points, repeated, repeated_points, same_vocabulary

        found = [
            *missing_points(self.of, self.at, around),
            *repeated_points(self.at),
            *repeated("controls", [control.kind for control in self.controls]),
            *same_vocabulary(self.of, self.on, around),
        ]
        process = around.process_of(self.of, self.on)
        return found or list(word_problems(self.follow, process, around.model_of(self.of)))

    def compute(self, inputs: Inputs) -> Outcome:
        from hmmdsl.analysis.probe.telling_apart import tell_apart

        return tell_apart(self, inputs)

    def figures(self, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
        from hmmdsl.analysis.figures.distinctions import figures

        return figures(self, outcome, inputs)

    def caption(self, figure: str, outcome: Outcome) -> str:
        from hmmdsl.analysis.figures.distinctions import caption

        return caption(self, figure, outcome)


def _spread(schema: ResultSchema) -> ResultSchema:
    """A control's results over repeats, in the place of each number; their spread stands for the standard error."""
    if isinstance(schema, Group):
        kept = {name: _spread(member) for name, member in schema.members.items() if name != "standard_error"}
        return Group(kept, schema.description)
    assert isinstance(schema, Quantity)
    return spread_of(schema)
