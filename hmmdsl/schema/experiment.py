"""A whole experiment, resolved: every default filled in, every name known, every claim resolved."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SerializeAsAny, ValidationInfo, computed_field, model_validator

from hmmdsl.schema.analysis import Analysis, kind_of
from hmmdsl.schema.base import Record
from hmmdsl.schema.model import AnyModel
from hmmdsl.schema.process import ProcessTable
from hmmdsl.schema.replication import Replicate, Replicated
from hmmdsl.schema.sweep import Sweep, SweepAxis
from hmmdsl.schema.train import Train

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_FILE_STEM = re.compile(r"[^./\\\x00-\x1f][^/\\\x00-\x1f]*")

LONGEST_NAME = 100
"""Characters of a name: files of a run are called after it."""


def _identifier(name: str) -> str:
    if not _IDENTIFIER.fullmatch(name) or len(name) > LONGEST_NAME:
        raise ValueError(f"a name is a word of at most {LONGEST_NAME} letters, digits and underscores")
    return name


def _file_stem(name: str) -> str:
    if not _FILE_STEM.fullmatch(name) or len(name) > 2 * LONGEST_NAME:
        raise ValueError("an experiment's name is that of a file, without folders and ending")
    return name


Identifier = Annotated[str, AfterValidator(_identifier)]
"""A name as the language allows it."""

FileStem = Annotated[str, AfterValidator(_file_stem)]
"""A file's name without its folder: it leads out of no folder, and is not hidden."""


class About(Record):
    """What the experiment is, for people."""

    title: str = Field("", description="one line")
    cite: str | tuple[str, ...] = Field("", description="the publication, or several, that it reproduces or belongs to")
    authors: str | tuple[str, ...] = Field("", description="who wrote it")
    notes: str = Field("", description="anything that a reader should know; shown in the report")


class Claim(Record):
    """One `expect` line. `claim` is its text in the language; what it names is resolved against the result schemas."""

    label: str = Field("", description="what the claim is called in the report")
    claim: str = Field(description="the claim, as in the language: `fit.gap < 1e-4`")
    often: tuple[int, int] | None = Field(
        None, description="with how many seeds it must hold, of how many (`in 6 of 8`); with all if not given"
    )


FRAGILE_BELOW = 3.0
"""A claim whose margin is less than so many spreads is fragile: another seed may well turn it."""


LIKELY = 0.05
"""A claim that counts seeds is fragile if as many others turn it with at least this chance."""


class Margin(Record):
    """By how much a claim holds (above 0) or fails (below), in the unit of its numbers, and how far that moves when networks are
    trained again from other seeds. Of a claim with several parts it is the margin of the part that decides.

    `source` says what the spread is known from, and is empty where it is not known: `theory`, where no network determines what
    was judged (then it is 0); `seeds`, where the claim reads a sweep over seeds (the jackknife's standard error of the margin);
    `replication`, where the claim was judged for each of several seeds (the standard deviation over them). A claim that must hold
    with some of these seeds only has a `chance` besides, and is fragile only where that is at least 5 %."""

    value: float | None = Field(description="the distance to the bound; none where only truth values decide")
    spread: float | None = Field(None, ge=0, description="how far other seeds move it; none where that is not known")
    source: Literal["", "theory", "seeds", "replication"] = Field("", description="what the spread is known from")
    chance: float | None = Field(None, description="that as many other seeds turn it, of a claim that counts seeds")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def fragile(self) -> bool | None:
        """Whether it is less than three spreads, so that another seed may turn the claim; none where that is not known."""
        near = None if self.value is None or self.spread is None else abs(self.value) < FRAGILE_BELOW * self.spread
        if self.chance is None or near is False:
            return near
        return self.chance >= LIKELY

    @property
    def spreads(self) -> float | None:
        """The margin in spreads; none where there is no spread."""
        return self.value / self.spread if self.value is not None and self.spread else None

    @model_validator(mode="before")
    @classmethod
    def _read_back(cls, given: Any) -> Any:
        """What follows from the rest is written, and not read."""
        return {key: value for key, value in given.items() if key != "fragile"} if isinstance(given, dict) else given


class Judged(Record):
    """One term of a claim as it was compared: a result, or what a reduction such as `mean` made of many, with its numbers at each
    place along the axes that are left, the last fastest. A `[..]` counts as an axis."""

    expression: str = Field(description="the term, as in the claim")
    axes: tuple[SweepAxis, ...] = Field((), description="the axes that are left; none for a single number")
    numbers: tuple[float | None, ...] = Field(description="the number at each place; none where it is undefined")
    lower: tuple[float | None, ...] | None = Field(None, description="for a mean over seeds, the ends of its 95 % interval")
    upper: tuple[float | None, ...] | None = Field(None, description="likewise")


class Verdict(Record):
    """What became of a claim: whether it held, by how much, and the numbers it read."""

    label: str
    claim: str
    holds: bool
    measured: dict[str, float | tuple[float | None, ...] | None] = Field(description="each result the claim names, by its path")
    judged: tuple[Judged, ...] = Field((), description="the numbers that were compared, with their places along axes")
    reason: str = Field("", description="why it failed, in words and numbers")
    margin: Margin | None = Field(None, description="by how much it holds or fails; none where a part of it has no value")
    replicated: Replicated | None = Field(None, description="what it came to with each seed, where it was run with several")


def _analysis(value: object, info: ValidationInfo) -> object:
    if isinstance(value, dict):
        return kind_of(value, (info.context or {}).get("analyses", {})).model_validate(value)
    return value


AnyAnalysis = Annotated[SerializeAsAny[Analysis], BeforeValidator(_analysis)]


class Experiment(Record):
    """Everything that a run needs. Validate plain data with `context={"analyses": kinds}`."""

    version: Literal[1] = Field(1, description="version of this file format")
    name: FileStem = Field(description="the spec's file name without its ending")
    about: About = Field(About(), description="title, citation, notes")
    params: dict[Identifier, Any] = Field(default_factory=dict, description="the file's params, as exact numbers")
    processes: dict[str, ProcessTable] = Field(default_factory=dict, description="the processes that runs and analyses use")
    models: dict[Identifier, AnyModel] = Field(default_factory=dict, description="networks")
    trains: dict[Identifier, Train] = Field(default_factory=dict, description="training runs")
    analyses: dict[Identifier, AnyAnalysis] = Field(default_factory=dict, description="analyses, in order")
    sweeps: dict[Identifier, Sweep] = Field(default_factory=dict, description="sweeps, with every point")
    replicate: Replicate | None = Field(None, description="the seeds that it is run with; with its own alone if not given")
    expect: tuple[Claim, ...] = Field((), description="what the experiment must show")

    def in_order(self) -> list[tuple[str, Train]]:
        """The training runs, each after the one that it starts from, else in order of declaration."""
        found: dict[str, Train] = {}
        for name in self.trains:
            chain: list[str] = []
            each: str | None = name
            while each is not None and each not in found:
                chain.append(each)
                each = self.trains[each].start_from
            found.update((before, self.trains[before]) for before in reversed(chain))
        return list(found.items())
