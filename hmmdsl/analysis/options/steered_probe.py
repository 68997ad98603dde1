"""A probe that an intervention names: a regression's map to beliefs at one point of the residual stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hmmdsl.analysis.figures.wording import place_label
from hmmdsl.analysis.options.points import BlockPoint, Place, missing_index
from hmmdsl.analysis.options.regression_problems import repeated
from hmmdsl.analysis.options.result_path import ResultPath
from hmmdsl.analysis.regression import Regression, place_of
from hmmdsl.spec.analysis import Surroundings
from hmmdsl.spec.base import Problem

if TYPE_CHECKING:
    from hmmdsl.analysis.intervention import Intervention


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
