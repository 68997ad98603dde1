"""`portrait`: what theory says of a process, as numbers that claims may name and sweeps may count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from hmmdsl.analysis.kind import Kind
from hmmdsl.analysis.work import (
    Reads,
)
from hmmdsl.process.portrait import FACTS, Number, Numbers
from hmmdsl.schema.analysis import Surroundings
from hmmdsl.schema.base import ProcessName
from hmmdsl.schema.results import Group, Quantity, ResultSchema, Series, theory


class PortraitOf(Kind):
    """What theory says of a process, without any training: the numbers of `hmmdsl show`, under the paths of its `--json`. So a
    claim can name them, and a sweep can count how many processes of a family are such or such. What is yes or no is 1 or 0;
    what theory leaves open, or what was too much work, is undefined."""

    word: ClassVar[str] = "portrait"
    kind: Literal["portrait"] = "portrait"
    process: ProcessName = Field(description="the process that is described")
    depth: int = Field(10, ge=1, le=64, description="how many myopic entropies are computed, as far as words are not too many")

    def needs(self) -> Sequence[str]:
        return ()

    def results(self, around: Surroundings) -> Group:
        return theory(schema(self.depth))

    def seconds(self, reads: Reads, around: Surroundings) -> float:
        """What the process' own stage has found is read; that of another process is found here."""
        return 0.1


def schema(depth: int) -> Group:
    """The numbers that there are, under the paths of `hmmdsl show --json`, with `depth` myopic entropies."""
    members = {fact.path: _schema(fact.numbers, depth, fact.meaning) for fact in FACTS if fact.numbers}
    return Group(members, "what theory says of the process")


def _schema(numbers: Numbers, depth: int, meaning: str = "") -> ResultSchema:
    if isinstance(numbers, Number):
        quantity = Quantity(numbers.unit, numbers.meaning)
        return Series(quantity, depth) if numbers.series else quantity
    return Group({name: _schema(each, depth) for name, each in numbers.items()}, meaning)
