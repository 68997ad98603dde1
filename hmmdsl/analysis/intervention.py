"""`intervention`: whether predictions follow a belief that is written into the residual stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hmmdsl.analysis.options.along import AlongCheckpoints
from hmmdsl.analysis.options.controls import SteeringControl, Untrained, repeats_of
from hmmdsl.analysis.options.points import BlockPoint, EmbeddingPoint, FinalNormPoint
from hmmdsl.analysis.options.result_path import ResultPath
from hmmdsl.analysis.options.tag_words import from_word
from hmmdsl.spec.analysis import Analysis, Surroundings
from hmmdsl.spec.base import Problem, Record, ResultName
from hmmdsl.spec.results import Group, Quantity, ResultSchema, Series, spread_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hmmdsl.analysis.outcome import Inputs, Outcome

OLD = Quantity("nats", "mean KL divergence of the prediction from the optimum of the history's own belief")
NEW = Quantity("nats", "mean KL divergence of the prediction from the optimum of the belief steered to")

BOTH = Group({"old": OLD, "new": NEW})


class Replace(Record):
    """The probe reads exactly the new belief: the activation's part in the probe's subspace is replaced."""

    kind: Literal["replace"] = "replace"


class Add(Record):
    """The difference of the new and the true belief is added in the probe's subspace; the probe's error stays."""

    kind: Literal["add"] = "add"
    strength: float = Field(1.0, ge=-100, le=100, description="how many times the difference is added")


class Ablate(Record):
    """The probe reads the mean belief after every history. There is no other belief to steer to, so `to` is left out."""

    kind: Literal["ablate"] = "ablate"


Mode = Annotated[Annotated[Replace | Add | Ablate, Field(discriminator="kind")], from_word]
Towards = Literal["counterfactual", "history", "uniform"]
OnePlace: TypeAlias = Annotated[Annotated[EmbeddingPoint | BlockPoint | FinalNormPoint, Field(discriminator="kind")], from_word]


class Intervention(AlongCheckpoints):
    """The residual stream after each history of the probe's is moved along the probe's subspace, so that it holds another belief,
    and the forward pass goes on. Predictions are compared with the optimal ones of the old and of the new belief; histories count
    as in the loss.

    The measure, the network's own prediction, is no score of the probe's fit, so that overfitting gains nothing: a probe of
    noise writes along a `random` subspace. How the probe does on unseen histories, its regression tells."""

    word: ClassVar[str] = "intervention"
    headline: ClassVar[str] = "after.new"
    kind: Literal["intervention"] = "intervention"
    probe: ResultName = Field(description="a regression on beliefs at one point, such as `beliefs.block[3]`")
    mode: Mode = Field(Replace(), description="what is done to the part of the activation that the probe reads")
    to: Towards | Annotated[tuple[Towards, ...], Field(min_length=1)] | None = Field(
        None,
        description="the new belief, one drawn for each history by the run's seed: `counterfactual`, if the last token had been "
        "another, which it is where none is given; that of another `history` of the same length, drawn by probability; `uniform` "
        "on the simplex of hidden states",
    )
    at: OnePlace | None = Field(None, description="where in the network; at the probe's own point if not given")
    positions: Literal["own", "every"] = Field(
        "own",
        description="own: of each history, the position of its last token alone, and it looks back over its unchanged prefixes; "
        "every: all positions, each towards a new belief of its own",
    )
    along: Literal["encoding", "weights"] = Field(
        "encoding",
        description="how activations move for a change of what is read: as they do from history to history, or by the least "
        "change, along the probe's weights",
    )
    strengths: tuple[Annotated[float, Field(ge=-100, le=100)], ...] = Field(
        (0, 0.25, 0.5, 0.75, 1.0),
        max_length=64,
        description="shares of the change at which the predictions are compared as well, for a curve",
    )
    controls: tuple[SteeringControl, ...] = Field((), description="what else is done, so that one can tell what it is worth")

    @model_validator(mode="after")
    def _ablation_has_no_aim(self) -> Intervention:
        if isinstance(self.mode, Ablate) and self.to is not None:
            raise PydanticCustomError(
                "ablation",
                "ablation leaves the mean belief, so there is no belief to steer to",
                {"field": "to", "help": "leave `to` out, or choose the mode `replace`"},
            )
        return self

    # ---------------------------------------------------------------- before the run

    @property
    def aims(self) -> tuple[str, ...]:
        """The new beliefs, always as a tuple; `mean` for ablation."""
        if isinstance(self.mode, Ablate):
            return ("mean",)
        return self.to if isinstance(self.to, tuple) else (self.to or "counterfactual",)

    @property
    def nested(self) -> bool:
        """Whether results have a segment for the new belief."""
        return isinstance(self.to, tuple)

    def needs(self) -> Sequence[str]:
        return (ResultPath.of(self.probe).name,)

    def train_in(self, analyses: Mapping[str, Analysis]) -> str | None:
        source = analyses.get(ResultPath.of(self.probe).name)
        return getattr(source, "of", None)

    def results(self, around: Surroundings) -> Group:
        from hmmdsl.analysis.options.steered_probe import probe_of

        found = probe_of(self.probe, around)
        if found is None:
            return Group({})
        model = around.model_of(found.regression.of)
        steered: dict[str, ResultSchema] = {
            "before": BOTH,
            "after": BOTH,
            "size": Quantity("1", "mean length of the change, as a share of the activation's length"),
        }
        members = steered | {
            "strength": Series(
                Group({"strength": Quantity("1", "share of the change that is made", theory=True), **BOTH.members}),
                len(self.strengths),
                "by strength, in the order of `strengths`",
            ),
            "position": Series(
                Group({"before": BOTH, "after": BOTH}),
                model.context + model.bos,
                f"by position: histories of each length, {'from 0' if model.bos else 'from 1'}",
            ),
        }
        for control in self.controls:
            if isinstance(control, Untrained):
                members[control.kind] = Group(dict(steered), "the same with the initial weights and a probe of their own")
                continue
            many = repeats_of(control) > 1
            scores = {name: spread_of(one) if many else one for name, one in (("old", OLD), ("new", NEW))}
            members[control.kind] = Group(scores, (type(control).__doc__ or "").split(".")[0])
        group = Group(members, "one new belief")
        return Group(dict.fromkeys(self.aims, group)) if self.nested else group

    def problems(self, around: Surroundings) -> list[Problem]:
        from hmmdsl.analysis.options.steered_probe import intervention_problems

        return intervention_problems(self, around)

    # ---------------------------------------------------------------- the run

    def compute(self, inputs: Inputs) -> Outcome:
        from hmmdsl.analysis.steering.steer import steer

        return steer(self, inputs)

    def of_aim(self, results: Mapping[str, Any], aim: str) -> Mapping[str, Any]:
        """The results for one new belief."""
        found: Mapping[str, Any] = results[aim] if self.nested else results
        return found

    def figures(self, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
        from hmmdsl.analysis.figures.intervention import figures

        return figures(self, outcome)

    def caption(self, figure: str, outcome: Outcome) -> str:
        from hmmdsl.analysis.figures.intervention import caption

        return caption(self, figure, outcome)
