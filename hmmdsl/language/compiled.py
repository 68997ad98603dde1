"""A spec that is right, as the runtime takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hmmdsl.language.claims.judging import ResolvedClaim
from hmmdsl.language.diagnostics import Diagnostic
from hmmdsl.language.source import Source
from hmmdsl.language.values.value import Array, Value, text_of
from hmmdsl.process.process import Process
from hmmdsl.schema.exact import exact_number
from hmmdsl.schema.experiment import Experiment

if TYPE_CHECKING:
    from hmmdsl.language.sweeps.compiled import CompiledSweep


@dataclass(frozen=True)
class Compiled:
    """The experiment, its processes by the names that trains and analyses use, its claims ready to be judged, the warnings, and
    every source that was read (none for an experiment from YAML). `declared` has all the file's processes by their own names,
    those with parameters at their defaults; `sweeps` has every sweep with its points."""

    experiment: Experiment
    processes: dict[str, Process]
    claims: tuple[ResolvedClaim, ...]
    diagnostics: list[Diagnostic]
    sources: tuple[Source, ...]
    declared: Mapping[str, Process] = field(default_factory=dict)
    sweeps: Mapping[str, CompiledSweep] = field(default_factory=dict)


def plain_param(value: Value) -> Any:
    """A param as plain data, for YAML: exact numbers as fractions in text (`"1/50"`), others as they are.

    >>> plain_param(Fraction(1, 50)), plain_param(Array((Fraction(2), 0.5))), plain_param(True)
    ('1/50', ['2', 0.5], True)
    """
    match value:
        case bool() | float() | str():
            return value
        case Fraction():
            return str(value)
        case Array(items):
            return [plain_param(item) for item in items]
    return text_of(value)


def param_value(plain: Any) -> Value:
    """What `plain_param` wrote down, as a value again; text that is no number stays text."""
    match plain:
        case bool() | float():
            return plain
        case int():
            return Fraction(plain)
        case list() | tuple():
            return Array(tuple(param_value(item) for item in plain))
        case str():
            exact = exact_number(plain)
            return plain if exact is None else exact
    return str(plain)
