"""`subspaces`: the angles between the subspaces in which probes find what they read, and whether factors are orthogonal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from hmmdsl.analysis.options.along import AlongCheckpoints
from hmmdsl.analysis.options.controls import Shuffled, Untrained, from_word
from hmmdsl.analysis.options.probes import Probe, by_place, compared, pair_names, probe_problems
from hmmdsl.analysis.options.result_path import ResultPath
from hmmdsl.spec.analysis import Analysis, Surroundings
from hmmdsl.spec.base import Problem, ResultName
from hmmdsl.spec.results import Group, Quantity, ResultSchema, Series, by_point

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hmmdsl.analysis.outcome import Inputs, Outcome

SubspaceControl = Annotated[Annotated[Untrained | Shuffled, Field(discriminator="kind")], BeforeValidator(from_word)]

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
        from hmmdsl.analysis.options.regression_problems import repeated

        return [
            *probe_problems(self.between, around),
            *repeated("controls", [control.kind for control in self.controls]),
        ]

    def compute(self, inputs: Inputs) -> Outcome:
        from hmmdsl.analysis.probe.subspace_angles import compare

        return compare(self, inputs)

    def figures(self, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
        from hmmdsl.analysis.figures.subspaces import figures

        return figures(self, outcome, inputs)

    def caption(self, figure: str, outcome: Outcome) -> str:
        from hmmdsl.analysis.figures.subspaces import caption

        return caption(self, figure, outcome)


def _spread() -> Group:
    return Group(
        {
            "mean": Quantity("1", "mean of the overlap over repeats"),
            "sd": Quantity("1", "its standard deviation"),
            "min": Quantity("1", "the least"),
            "max": Quantity("1", "the greatest"),
        }
    )
