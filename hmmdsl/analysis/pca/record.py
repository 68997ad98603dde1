"""`pca`: how many dimensions the activations fill, against how many the theory needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hmmdsl.analysis.kind import ReadsPlaces
from hmmdsl.analysis.pca.theory import theory_names
from hmmdsl.analysis.reading.controls import HeldOut, Untrained
from hmmdsl.analysis.reading.held_out import fold_problems
from hmmdsl.analysis.reading.points import BlocksPoint, EmbeddingPoint, FinalNormPoint, Point, has_segment
from hmmdsl.analysis.work import (
    GROUPS,
    Reads,
    control_of,
    spectral,
)
from hmmdsl.process.counting import count_histories
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.base import AutoHistories, OtherProcess, Problem, ReadHistories, SampledHistories, Weights, from_word
from hmmdsl.schema.results import Group, Quantity, ResultSchema, Series, by_point

PcaControl = Annotated[Annotated[HeldOut | Untrained, Field(discriminator="kind")], from_word]

Threshold = Annotated[float, Field(gt=0, le=1)]


class Pca(ReadsPlaces):
    """Principal components of the activations over histories, and the dimensions that theory names: those of the beliefs, of the
    predictive states (Hankel rank minus 1), and of a product the sum over its factors against the joint (Shai et al. 2026).

    Nothing is fitted to a target, so shuffled targets mean nothing here, and Gaussian features would fill every dimension."""

    word: ClassVar[str] = "pca"
    headline: ClassVar[str] = "participation_ratio"
    kind: Literal["pca"] = "pca"
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

    def results(self, around: Surroundings) -> Group:
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
        found = super().problems(around)
        model, process = around.model_of(self.of), around.process_of(self.of, self.on)
        for i, control in enumerate(self.controls if not found else ()):
            if isinstance(control, HeldOut):
                shortest = 0 if model.bos else 1
                found += fold_problems(("controls", i), control.by, control.folds, process, shortest, model.context)
        return found or self._few_histories(around)

    def _few_histories(self, around: Surroundings) -> list[Problem]:
        """Warn where there are no more histories than features: they can't fill more dimensions than their number less one."""
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

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        widths = [place.width for place in self.places_in(around)]
        held_out = control_of(self, "held_out")
        passes = 1 + len(self.controls) + (2 if reads.drawn else 0) + (held_out.repeats - 1 if held_out is not None else 0)
        spectra = (4 + len(self.controls) + (GROUPS if reads.drawn else 0)) * sum(2 * spectral(width) for width in widths)
        return 2 * reads.forward() + passes * reads.factors(sum(widths)) + spectra
