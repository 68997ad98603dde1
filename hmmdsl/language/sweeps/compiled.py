"""A sweep that is right, as claims and the runtime take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hmmdsl.language import syntax
from hmmdsl.language.formatting.printing import format_expression
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.evaluation import evaluate
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.scope import Scope
from hmmdsl.language.values.value import Value
from hmmdsl.process.process import Process
from hmmdsl.schema.base import Record
from hmmdsl.schema.experiment import Experiment
from hmmdsl.schema.fields import Either, FieldType, Refers, fields_of
from hmmdsl.schema.results import Group
from hmmdsl.schema.sweep import AxisValue, SweepAxis


@dataclass(frozen=True)
class Point:
    """One point of a sweep: its place along each axis, and the experiment there with its processes by name."""

    at: tuple[int, ...]
    experiment: Experiment
    processes: Mapping[str, Process]


@dataclass(frozen=True)
class CompiledSweep:
    """A sweep: its axes, its points in order (the last axis fastest), and the results that every point has."""

    name: str
    axes: tuple[SweepAxis, ...]
    points: tuple[Point, ...]
    schema: Group

    def words(self, point: Point) -> str:
        """Where a point is: `net.d_model = 8, fit.seed = 0`."""
        return point_words(self.axes, point.at)


def point_words(axes: tuple[SweepAxis, ...], at: tuple[int, ...]) -> str:
    """A point by its places along the axes."""
    return ", ".join(axis.place_text(place) for axis, place in zip(axes, at, strict=True))


def plain_value(value: Value) -> AxisValue | None:
    """A constant as an axis keeps it; None for what is neither a number, a truth value nor text.

    >>> plain_value(Fraction(8)), plain_value(Fraction(1, 20)), plain_value(Fraction(1, 3))
    (8, 0.05, '1/3')
    """
    match value:
        case bool() | float() | str():
            return value
        case Fraction() if value.denominator == 1:
            return int(value)
        case Fraction():
            return float(value) if Fraction(repr(float(value))) == value else str(value)
    return None


def axis_value(written: syntax.Expression, scope: Scope, budget: Budget) -> AxisValue:
    """What an axis keeps of a value as written: a constant's value, else its text."""
    if isinstance(written, (syntax.Number, syntax.Boolean, syntax.String)):
        value = plain_value(written.value)
    elif isinstance(written, (syntax.Tagged, syntax.List, syntax.Range)):
        value = None
    else:
        try:
            value = plain_value(evaluate(written, scope, budget))
        except ConstantError:
            value = None
    return format_expression(written) if value is None else value


def processes_of(record: Record) -> list[str]:
    """The processes that a record names."""
    return [
        value
        for name, field in fields_of(type(record)).items()
        if _names_process(field.type) and isinstance(value := getattr(record, name), str)
    ]


def _names_process(kind: FieldType) -> bool:
    if isinstance(kind, Either):
        return any(_names_process(choice) for choice in kind.choices)
    return isinstance(kind, Refers) and kind.to == "process"


def differences(base: Record, record: Record) -> dict[str, Any]:
    """The fields in which a record differs from another of its kind, as plain data."""
    changed = {name for name in type(record).model_fields if getattr(record, name) != getattr(base, name)}
    return record.model_dump(mode="json", include=changed) if changed else {}
