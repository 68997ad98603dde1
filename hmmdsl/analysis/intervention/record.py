"""`intervention`: whether predictions follow a belief that is written into the residual stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hmmdsl.analysis.kind import AlongCheckpoints
from hmmdsl.analysis.reading.controls import SteeringControl, Untrained, repeats_of
from hmmdsl.analysis.reading.points import BlockPoint, EmbeddingPoint, FinalNormPoint, Place, missing_index, place_label
from hmmdsl.analysis.reading.problems import repeated
from hmmdsl.analysis.reading.result_path import ResultPath
from hmmdsl.analysis.regression.record import Regression, place_of
from hmmdsl.analysis.work import (
    NUMBER,
    Reads,
    spectral,
)
from hmmdsl.schema.analysis import Analysis, Surroundings
from hmmdsl.schema.base import Problem, Record, ResultName, from_word
from hmmdsl.schema.results import Group, Quantity, ResultSchema, Series, spread_of

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
        return intervention_problems(self, around)

    def of_aim(self, results: Mapping[str, Any], aim: str) -> Mapping[str, Any]:
        """The results for one new belief."""
        found: Mapping[str, Any] = results[aim] if self.nested else results
        return found

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        points, probe = list(reads.model.points()), probe_of(self.probe, around)
        left = 1 - points.index(probe.point) / len(points) if probe is not None and probe.point in points else 1.0
        once = left * reads.forward() + 20 * reads.histories * len(reads.process.tokens) * NUMBER
        width, states = max(reads.model.points().values()), len(reads.process.states)
        fit = reads.factors(width + states + 1) + 2 * spectral(width)
        passes, fits = 2.0 + len(self.aims) * (1 + len(self.strengths)), 1.0
        for control in self.controls:
            passes += len(self.aims) * repeats_of(control) + 1
            fits += len(self.aims) * repeats_of(control) if control.kind == "shuffled" else 1
        context = reads.model.context if self.positions == "own" else 1
        return passes * once * (2 if context > 1 else 1) + fits * fit


@dataclass(frozen=True)
class Probe:
    """A regression, and the place at which its map is meant."""

    regression: Regression
    place: Place

    @property
    def point(self) -> str:
        """The point of the network that it reads."""
        return self.place.parts[0]


def probe_of(path: str, around: Surroundings) -> Probe | None:
    """The probe that a path leads to; None where it leads to no single map to beliefs at a single point."""
    named = ResultPath.of(path)
    source = around.analyses[named.name]
    if not isinstance(source, Regression):
        return None
    found = place_of(source, named.below, around)
    if found is None or found[0] != "belief" or len(found[1].parts) != 1:
        return None
    return Probe(source, found[1])


def intervention_problems(analysis: Intervention, around: Surroundings) -> list[Problem]:
    """What is wrong with an intervention in its surroundings (E0575 to E0577), or odd (W0982)."""
    found = [*(repeated("to", list(analysis.to)) if isinstance(analysis.to, tuple) else ())]
    found += repeated("controls", [control.kind for control in analysis.controls])
    probe = probe_of(analysis.probe, around)
    if probe is None:
        return [*found, _no_probe(analysis, around)]
    regression = probe.regression
    model = around.model_of(regression.of)
    if probe.point.startswith("cell") and analysis.at is None:
        return [*found, _carried(analysis, probe)]
    blocks = model.count("block")
    if isinstance(analysis.at, BlockPoint) and missing_index(analysis.at, model) is not None:
        found.append(
            Problem(
                ("at",),
                "E0576",
                f"there is nothing to intervene on after block {analysis.at.index}: the network has {blocks} "
                "blocks, counted from 0",
                label="outside the layers",
                help=f"write `block {{ index = {blocks - 1} }}` for the last one, or leave `at` out for the probe's own",
            )
        )
    elif analysis.at is not None and written_point(analysis) not in model.points():
        found.append(
            Problem(
                ("at",),
                "E0576",
                f"there is nothing to intervene on at {place_label(written_point(analysis))}: the network has no such point",
                label="outside the layers",
                help=f"write `block {{ index = {blocks - 1} }}` for the last layer, or leave `at` out for the probe's own",
            )
        )
    elif analysis.at is not None and (point := written_point(analysis)) != probe.point:
        found.append(
            Problem(
                ("at",),
                "W0982",
                f"the probe was fitted at {place_label(probe.point)} and moves activations at {place_label(point)}, where it may "
                "read something else",
                label="another point than the probe's",
                help=f"leave `at` out, or name a probe that was fitted at {place_label(point)}",
            )
        )
    process = around.process_of(regression.of, regression.on)
    if process.generalized and "uniform" in analysis.aims:
        where: tuple[str | int, ...] = ("to", analysis.to.index("uniform")) if isinstance(analysis.to, tuple) else ("to",)
        found.append(
            Problem(
                where,
                "E0577",
                f"{process.name} is a generalized HMM, whose beliefs fill no simplex that a point could be drawn from",
                label="no simplex here",
                help="steer to `counterfactual` beliefs, or to that of another `history`",
            )
        )
    return found


def written_point(analysis: Intervention) -> str:
    """The point of the network that `at` names."""
    assert analysis.at is not None
    return f"block[{analysis.at.index}]" if isinstance(analysis.at, BlockPoint) else analysis.at.kind


def _carried(analysis: Intervention, probe: Probe) -> Problem:
    return Problem(
        ("probe",),
        "E0545",
        f"{place_label(probe.point)} is carried to the next token, and the prediction after this one is made already",
        label="nothing goes on from here",
        help=f"read beliefs at `blocks`, what layers show: `probe = {ResultPath.of(analysis.probe).name}.block[0]`",
    )


def _no_probe(analysis: Intervention, around: Surroundings) -> Problem:
    path = ResultPath.of(analysis.probe)
    source = around.analyses[path.name]
    if not isinstance(source, Regression):
        return Problem(
            ("probe",),
            "E0575",
            f"a probe is a regression, and {path.name} is of kind {source.word}",
            label="not a regression",
            help="name a regression on beliefs, and the point if it has several: `probe = beliefs.block[3]`",
        )
    offered = _offered(path.name, source, around)
    listed = ", ".join(f"`{one}`" for one in offered)
    return Problem(
        ("probe",),
        "E0575",
        f"{analysis.probe} is not one map to beliefs at one point of the residual stream",
        label="no single point's probe",
        help=f"write one of {listed}" if offered else f"let {path.name} read `belief` at single points, such as `blocks`",
    )


def _offered(name: str, source: Regression, around: Surroundings) -> list[str]:
    """Every path that leads to a probe."""
    base = name if not isinstance(source.target, tuple) else f"{name}.belief"
    paths = [base, *(f"{base}.{place.name}" for place in source.places_in(around))]
    return [path for path in paths if probe_of(path, around) is not None]
