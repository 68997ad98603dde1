"""What a claim compared: its terms with their numbers, each at its place along the axes that are left."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from hmmdsl.language import syntax
from hmmdsl.language.claims.axes import dimension_of, reduction_of
from hmmdsl.language.claims.measured import Dimension, FailedCell, Measured, Swept, UndefinedError, reduced
from hmmdsl.language.claims.reading import Reading
from hmmdsl.language.formatting.formatter import format_expression
from hmmdsl.language.values.functions import FUNCTIONS
from hmmdsl.schema.confidence import Interval, interval
from hmmdsl.schema.experiment import Judged
from hmmdsl.schema.sweep import SweepAxis, is_seed

OF_MEANS = ("mean", "lower", "upper")
"""What is shown with the confidence interval of the mean, where it goes over seeds."""


def judged(claim: syntax.Expression, reading: Reading) -> tuple[Judged, ...]:
    """The terms of a claim: the results and the reductions of them that its comparisons are made of, in the order of the claim.
    Those without a value are left out."""
    found: dict[str, Judged] = {}
    for term in _terms(claim, reading):
        text = format_expression(term)
        try:
            one = _judged(text, reading.value(term), _intervals(term, reading)) if text not in found else None
        except UndefinedError:
            continue
        if one is not None:
            found[text] = one
    return tuple(found.values())


def _terms(expression: syntax.Expression, reading: Reading) -> Iterator[syntax.Expression]:
    match expression:
        case syntax.Path() if expression.bare is None or expression.bare not in reading.constants:
            yield expression
        case syntax.At():
            yield expression
        case syntax.Unary(operand=operand):
            yield from _terms(operand, reading)
        case syntax.Binary(left=left, right=right):
            yield from _terms(left, reading)
            yield from _terms(right, reading)
        case syntax.Comparison(operands=operands):
            for operand in operands:
                yield from _terms(operand, reading)
        case syntax.Approximately(value=value, target=target, tolerance=tolerance):
            for part in (value, target, tolerance):
                yield from _terms(part, reading)
        case syntax.Choice(condition=condition, yes=yes, no=no):
            yield from _terms(condition, reading)
            yield from _terms(yes if _holds(condition, reading) else no, reading)
        case syntax.List(items=items):
            for item in items:
                yield from _terms(item, reading)
        case syntax.Call():
            yield from _of_call(expression, reading)


def _of_call(call: syntax.Call, reading: Reading) -> Iterator[syntax.Expression]:
    """A call that makes one number of many is a term, and so is what it is made of, but for the single points of a sweep."""
    reduction = reduction_of(call)
    inner = [reduction.value] if reduction is not None else [argument.value for argument in call.arguments]
    function = FUNCTIONS.get(call.function.head.text)
    if function is None or function.results == "each" or function.gives == "truth":
        for value in inner:
            yield from _terms(value, reading)
        return
    yield call
    for value in inner:
        for term in _terms(value, reading):
            if isinstance(term, syntax.Call) or not isinstance(_value(term, reading), Swept):
                yield term


def _judged(text: str, value: Measured, ends: dict[int, Interval]) -> Judged | None:
    axes: list[SweepAxis] = [dimension.axis for dimension in value.dimensions] if isinstance(value, Swept) else []
    cells: list[Any] = list(value.cells) if isinstance(value, Swept) else [value]
    while any(isinstance(cell, tuple) for cell in cells):
        length = max(len(cell) for cell in cells if isinstance(cell, tuple))
        if not length:
            return None
        axes.append(SweepAxis(paths=("[..]",), values=tuple((k,) for k in range(length))))
        missing = (None,) * length
        cells = [item for cell in cells for item in (cell if isinstance(cell, tuple) else missing)]
    known = ends and len(ends) == len(cells)
    return Judged(
        expression=text,
        axes=tuple(axes),
        numbers=tuple(_plain(cell) for cell in cells),
        lower=tuple(ends[k].lower for k in range(len(cells))) if known else None,
        upper=tuple(ends[k].upper for k in range(len(cells))) if known else None,
    )


def _intervals(term: syntax.Expression, reading: Reading) -> dict[int, Interval]:
    """The interval of the mean at each place, where a term reduces an array over its axis of seeds alone."""
    if not isinstance(term, syntax.Call) or term.function.head.text not in OF_MEANS:
        return {}
    reduction = reduction_of(term)
    if reduction is None and len(term.arguments) != 1:
        return {}
    value = reading.value(term.arguments[0].value if reduction is None else reduction.value)
    if not isinstance(value, Swept):
        return {}
    over = _over(reduction.axes if reduction is not None else None, value)
    if len(over) != 1 or not is_seed(over[0].axis) or len(over[0]) < 2:
        return {}
    gathered: list[Interval] = []

    def gather(along: Sequence[Any]) -> Fraction:
        gathered.append(interval([float(each) for each in along]))
        return Fraction(0)

    reduced(value, over, gather)
    return dict(enumerate(gathered))


def _over(axes: Sequence[syntax.Path] | None, value: Swept) -> list[Dimension]:
    if axes is None:
        return list(value.dimensions)
    return [found for path in axes if (found := dimension_of(path, value.dimensions)) is not None]


def _holds(condition: syntax.Expression, reading: Reading) -> bool:
    return bool(_value(condition, reading))


def _value(expression: syntax.Expression, reading: Reading) -> Measured | None:
    try:
        return reading.value(expression)
    except UndefinedError:
        return None


def _plain(cell: object) -> float | None:
    if isinstance(cell, FailedCell) or not isinstance(cell, (int, float, Fraction)):
        return None
    try:
        number = float(cell)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
