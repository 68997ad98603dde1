"""The functions that claims have, and how each computes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from operator import gt, lt
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from hmmdsl.language.constants.averages import mean, median, sd
from hmmdsl.process.notation import number_text
from hmmdsl.spec.confidence import interval

Single: TypeAlias = Fraction | float | bool
Compare: TypeAlias = Callable[[Any, Any], bool]


class UndefinedError(Exception):
    """A part of a claim has no value: a result is undefined, or an operation has none at these numbers."""


@dataclass(frozen=True)
class Function:
    """A function of claims. `elementwise` ones keep lists, the others reduce a list to one value; `several` of them also take
    more than one argument; `ordered` ones want exactly one `[..]`; `repeated` ones go only over axes of repeated runs; `total`
    ones grow with how many they are of."""

    takes: Literal["number", "truth"]
    gives: Literal["number", "truth"]
    example: str
    compute: Callable[..., Single]
    elementwise: bool = False
    several: bool = False
    ordered: bool = False
    repeated: bool = False
    total: bool = False


def _of_numbers(function: Callable[[Sequence[Fraction | float]], Fraction | float]) -> Callable[..., Fraction | float]:
    """A function of numbers that may have no value."""

    def compute(values: Sequence[Fraction | float]) -> Fraction | float:
        try:
            return function(values)
        except ValueError as error:
            raise UndefinedError(str(error)) from error

    return compute


def _sum(values: Sequence[Fraction | float | bool]) -> Fraction | float:
    return sum(values, start=Fraction(0))


def _end(which: Literal["lower", "upper"]) -> Callable[..., float]:
    """An end of the confidence interval of the mean of independent runs."""

    def compute(values: Sequence[Fraction | float]) -> float:
        found = getattr(interval([float(value) for value in values]), which) if values else None
        if found is None:
            raise UndefinedError("the confidence interval of fewer than two runs is undefined")
        end: float = found
        return end

    return compute


def _extreme(which: Callable[[Sequence[Fraction | float]], Fraction | float]) -> Callable[..., Fraction | float]:
    def compute(values: Sequence[Fraction | float]) -> Fraction | float:
        if not values:
            raise UndefinedError("an empty list has no largest or smallest number")
        return which(values)

    return compute


def _float(name: str, function: Callable[[float], float]) -> Callable[[Fraction | float], float]:
    def compute(value: Fraction | float) -> float:
        try:
            return function(float(value))
        except (ValueError, OverflowError) as error:
            raise UndefinedError(f"{name}({number_text(value)}) is undefined") from error

    return compute


def _neighbours(compare: Compare) -> Callable[..., bool]:
    return lambda values: all(compare(a, b) for a, b in pairwise(values))


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "max": Function("number", "number", "max(beliefs.block[..].r2)", _extreme(max), several=True),
        "min": Function("number", "number", "min(beliefs.block[..].r2)", _extreme(min), several=True),
        "mean": Function("number", "number", "mean(beliefs.block[..].r2)", _of_numbers(mean), several=True),
        "median": Function("number", "number", "median(beliefs.block[..].r2)", _of_numbers(median), several=True),
        "sd": Function("number", "number", "sd(capacity.fit.loss over fit.seed)", _of_numbers(sd), several=True),
        "lower": Function("number", "number", "lower(capacity.fit.gap over fit.seed)", _end("lower"), repeated=True),
        "upper": Function("number", "number", "upper(capacity.fit.gap over fit.seed)", _end("upper"), repeated=True),
        "sum": Function("number", "number", "sum(beliefs.block[..].r2)", _sum, several=True, total=True),
        "len": Function("number", "number", "len(beliefs.block[..].r2)", lambda v: Fraction(len(v)), total=True),
        "abs": Function("number", "number", "abs(fit.gap)", abs, elementwise=True),
        "sqrt": Function("number", "number", "sqrt(beliefs.concat.mse)", _float("sqrt", math.sqrt), elementwise=True),
        "log": Function("number", "number", "log(fit.gap)", _float("log", math.log), elementwise=True),
        "exp": Function("number", "number", "exp(fit.loss)", _float("exp", math.exp), elementwise=True),
        "increasing": Function("number", "truth", "increasing(beliefs.block[..].r2)", _neighbours(lt), ordered=True),
        "decreasing": Function("number", "truth", "decreasing(beliefs.block[..].r2)", _neighbours(gt), ordered=True),
        "all": Function("truth", "truth", "all(beliefs.block[..].r2 > 0.5)", lambda v: all(v), several=True),
        "any": Function("truth", "truth", "any(beliefs.block[..].r2 > 0.5)", lambda v: any(v), several=True),
        "count": Function("truth", "number", "count(beliefs.block[..].r2 > 0.5) >= 2", _sum, several=True, total=True),
    }
)
"""The functions of claims. `count` tells how many of its arguments are true. `increasing` and `decreasing` are strict; `lower`
and `upper` are the ends of the 95 % confidence interval of the mean over runs of other seeds."""
