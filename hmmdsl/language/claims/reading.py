"""The value of a claim's parts in the results of a run.

Results are floats, and each stands for the decimal that results.json writes for it (the shortest that reads back as the same
float), so 0.1 equals 1/10. Operations and functions are those of constants, lifted over lists and axes: in rationals, so that
nothing is rounded between a number in results.json and the verdict on it, or in floats where fractions would be too long.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType

from hmmdsl.language import syntax
from hmmdsl.language.claims.axes import Reduction, dimension_of, places_at, reduction_of
from hmmdsl.language.claims.fixed import fixed
from hmmdsl.language.claims.measured import (
    Cell,
    Dimension,
    FailedCell,
    Measured,
    Single,
    SweepResults,
    Swept,
    UndefinedError,
    chosen_places,
    each,
    leaves,
    place_words,
    reduced,
    taken,
)
from hmmdsl.language.claims.result_paths import All, Step, steps_text
from hmmdsl.language.formatting.formatter import format_expression
from hmmdsl.language.source import Span
from hmmdsl.language.values.arithmetic import calculate, compare, negative
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.functions import FUNCTIONS, Builtin
from hmmdsl.language.values.value import Value
from hmmdsl.process.notation import number_text

UNBOUNDED = Budget(most=sys.maxsize)
"""What is computed of results is as much as there are; only their digits are bounded."""


def constant_value(expression: syntax.Expression, constants: Mapping[str, Value]) -> Measured:
    """The value of an expression that reads no result. Raises UndefinedError if it reads one or has no value."""
    return Reading({}, constants).value(expression)


class Reading:
    """Evaluates expressions on results and remembers what it read. `touched` has the paths since it was last cleared. `left` has
    by sweep and number of an axis the share of its places that `results` still have: totals over them are those of all."""

    def __init__(
        self,
        results: Mapping[str, object],
        constants: Mapping[str, Value],
        left: Mapping[tuple[str, int], Fraction] = MappingProxyType({}),
    ) -> None:
        self.results = results
        self.constants = constants
        self.left = left
        self.read: dict[str, object] = {}
        self.touched: set[str] = set()
        self._fixed: dict[int, Cell | None] = {}

    def value(self, expression: syntax.Expression) -> Measured:
        """Raises UndefinedError where a part has no value."""
        constant = self._constant(expression)
        if constant is not None:
            return constant
        match expression:
            case syntax.Number(value=value):
                return value
            case syntax.Boolean(value=truth):
                return truth
            case syntax.Path():
                return self._path(expression)
            case syntax.Unary(operator="not", operand=operand):
                return each(lambda v: not v, self.value(operand))
            case syntax.Unary(operand=operand):
                return each(lambda v: _single(negative(v, expression.span, UNBOUNDED)), self.value(operand))
            case syntax.Binary(operator="and", left=left, right=right):
                return each(lambda a, b: a and b, self.value(left), self.value(right))
            case syntax.Binary(operator="or", left=left, right=right):
                return each(lambda a, b: a or b, self.value(left), self.value(right))
            case syntax.Binary(operator=operator, left=left, right=right):
                return each(lambda a, b: _arithmetic(operator, a, b, expression.span), self.value(left), self.value(right))
            case syntax.Comparison(operands=operands, operators=operators):
                return each(lambda *v: _links(operators, v, expression.span), *(self.value(part) for part in operands))
            case syntax.Approximately(value=value, target=target, tolerance=tolerance):
                parts = (self.value(part) for part in (value, target, tolerance))
                return each(lambda v, t, d: abs(_arithmetic("-", v, t, expression.span)) <= d, *parts)
            case syntax.Choice(condition=condition, yes=yes, no=no):
                return self.value(yes if self.value(condition) else no)
            case syntax.List(items=items):
                return tuple(self._cell(item) for item in items)
            case syntax.Call(function=function, arguments=arguments):
                reduction = reduction_of(expression)
                builtin = FUNCTIONS.get(function.head.text)
                if builtin is None or not builtin.results:
                    raise UndefinedError(f"claims have no function `{function.head.text}`")
                if reduction is not None:
                    return self._reduction(builtin, reduction)
                return self._call(builtin, [self.value(argument.value) for argument in arguments], expression.span)
            case syntax.At():
                return self._slice(expression)
        raise UndefinedError("this part has no value")

    def _constant(self, expression: syntax.Expression) -> Cell | None:
        """The value of a part that no result changes; worked out once."""
        if id(expression) not in self._fixed:
            try:
                self._fixed[id(expression)] = fixed(expression, self.constants, self.results)
            except ConstantError as error:
                raise UndefinedError(str(error)) from error
        return self._fixed[id(expression)]

    def measured(self, path: str) -> float | tuple[float | None, ...] | None:
        """A result that was read, as plain floats; one that the evaluation did not get to is None."""
        value = self.read.get(path)
        if isinstance(value, Swept):
            value = [None if isinstance(cell, FailedCell) else cell for cell in value.cells]
        if isinstance(value, (list, tuple)):
            return tuple(_plain(item) for item in leaves(value))
        return _plain(value)

    def _path(self, path: syntax.Path) -> Measured:
        steps = self._steps(path)
        text = steps_text(steps)
        self.touched.add(text)
        swept = self.results.get(path.head.text)
        if isinstance(swept, SweepResults):
            array = _swept(path.head.text, swept, steps[1:], text)
            self.read[text] = array
            return array
        found = _at(self.results, steps, text)
        self.read[text] = found
        return _exact(found, text)

    def _cell(self, expression: syntax.Expression) -> Cell:
        value = self.value(expression)
        if isinstance(value, Swept):
            raise UndefinedError(f"{format_expression(expression)} runs along axes")
        return value

    def _slice(self, expression: syntax.At) -> Measured:
        """`X at (axis = value)`: only its own part is read of the sweep."""
        whole = self._path(expression.path)
        if not isinstance(whole, Swept):
            raise UndefinedError(f"`{format_expression(expression.path)}` runs along no axis")
        places = places_at(expression.arguments, whole.dimensions, self.constants)
        if not all(places.values()):
            raise UndefinedError(f"`{format_expression(expression)}` names a place that is not there")
        found = taken(whole, {dimension: at[0] for dimension, at in places.items()})
        self.read[format_expression(expression)] = found
        return found

    def _reduction(self, function: Builtin, reduction: Reduction) -> Measured:
        value = self.value(reduction.value)
        if not isinstance(value, Swept):
            raise UndefinedError(f"{format_expression(reduction.value)} runs along no axis")
        over = [d for path in reduction.axes if (d := dimension_of(path, value.dimensions)) is not None]
        return self._in_all(function, over, reduced(value, over, lambda along: _of_all(function, along, reduction.span)))

    def _in_all(self, function: Builtin, over: Sequence[Dimension], value: Measured) -> Measured:
        """What a total over these axes comes to with the places that were left out."""
        shares = [share for axis in over if (share := self.left.get((axis.sweep, axis.number))) is not None]
        return each(lambda total: total / math.prod(shares), value) if function.total and shares else value

    def _steps(self, path: syntax.Path) -> tuple[Step, ...]:
        steps: list[Step] = [path.head.text]
        for segment in path.segments:
            if isinstance(segment, syntax.Member):
                steps.append(segment.name)
            elif isinstance(segment.items[0], syntax.Every):
                steps.append(All())
            else:
                index = self._cell(segment.items[0])
                if isinstance(index, tuple):
                    raise UndefinedError("an index is one number")
                steps.append(int(index))
        return tuple(steps)

    def _call(self, function: Builtin, arguments: Sequence[Measured], span: Span) -> Measured:
        if function.results == "each":
            return each(lambda value: _of_one(function, value, span), arguments[0])
        found = _of_all(function, list(leaves(arguments[0] if len(arguments) == 1 else tuple(arguments))), span)
        axes = [axis for argument in arguments if isinstance(argument, Swept) for axis in argument.dimensions]
        return self._in_all(function, list(dict.fromkeys(axes)), found)


# ---------------------------------------------------------------- operations of constants on results


def _single(value: Value) -> Single:
    assert isinstance(value, (Fraction, float, bool)), "numbers and truth values give such"
    return value


def _exact_or_float(compute: Callable[[Sequence[Single]], Value], values: Sequence[Single]) -> Single:
    """A value in rationals, or in floats where its fraction would be too long. Raises ConstantError."""
    try:
        return _single(compute(values))
    except ConstantError as error:
        if error.code != "E0404":
            raise
    return _single(compute([float(value) if isinstance(value, Fraction) else value for value in values]))


def _arithmetic(operator: str, a: Single, b: Single, span: Span) -> Single:
    try:
        return _exact_or_float(lambda pair: calculate(operator, pair[0], pair[1], span, UNBOUNDED), (a, b))
    except ConstantError as error:
        sign = "to the power" if operator == "^" else operator
        words = {"E0401": "divides by zero", "E0402": "is not a real number"}.get(error.code, "is too large")
        raise UndefinedError(f"{number_text(a)} {sign} {number_text(b)} {words}") from error


def _links(operators: Sequence[str], values: Sequence[Single], span: Span) -> bool:
    return all(compare(operator, a, b, span) for operator, a, b in zip(operators, values, values[1:], strict=False))


def _of_one(function: Builtin, value: Single, span: Span) -> Single:
    try:
        return _single(function.compute((value,), (span,), span, UNBOUNDED))
    except ConstantError as error:
        raise UndefinedError(f"{function.name}({number_text(value)}) is undefined") from error


def _of_all(function: Builtin, values: Sequence[Single], span: Span) -> Single:
    try:
        return _exact_or_float(lambda values: function.of_all(values, span, UNBOUNDED), values)
    except ConstantError as error:
        raise UndefinedError(str(error)) from error


def _swept(name: str, results: SweepResults, steps: Sequence[Step], text: str) -> Swept:
    """A result over the axes of a sweep; the cell of a point that has none says why."""
    dimensions = tuple(Dimension(name, k, axis) for k, axis in enumerate(results.axes))
    cells: list[Cell | FailedCell] = []
    for chosen, point in zip(chosen_places(dimensions), results.points, strict=True):
        if isinstance(point, str):
            cells.append(FailedCell(f"`{text}` has no value where {place_words(chosen)}: {point}"))
            continue
        try:
            cells.append(_exact(_at(point, steps, text), text))
        except UndefinedError as undefined:
            cells.append(FailedCell(f"{undefined} where {place_words(chosen)}"))
    return Swept(dimensions, tuple(cells))


def _at(results: object, steps: Sequence[Step], text: str) -> object:
    """Follow a path through results.json; lists for `[..]`."""
    for n, step in enumerate(steps):
        if isinstance(step, All):
            results = list(results.values()) if isinstance(results, Mapping) else results
            if not isinstance(results, (list, tuple)):
                raise UndefinedError(f"`{text}` is not among the results")
            return [_at(item, steps[n + 1 :], text) for item in results]
        try:
            results = results[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError) as error:
            raise UndefinedError(f"`{text}` is not among the results") from error
    return results


def _exact(value: object, text: str) -> Cell:
    if isinstance(value, list):
        return tuple(_exact(item, text) for item in value)
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and math.isfinite(value):
        return Fraction(value) if isinstance(value, int) else Fraction(repr(float(value)))
    raise UndefinedError(f"`{text}` is undefined")


def _plain(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float, Fraction)) and math.isfinite(value) else None
