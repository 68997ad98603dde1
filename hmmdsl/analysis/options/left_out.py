"""Probes whose subspaces a regression leaves out: what `without` names, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hmmdsl.analysis.options.result_path import ResultPath
from hmmdsl.analysis.options.targets import Target, target_name
from hmmdsl.spec.analysis import Analysis, Surroundings
from hmmdsl.spec.base import Problem

if TYPE_CHECKING:
    from hmmdsl.analysis.regression import Regression


@dataclass(frozen=True)
class LeftOutProbe:
    """The map of the regression `source` to one target. `directions` says which subspace is the probe's."""

    source: Regression
    target: Target
    directions: Literal["encoding", "readout"]


def left_out(analysis: Regression, analyses: Mapping[str, Analysis]) -> list[LeftOutProbe]:
    """The probes that are left out, in the order in which they are fitted: what a probe leaves out itself comes before it."""
    if analysis.without is None:
        return []
    path = ResultPath.of(analysis.without)
    source = analyses[path.name]
    assert isinstance(source, type(analysis))
    target = _target(source, path)
    assert target is not None
    return [*left_out(source, analyses), LeftOutProbe(source, target, analysis.directions)]


def _target(source: Regression, path: ResultPath) -> Target | None:
    """The target that a path leads to; None if it leads to none, to several, or beyond."""
    if not isinstance(source.target, tuple):
        return source.target if not path.below else None
    return next((each for each in source.targets if target_name(each) == ".".join(path.below)), None)


def left_out_problems(analysis: Regression, around: Surroundings) -> Iterator[Problem]:
    """What is wrong with `without`: no regression (E0580), no single target (E0581), a point that was not read there (E0582),
    another network or other histories (E0583)."""
    if analysis.without is None:
        return
    path = ResultPath.of(analysis.without)
    source = around.analyses[path.name]
    where = ("without",)
    if not isinstance(source, type(analysis)):
        yield Problem(
            where,
            "E0580",
            f"what is left out is a regression's probe, and {path.name} is of kind {source.word}",
            label="not a regression",
            help="name a regression, and its target if it has several",
        )
        return
    if _target(source, path) is None:
        paths = [f"{path.name}.{name}" for name in source.target_names] if isinstance(source.target, tuple) else [path.name]
        yield Problem(
            where,
            "E0581",
            f"what is left out is the probe of one target, and {analysis.without} is no single one",
            label="no single target",
            help="write " + (f"one of {', '.join(f'`{each}`' for each in paths)}" if len(paths) > 1 else f"`{paths[0]}`"),
        )
        return
    other = _other_material(analysis, path.name, source)
    if other is not None:
        yield Problem(where, "E0583", *other)
        return
    read = {place.parts for place in source.places_in(around)}
    lacking = [place.name for place in analysis.places_in(around) if place.parts not in read]
    if lacking:
        yield Problem(
            where,
            "E0582",
            f"{path.name} has no probe at {lacking[0]}, where this regression reads",
            label=f"not read at {', '.join(lacking)}",
            help=f"let both read the same points: give {path.name} this regression's `at`",
        )


def _other_material(analysis: Regression, name: str, source: Regression) -> tuple[str, str, str] | None:
    """Message, label and help if a probe is fitted to another network or to other histories."""
    if source.of != analysis.of:
        return (
            f"{name} reads {source.of}, and this regression reads {analysis.of}: a probe of one network is none of another",
            "another network's probe",
            f"name a regression of {analysis.of}",
        )
    if source.on != analysis.on:
        return (
            f"{name} reads the histories of {source.on or 'the process trained on'}, and this regression those of "
            f"{analysis.on or 'the process trained on'}",
            "fitted to other histories",
            "give both the same `on`",
        )
    if source.histories != analysis.histories:
        return (
            f"{name} reads other histories than this regression",
            "fitted to other histories",
            "give both the same `histories`",
        )
    return None
