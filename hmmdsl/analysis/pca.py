"""`pca`: how many dimensions the activations fill, against how many the theory needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from hmmdsl.analysis.options.along import AlongCheckpoints
from hmmdsl.analysis.options.controls import HeldOut, Untrained, from_word
from hmmdsl.analysis.options.held_out import fold_problems
from hmmdsl.analysis.options.points import BlocksPoint, EmbeddingPoint, FinalNormPoint, Place, Point, has_segment, places
from hmmdsl.spec.analysis import Analysis, Surroundings
from hmmdsl.spec.base import AutoHistories, OtherProcess, Problem, ReadHistories, TrainName, Weights
from hmmdsl.spec.results import Group, Quantity, ResultSchema, Series, by_point

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hmmdsl.analysis.outcome import Inputs, Outcome

PcaControl = Annotated[Annotated[HeldOut | Untrained, Field(discriminator="kind")], BeforeValidator(from_word)]

Threshold = Annotated[float, Field(gt=0, le=1)]


class Pca(AlongCheckpoints):
    """Principal components of the activations over histories, and the dimensions that theory names: those of the beliefs, of the
    predictive states (Hankel rank minus 1), and of a product the sum over its factors against the joint (Shai et al. 2026).

    Nothing is fitted to a target, so shuffled targets mean nothing here, and Gaussian features would fill every dimension."""

    word: ClassVar[str] = "pca"
    headline: ClassVar[str] = "participation_ratio"
    kind: Literal["pca"] = "pca"
    of: TrainName = Field(description="the training run whose network is read")
    at: Point | tuple[Point, ...] = Field(
        (EmbeddingPoint(), BlocksPoint(), FinalNormPoint()),
        description="where in the network; a list gives one result for each",
    )
    weights: Weights = Field("probability", description="how much a history counts, in the mean and in the variance")
    thresholds: tuple[Threshold, ...] = Field(
        (0.9, 0.95, 0.99), min_length=1, max_length=20, description="shares of the variance for which components are counted"
    )
    components: int = Field(20, ge=1, le=1000, description="most components whose share of the variance is reported")
    by_position: bool = Field(False, description="also the dimensions among the histories of each length")
    controls: tuple[PcaControl, ...] = Field(
        (Untrained(),), description="what else is measured: the untrained network, or the variance of histories left out"
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
        from hmmdsl.analysis.options.theory import theory_names

        process = around.process_of(self.of, self.on)
        names = theory_names(process)
        model = around.model_of(self.of)
        by_place = {
            place.name: self._place_results(place.width, names, model.context + model.bos) for place in self.places_in(around)
        }
        theory: dict[str, ResultSchema] = {name: Quantity("1", text, theory=True) for name, text in names.items()}
        members = dict(by_point(by_place)) if has_segment(self.at) else dict(next(iter(by_place.values())).members)
        return Group(members | {"theory": Group(theory, "dimensions that theory names")})

    def _place_results(self, width: int, names: Mapping[str, str], lengths: int) -> Group:
        shown = min(self.components, width)
        counted = Series(Quantity("1", "components that hold the share of variance"), len(self.thresholds), "by threshold")
        few: dict[str, ResultSchema] = {
            "variance": Quantity("1", "total weighted variance, summed over features"),
            "participation_ratio": Quantity("1", "squared sum of the variances of components over the sum of their squares"),
            "dimensions": counted,
        }
        shares: dict[str, ResultSchema] = {
            "explained": Series(Quantity("1", "share of the variance in this component"), shown, "by component, from 0"),
            "cumulative": Series(Quantity("1", "share of the variance in the components up to this one"), shown),
            "captured": Group(
                {name: Quantity("1", f"share of the variance in as many components: {text}") for name, text in names.items()}
            ),
        }
        members = few | shares
        scores: dict[str, ResultSchema] = {name: few[name] for name in ("variance", "participation_ratio")}
        members["standard_error"] = Group(
            scores | {"captured": shares["captured"]},
            "standard errors from reading drawn words; 0 where all are read, undefined unless histories count by probability",
        )
        for control in self.controls:
            match control:
                case Untrained():
                    members[control.kind] = Group(few | shares, "the same network with its initial weights")
                case HeldOut():
                    members[control.kind] = Group(
                        {name: shares[name] for name in ("cumulative", "captured")},
                        "variance of histories in components that were found without them",
                    )
        if self.by_position:
            members["position"] = Series(Group(few), lengths, "among the histories of each length")
        return Group(members, "one point")

    def problems(self, around: Surroundings) -> list[Problem]:
        from hmmdsl.analysis.options.regression_problems import missing_points, repeated, repeated_points, same_vocabulary

        found = [
            *missing_points(self.of, self.at, around),
            *repeated_points(self.at),
            *repeated("controls", [control.kind for control in self.controls]),
            *same_vocabulary(self.of, self.on, around),
        ]
        model, process = around.model_of(self.of), around.process_of(self.of, self.on)
        for i, control in enumerate(self.controls if not found else ()):
            if isinstance(control, HeldOut):
                shortest = 0 if model.bos else 1
                found += fold_problems(("controls", i), control.by, control.folds, process, shortest, model.context)
        return found or self._few_histories(around)

    def _few_histories(self, around: Surroundings) -> list[Problem]:
        """Warn where there are no more histories than features: they can't fill more dimensions than their number less one."""
        from hmmdsl.process.counting import count_histories
        from hmmdsl.spec.base import SampledHistories

        if isinstance(self.histories, SampledHistories):
            return []
        model = around.model_of(self.of)
        process = around.process_of(self.of, self.on)
        counts = count_histories(process, model.context, model.bos)
        widest = max(self.places_in(around), key=lambda place: place.width)
        if not counts.exact or widest.width < counts.total:
            return []
        return [
            Problem(
                ("at",),
                "W0980",
                f"{widest.name} has {widest.width:,} features for {counts.total:,} histories, "
                f"which vary in {counts.total - 1:,} dimensions at most",
                label="no more histories than features",
                help="lengthen the context, or read a narrower point",
            )
        ]

    def compute(self, inputs: Inputs) -> Outcome:
        from hmmdsl.analysis.probe.principal_components import measure

        return measure(self, inputs)

    def figures(self, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
        from hmmdsl.analysis.figures.pca import figures

        return figures(self, outcome, inputs)

    def caption(self, figure: str, outcome: Outcome) -> str:
        from hmmdsl.analysis.figures.pca import caption

        return caption(self, figure, outcome)
