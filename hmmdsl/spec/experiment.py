"""A whole experiment, resolved: every default filled in, every name known, every claim resolved."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationInfo

from hmmdsl.spec.analysis import Analysis, kind_of
from hmmdsl.spec.base import Record
from hmmdsl.spec.model import Transformer
from hmmdsl.spec.process import ProcessTable
from hmmdsl.spec.train import Train


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
    name: str = Field(description="the spec's file name without its ending")
    about: About = Field(About(), description="title, citation, notes")
    params: dict[str, Any] = Field(default_factory=dict, description="the file's params, as exact numbers")
    processes: dict[str, ProcessTable] = Field(default_factory=dict, description="the processes that runs and analyses use")
    models: dict[str, Transformer] = Field(default_factory=dict, description="networks")
    trains: dict[str, Train] = Field(default_factory=dict, description="training runs")
    analyses: dict[str, AnyAnalysis] = Field(default_factory=dict, description="analyses, in order")
    expect: tuple[Claim, ...] = Field((), description="what the experiment must show")
