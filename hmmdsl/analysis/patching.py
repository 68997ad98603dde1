"""`patching`: where in the network what tells two histories apart stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from hmmdsl.analysis.options.along import AlongCheckpoints
from hmmdsl.analysis.options.controls import Untrained, repeats_of
from hmmdsl.analysis.options.tag_words import from_word
from hmmdsl.analysis.options.transformers import no_transformer
from hmmdsl.analysis.options.written_words import known_word, word_problems
from hmmdsl.spec.analysis import Analysis, Surroundings
from hmmdsl.spec.base import Problem, Record, TrainName
from hmmdsl.spec.results import Group, Quantity, ResultSchema, Series, by_point, spread_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hmmdsl.analysis.outcome import Inputs, Outcome

RESTORED = Quantity("1", "share of the divergence from the source's prediction that the patch takes away: 1 all, 0 none")
DIVERGENCE = Quantity("nats", "KL divergence of the base's prediction from the source's, before any patch")


class RandomSource(Record):
    """Patches from other histories of the same length, drawn by probability; scored against the same source."""

    kind: Literal["random"] = "random"
    repeats: int = Field(20, ge=1, le=10_000, description="number of histories")


PatchingControl = Annotated[Annotated[RandomSource | Untrained, Field(discriminator="kind")], from_word]


class Patching(AlongCheckpoints):
    """Activation patching (Meng et al. 2022; Geiger et al. 2021 call it an interchange intervention): while the network reads
    `base`, the residual stream at one point and position is replaced by what it is there for `source`, and the forward pass goes
    on. What is restored of the source's next-token distribution says where the difference of the two stands.

    Nothing is fitted: there is nothing to hold out and no target to shuffle; patches from `random` histories are its noise."""

    word: ClassVar[str] = "patching"
    headline: ClassVar[str] = "whole.restored"
    kind: Literal["patching"] = "patching"
    of: TrainName = Field(description="the training run whose network is patched")
    source: str = Field(description="the history that activations are taken from: its tokens, such as `0 1 1`")
    base: str = Field(description="the history that is read, of the same length")
    controls: tuple[PatchingControl, ...] = Field((), description="what else is done, so that one can tell what it is worth")

    # ---------------------------------------------------------------- before the run

    def needs(self) -> Sequence[str]:
        return (self.of,)

    def train_in(self, analyses: Mapping[str, Analysis]) -> str | None:
        return self.of

    def results(self, around: Surroundings) -> Group:
        model = around.model_of(self.of)
        positions = len(known_word(self.base, around.process_of(self.of)) or ()) + model.bos
        patched: dict[str, ResultSchema] = {"restored": RESTORED}
        for control in self.controls:
            one = spread_of(RESTORED) if repeats_of(control) > 1 else RESTORED
            patched[control.kind] = Group({"restored": one}, (type(control).__doc__ or "").split(".")[0])
        group = Group(patched, "one patch")
        point = Group(
            {
                "position": Series(group, positions, "by the position that is patched, from the word's first"),
                "whole": Group(dict(patched), "all positions patched at once"),
            }
        )
        members: dict[str, ResultSchema] = {"divergence": DIVERGENCE}
        if any(isinstance(control, Untrained) for control in self.controls):
            members["untrained"] = Group({"divergence": DIVERGENCE}, "the network with its initial weights")
        return Group(members | dict(by_point(dict.fromkeys(model.points(), point))))

    def problems(self, around: Surroundings) -> list[Problem]:
        from hmmdsl.analysis.options.regression_problems import repeated

        lacking = no_transformer("of", self.of, around, "residual stream that could be patched at every position")
        return [*lacking, *word_problems(self, around), *repeated("controls", [control.kind for control in self.controls])]

    # ---------------------------------------------------------------- the run

    def compute(self, inputs: Inputs) -> Outcome:
        from hmmdsl.analysis.steering.patch import patch

        return patch(self, inputs)

    def figures(self, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
        from hmmdsl.analysis.figures.patching import figures

        return figures(self, outcome, inputs)

    def caption(self, figure: str, outcome: Outcome) -> str:
        from hmmdsl.analysis.figures.patching import caption

        return caption(self, outcome)
