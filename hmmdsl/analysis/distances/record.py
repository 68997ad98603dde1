"""`distances`: whether beliefs that are far apart are represented far apart (Shai et al. 2024, §3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb
from typing import Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from hmmdsl.analysis.kind import AlongCheckpoints
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.reading.controls import Control, HeldOut, repeats_of
from hmmdsl.analysis.reading.problems import repeated
from hmmdsl.analysis.reading.result_path import ResultPath
from hmmdsl.analysis.reading.targets import FutureTarget, target_name
from hmmdsl.analysis.regression.record import SD, Regression, place_of
from hmmdsl.analysis.work import (
    MOST_PAIRS,
    NUMBER,
    Reads,
)
from hmmdsl.schema.analysis import Analysis, Surroundings
from hmmdsl.schema.base import Problem, ResultName
from hmmdsl.schema.results import Group, Quantity, spread_of

Against: TypeAlias = FutureTarget | Literal["belief", "next_token"]


R2 = Quantity("1", "squared correlation over pairs of distinct beliefs")


class Distances(AlongCheckpoints):
    """Euclidean distances between represented beliefs against distances between what they stand for. A belief's representation
    is the centre of mass, with the regression's weights, of the projected activations of all histories that lead to it; pairs of
    distinct beliefs count equally. Beliefs of a generalized HMM are compared by the distributions of the next tokens that they
    predict, as many as tell all of them apart."""

    word: ClassVar[str] = "distances"
    kind: Literal["distances"] = "distances"
    of: ResultName = Field(description="a regression on beliefs at one point, such as `beliefs.concat`")
    against: Against | tuple[Against, ...] = Field(
        "belief",
        description="distances between what: the true beliefs, or the distributions of the next token or of the next k tokens "
        "(`future(k)`) after them",
    )
    controls: tuple[Control, ...] = Field(
        (),
        description="what else is compared: predictions for `held_out` histories, by the regression's own folds; the `untrained` "
        "network; a map to `shuffled` beliefs, against distances of the shuffled ones; a map from `noise`; one from a `planted` "
        "image of the beliefs",
    )

    @property
    def against_each(self) -> tuple[Against, ...]:
        """What distances are compared with, always as a tuple."""
        return self.against if isinstance(self.against, tuple) else (self.against,)

    @property
    def against_names(self) -> tuple[str, ...]:
        """What results call the things that distances are compared with."""
        return tuple(target_name(one) for one in self.against_each)

    def needs(self) -> Sequence[str]:
        return (ResultPath.of(self.of).name,)

    def train_in(self, analyses: Mapping[str, Analysis]) -> str | None:
        source = analyses.get(ResultPath.of(self.of).name)
        return source.of if isinstance(source, Regression) else None

    def results(self, around: Surroundings) -> Group:
        group = Group(
            {
                "r2": R2,
                "pairs": Quantity("1", "pairs of beliefs that were compared", theory=True),
                "standard_error": Quantity("1", "standard error of r2 from comparing a sample of the pairs; 0 where all were"),
            }
            | {
                control.kind: Group(
                    {"r2": spread_of(R2) if repeats_of(control) > 1 else R2}
                    | ({"sd": SD} if isinstance(control, HeldOut) else {}),
                    (type(control).__doc__ or "").split(".")[0],
                )
                for control in self.controls
            },
            "represented distances against true ones",
        )
        return Group(dict.fromkeys(self.against_names, group)) if isinstance(self.against, tuple) else group

    def problems(self, around: Surroundings) -> list[Problem]:
        found = list(repeated("against", list(self.against_names))) if isinstance(self.against, tuple) else []
        path = ResultPath.of(self.of)
        source = around.analyses[path.name]
        if not isinstance(source, Regression):
            found.append(
                Problem(
                    ("of",),
                    "E0823",
                    f"distances are read off a regression, and {path.name} is of kind {source.word}",
                    label="not a regression",
                    help="name a regression on beliefs, and the point if it has several: `of = beliefs.concat`",
                )
            )
            return found
        found += repeated("controls", [control.kind for control in self.controls])
        theirs = {control.kind for control in source.controls}
        for i, control in enumerate(self.controls):
            if isinstance(control, HeldOut) and control.kind not in theirs:
                found.append(
                    Problem(
                        ("controls", i),
                        "E0546",
                        f"{path.name} holds nothing out, so there are no predictions for unseen histories",
                        label="no folds",
                        help=f"give {path.name} `controls = [held_out]` too: distances take its folds",
                    )
                )
            elif isinstance(control, HeldOut):
                theirs_own = next(one for one in source.controls if isinstance(one, HeldOut))
                said = {name: getattr(control, name) for name in HeldOut.model_fields}
                other = [name for name, one in said.items() if one not in (getattr(HeldOut(), name), getattr(theirs_own, name))]
                if other:
                    found.append(
                        Problem(
                            ("controls", i, other[0]),
                            "E0592",
                            f"distances take the folds of {path.name}, whose `held_out` has another `{other[0]}`",
                            label="other folds",
                            help=f"write `held_out` alone here, and say how histories are held out in {path.name}",
                        )
                    )
        place = place_of(source, path.below, around)
        if place is None or place[0] != "belief":
            offered = _offered(path.name, source, around)
            found.append(
                Problem(
                    ("of",),
                    "E0823",
                    f"{self.of} is not one map to beliefs",
                    label="leads to no single map to beliefs",
                    help=f"write one of {', '.join(f'`{one}`' for one in offered)}"
                    if offered
                    else f"give {path.name} the target `belief`",
                )
            )
        return found

    def of_name(self, results: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        """The results for one thing that distances are compared with."""
        found: Mapping[str, Any] = results[name] if isinstance(self.against, tuple) else results
        return found

    def compute_at_checkpoint(self, inputs: Inputs, step: int) -> Outcome:
        return self._computed(inputs, step)

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        source = around.analyses[ResultPath.of(self.of).name]
        beliefs = reads.histories
        pairs = min(comb(beliefs, 2), MOST_PAIRS)
        kinds = 1 + sum(repeats_of(control) for control in self.controls)
        fits = source.alone().seconds(reads, around) if isinstance(source, Regression) else 0.0
        compared_ = pairs * (len(reads.process.states) * 6 + 20) * NUMBER * len(self.against_each)
        return kinds * compared_ + sum(not isinstance(control, HeldOut) for control in self.controls) * fits


def _offered(name: str, source: Regression, around: Surroundings) -> list[str]:
    """Every path that `of` could have, for the message."""
    if "belief" not in source.target_names:
        return []
    prefix = f"{name}.belief" if isinstance(source.target, tuple) else name
    found = source.places_in(around)
    if place_of(source, ResultPath.of(prefix).below, around) is not None:
        return [prefix]
    return [f"{prefix}.{place.name}" for place in found]
