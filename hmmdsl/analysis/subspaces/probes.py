"""Probes that an analysis compares: single maps of regressions, as `between` names them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from hmmdsl.analysis.reading.points import Place, has_segment
from hmmdsl.analysis.reading.result_path import ResultPath
from hmmdsl.analysis.reading.targets import Target, target_name
from hmmdsl.analysis.regression.record import Regression, place_of
from hmmdsl.schema.analysis import Analysis, Surroundings
from hmmdsl.schema.base import Problem


@dataclass(frozen=True)
class Probe:
    """One affine map: the regression `name`, its target and its place."""

    name: str
    source: Regression
    target: Target
    place: Place


@dataclass(frozen=True)
class Compared:
    """Probes that are compared with one another. `place` is the name of the point as results have it, None where a list named
    each probe by itself."""

    place: str | None
    probes: tuple[Probe, ...]


def pair_names(probes: Sequence[Probe]) -> list[str]:
    """What results call each pair: `left_and_right` for the targets `factor.left` and `factor.right`. Probes of the same target
    are told by their regressions, and those of one regression by their points."""
    targets = [target_name(probe.target) for probe in probes]
    choices = (
        [target.rpartition(".")[2] for target in targets],
        targets,
        [probe.name for probe in probes],
        [f"{probe.name}.{target}.{probe.place.name}" for probe, target in zip(probes, targets, strict=True)],
    )
    plain = [[re.sub(r"\W+", "_", name).strip("_") for name in names] for names in choices]
    words = next((names for names in plain if len(set(names)) == len(names)), None)
    known = words or [f"{name}_{k}" for k, name in enumerate(plain[-1])]
    return [f"{a}_and_{b}" for a, b in combinations(known, 2)]


def compared(between: str | tuple[str, ...], around: Surroundings) -> list[Compared]:
    """What is compared with what. One regression's name: its targets, at each of its points, or at the point that the path goes
    on to. A list: those maps. Empty where a name leads to no map."""
    if isinstance(between, tuple):
        probes = [_single(path, around) for path in between]
        found = tuple(probe for probe in probes if probe is not None)
        return [Compared(None, found)] if len(found) == len(between) else []
    path = ResultPath.of(between)
    source = around.analyses.get(path.name)
    if not isinstance(source, Regression):
        return []
    return [
        Compared(place.name, tuple(Probe(path.name, source, target, place) for target in source.target_names))
        for place in source.places_in(around)
        if path.below in ((), (place.name,))
    ]


def _single(text: str, around: Surroundings) -> Probe | None:
    path = ResultPath.of(text)
    source = around.analyses.get(path.name)
    if not isinstance(source, Regression):
        return None
    found = place_of(source, path.below, around)
    return Probe(path.name, source, *found) if found is not None else None


def paths_of_maps(name: str, source: Regression, around: Surroundings) -> list[str]:
    """The paths of all single maps of a regression."""
    targets = [name] if isinstance(source.target, str) else [f"{name}.{target}" for target in source.target_names]
    if not has_segment(source.at):
        return targets
    return [f"{target}.{place.name}" for target in targets for place in source.places_in(around)]


def by_place(between: str | tuple[str, ...], analyses: Mapping[str, Analysis]) -> bool:
    """Whether results have a segment for the point: where one name stands for a regression with several."""
    if isinstance(between, tuple):
        return False
    path = ResultPath.of(between)
    source = analyses.get(path.name)
    return isinstance(source, Regression) and not path.below and has_segment(source.at)


def probe_problems(between: str | tuple[str, ...], around: Surroundings) -> list[Problem]:
    """What is wrong with the names (E0570), their number (E0571) or the spaces they lie in (E0572)."""
    found = list(_unknown(between, around))
    if found:
        return found
    groups = compared(between, around)
    repeated = list(_repeated(between))
    if repeated or not groups or any(len(group.probes) < 2 for group in groups):
        return repeated or [_alone(between, around)]
    return [problem for group in groups[:1] for problem in _other_spaces(group.probes)]


def _unknown(between: str | tuple[str, ...], around: Surroundings) -> Iterator[Problem]:
    single = isinstance(between, str)
    for i, text in enumerate((between,) if isinstance(between, str) else between):
        where: tuple[str | int, ...] = ("between",) if single else ("between", i)
        path = ResultPath.of(text)
        source = around.analyses[path.name]
        if not isinstance(source, Regression):
            yield Problem(
                where,
                "E0570",
                f"subspaces are those of regressions, and {path.name} is of kind {source.word}",
                label="not a regression",
                help="name a regression, with its target and its point if it has several",
            )
        elif source.without is not None:
            yield Problem(
                where,
                "E0584",
                f"{path.name} reads what is left without {source.without}: its probes lie in that remainder by construction",
                label="has a subspace left out",
                help="compare regressions that leave nothing out",
            )
        elif not _single(text, around) and not (single and compared(text, around)):
            maps = paths_of_maps(path.name, source, around)
            if single:
                maps = [path.name, *(f"{path.name}.{place.name}" for place in source.places_in(around) if has_segment(source.at))]
            yield Problem(
                where,
                "E0570",
                f"{text} is {'no point' if single else 'not one map'} of {path.name}",
                label="leads to no map" if single else "leads to no single map",
                help="write " + (f"one of {', '.join(f'`{each}`' for each in maps)}" if len(maps) > 1 else f"`{maps[0]}`"),
            )


def _alone(between: str | tuple[str, ...], around: Surroundings) -> Problem:
    name = ResultPath.of(between if isinstance(between, str) else between[0]).name
    return Problem(
        ("between",),
        "E0571",
        "there is one subspace here, and nothing to compare it with",
        label="one subspace",
        help=f"give {name} a list of targets, or name two maps: `between = [{name}, other]`",
    )


def _repeated(between: str | tuple[str, ...]) -> Iterator[Problem]:
    paths = [] if isinstance(between, str) else [ResultPath.of(text) for text in between]
    for i, path in enumerate(paths):
        if path in paths[:i]:
            yield Problem(
                ("between", i),
                "E0571",
                f"`between` names {between[i]} twice, and a subspace overlaps wholly with itself",
                label="named before",
                help="leave one out",
            )


def _other_spaces(probes: tuple[Probe, ...]) -> Iterator[Problem]:
    first = probes[0]
    for i, probe in enumerate(probes):
        if probe.source.of != first.source.of:
            what = f"{first.name} reads {first.source.of}, and {probe.name} reads {probe.source.of}"
        elif probe.place.width != first.place.width:
            what = f"{first.place.name} has {first.place.width:,} dimensions, and {probe.place.name} has {probe.place.width:,}"
        else:
            continue
        yield Problem(
            ("between", i),
            "E0572",
            f"{what}: directions in them have no angles",
            label="lies in another space",
            help="compare probes of one network at points of equal width",
        )
