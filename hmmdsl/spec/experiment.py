"""A whole experiment, resolved: every default filled in, every name known, every claim resolved."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SerializeAsAny, ValidationInfo

from hmmdsl.spec.analysis import Analysis, kind_of
from hmmdsl.spec.base import Record
from hmmdsl.spec.model import AnyModel
from hmmdsl.spec.process import ProcessTable
from hmmdsl.spec.sweep import Sweep
from hmmdsl.spec.train import Train

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


class Verdict(Record):
    """What became of a claim: whether it held, and the numbers it read."""

    label: str
    claim: str
    holds: bool
    measured: dict[str, float | tuple[float | None, ...] | None] = Field(description="each result the claim names, by its path")
    reason: str = Field("", description="why it failed, in words and numbers")


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
    expect: tuple[Claim, ...] = Field((), description="what the experiment must show")
