"""`subspaces`: the angles between the subspaces in which probes find what they read, and whether factors are orthogonal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hmmdsl.analysis.kind import AlongCheckpoints
from hmmdsl.analysis.reading.controls import Shuffled, Untrained, repeats_of
from hmmdsl.analysis.reading.problems import repeated
from hmmdsl.analysis.reading.result_path import ResultPath
from hmmdsl.analysis.subspaces.probes import Probe, by_place, compared, pair_names, probe_problems
from hmmdsl.analysis.work import (
    CALL,
    FACTORS,
    GROUPS,
    NUMBER,
    Reads,
    control_of,
    spectral,
)
from hmmdsl.schema.analysis import Analysis, Surroundings
from hmmdsl.schema.base import Problem, ResultName, from_word
from hmmdsl.schema.results import Group, Quantity, ResultSchema, Series, by_point

SubspaceControl = Annotated[Annotated[Untrained | Shuffled, Field(discriminator="kind")], from_word]

OVERLAP = Quantity("1", "mean squared cosine of the principal angles: 0 orthogonal, 1 one inside the other")


class Subspaces(AlongCheckpoints):
    """Principal angles between the subspaces of probes (Björck & Golub 1973), and their overlap, the mean squared cosine. Beside
    it always stand random subspaces of the same dimensions, and each probe's own subspace found twice, on halves of the
    histories.

    The random subspaces are the noise: a probe of Gaussian features spans one. The halves are what held-out histories are
    elsewhere."""

    word: ClassVar[str] = "subspaces"
    headline: ClassVar[str] = "overlap"
    kind: Literal["subspaces"] = "subspaces"
    between: ResultName | Annotated[tuple[ResultName, ...], Field(min_length=2)] = Field(
        description="a regression with several targets, compared at each of its points (or at one: `factors.block[1]`); or a "
        "list of single maps, such as `[left.block[1], right.block[1]]`",
    )
    directions: Literal["encoding", "readout"] = Field(
        "encoding",
        description="which subspace is a probe's: the directions along which activations move with the target (the regression of "
        "activations on it), or those that the probe's own map reads",
    )
    repeats: int = Field(100, ge=1, le=10_000, description="number of random subspaces drawn")
    controls: tuple[SubspaceControl, ...] = Field(
        (Untrained(),), description="the same with the untrained network, or with targets permuted over histories"
    )

    def needs(self) -> Sequence[str]:
        paths = (self.between,) if isinstance(self.between, str) else self.between
        return tuple(dict.fromkeys(ResultPath.of(path).name for path in paths))

    def train_in(self, analyses: Mapping[str, Analysis]) -> str | None:
        read = {getattr(analyses.get(name), "of", None) for name in self.needs()}
        return read.pop() if len(read) == 1 else None

    def results(self, around: Surroundings) -> Group:
        groups = compared(self.between, around)
        if not groups:
            return Group({})
        if by_place(self.between, around.analyses):
            return Group(by_point({str(one.place): self._results(one.probes) for one in groups}))
        return self._results(groups[0].probes)

    def _results(self, probes: Sequence[Probe]) -> Group:
        pair = Group(
            {
                "overlap": OVERLAP,
                "angle": Series(Quantity("degrees", "principal angle"), None, "from the smallest"),
            },
            "two probes",
        )
        found: dict[str, ResultSchema] = {
            "overlap": OVERLAP,
            "largest_overlap": Quantity("1", "overlap of the two probes that overlap most"),
            "dimension": Series(Quantity("1", "dimensions of a probe's subspace"), len(probes), "by probe, in the order named"),
            "pair": Group(dict.fromkeys(pair_names(probes), pair), "by pair, named after both"),
        }
        members = dict(found)
        members["standard_error"] = Quantity(
            "1",
            "of the overlap, from reading drawn words; 0 where all are read, undefined unless histories count by probability",
        )
        members["random"] = Group({"overlap": _spread()}, "random subspaces of the same dimensions")
        members["halves"] = Group(
            {"overlap": Quantity("1", "overlap of a probe's subspace with the same found on other histories, mean over probes")},
            "each probe fitted on two halves of the histories: the most that overlap could be",
        )
        for control in self.controls:
            match control:
                case Untrained():
                    members[control.kind] = Group(found, "the same network with its initial weights")
                case Shuffled():
                    members[control.kind] = Group(
                        {"overlap": _spread()}, "targets permuted over histories: directions in proportion to their variance"
                    )
        return Group(members)

    def problems(self, around: Surroundings) -> list[Problem]:
        return [
            *probe_problems(self.between, around),
            *repeated("controls", [control.kind for control in self.controls]),
        ]

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        seconds = reads.forward()
        shuffled, untrained = control_of(self, "shuffled"), control_of(self, "untrained")
        for group in compared(self.between, around):
            pairs = comb(len(group.probes), 2)
            seconds += (self.repeats + GROUPS) * pairs * 2 * CALL
            for probe in group.probes:
                named = next(
                    each for each in probe.source.targets if str(getattr(each, "kind", each)) in (probe.target, "future")
                )
                columns = probe.place.width + reads.width(named) + 1
                fit = 2 * spectral(columns)
                seconds += (1 + (untrained is not None)) * (reads.factors(columns) + 3 * fit)
                if reads.drawn:  # the factor of each group of words, and of all but each
                    seconds += reads.factors(columns, 2 * reads.histories) + GROUPS * (2 * columns**3 / FACTORS + fit)
                if shuffled is not None:
                    passes = 3 * reads.histories * columns * NUMBER
                    seconds += repeats_of(shuffled) * (passes + fit)
        return seconds + (reads.forward() if untrained is not None else 0)


def _spread() -> Group:
    return Group(
        {
            "mean": Quantity("1", "mean of the overlap over repeats"),
            "sd": Quantity("1", "its standard deviation"),
            "min": Quantity("1", "the least"),
            "max": Quantity("1", "the greatest"),
        }
    )
