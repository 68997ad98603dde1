"""The functions and constants of the language."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

from hmmdsl.language.source import Span
from hmmdsl.language.values.arithmetic import as_float, as_number, compare, each, finite, not_finite, size, wrong_type
from hmmdsl.language.values.arrays import LIST_FUNCTIONS, Compute, as_list, total
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.value import Array, Complex, Value, text_of
from hmmdsl.schema.confidence import interval

OfResults = Literal["", "each", "all", "list", "order", "runs"]


@dataclass(frozen=True)
class Builtin:
    """A function of the language: `least` to `most` arguments (None: any number), how it is written, what it does in a sentence.

    `results` says how it takes results of a run: `each` by itself, so that lists and axes stay; `all` of them as one number, also
    over axes or of several arguments; a `list` as a whole; in the `order` of a list or along one axis; over axes of repeated
    `runs` alone; not at all where it is empty. A total grows with how many it is of.
    """

    name: str
    least: int
    most: int | None
    usage: str
    says: str
    compute: Compute
    results: OfResults = ""
    takes: Literal["number", "truth"] = "number"
    gives: Literal["number", "truth"] = "number"
    example: str = ""
    total: bool = False

    def __call__(self, values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
        """The value. Raises ConstantError: E0407 for a wrong number of arguments, E0544 where repeated runs are wanted, and
        whatever `compute` raises."""
        if len(values) < self.least or (self.most is not None and len(values) > self.most):
            wanted = f"at least {self.least}" if self.most is None else f"{self.least}"
            raise ConstantError(
                "E0407",
                f"`{self.name}` takes {wanted} argument{'' if self.least == 1 else 's'}, not {len(values)}",
                span,
                help=f"write `{self.usage}`",
            )
        if self.results == "runs":
            raise ConstantError(
                "E0544",
                f"`{self.name}` must know over which repeated runs",
                span,
                label="over which seeds?",
                help=f"write `{self.example}` in an `expect`, with the results of a sweep",
            )
        first = values[0] if values else None
        if self.results == "each" and isinstance(first, Array):
            budget.check_length(size(first), span)
            return each(first, lambda item: self.compute((item,), spans, span, budget))
        return self.compute(values, spans, span, budget)

    def of_all(self, values: Sequence[Value], span: Span, budget: Budget) -> Value:
        """The value of a list. Raises ConstantError."""
        return self.compute((Array(tuple(values)),), (span,), span, budget)


def _real(name: str, says: str, function: Callable[[float], float], where: str) -> Builtin:
    """A float function of one real; `where` says for which arguments it is defined."""

    def compute(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
        value = as_number(values[0], spans[0])
        try:
            return finite(function(as_float(value, spans[0])), span)
        except OverflowError:
            raise not_finite(span) from None
        except ValueError:
            raise ConstantError(
                "E0402",
                f"`{name}` of {text_of(value)} is not a real number",
                span,
                label=f"{name}({text_of(value)})",
                help=f"`{name}` is defined for {where}",
            ) from None

    return Builtin(name, 1, 1, f"{name}(x)", says, compute, "each", example=f"{name}(fit.gap)")


def _float(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
    """The nearest 64-bit float: the value is then compared within a tolerance, not exactly."""
    return as_float(as_number(values[0], spans[0]), spans[0])


def _abs(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
    value = values[0]
    if isinstance(value, Complex):
        return math.hypot(as_float(value.re, span), as_float(value.im, span))
    number = as_number(value, spans[0])
    return -number if number < 0 else number


def _items(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> list[tuple[Value, Span]]:
    """What a function of several values, or of those of one list, is of: each with its place."""
    if len(values) == 1 and isinstance(values[0], Array):
        budget.spend(span, size(values[0]))
        return [(item, spans[0]) for item in _leaves(values[0])]
    return list(zip(values, spans, strict=True))


def _leaves(array: Array) -> Iterator[Value]:
    for item in array.items:
        if isinstance(item, Array):
            yield from _leaves(item)
        else:
            yield item


def _of_numbers(name: str, says: str, function: Callable[[Sequence[Fraction | float]], Fraction | float]) -> Builtin:
    """A function of several numbers, or of those of one list."""

    def compute(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
        numbers = [as_number(item, place) for item, place in _items(values, spans, span, budget)]
        try:
            found = function(numbers)
        except ValueError as error:
            raise ConstantError("E0402", str(error), span, label="no number", help="give it more numbers") from None
        except OverflowError:
            raise not_finite(span) from None
        return budget.check_number(found, span) if isinstance(found, Fraction) else finite(found, span)

    return Builtin(name, 1, None, f"{name}(a, b, …)", says, compute, "all", example=f"{name}(beliefs.block[..].r2)")


def _extreme(name: str, says: str, choose: Callable[[Sequence[Fraction | float]], Fraction | float]) -> Builtin:
    def of(numbers: Sequence[Fraction | float]) -> Fraction | float:
        if not numbers:
            raise ValueError(f"`{name}` of an empty list has no value")
        return choose(numbers)

    return _of_numbers(name, says, of)


def mean(values: Sequence[Fraction | float]) -> Fraction | float:
    """Raises ValueError where there is none."""
    if not values:
        raise ValueError("the mean of nothing is undefined")
    return sum(values, start=Fraction(0)) / len(values)


def median(values: Sequence[Fraction | float]) -> Fraction | float:
    """The middle number, or the mean of the middle two. Raises ValueError where there is none."""
    if not values:
        raise ValueError("the median of nothing is undefined")
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def sd(values: Sequence[Fraction | float]) -> float:
    """The sample's standard deviation, with n - 1. Raises ValueError where there is none."""
    if len(values) < 2:
        raise ValueError("the standard deviation of fewer than two numbers is undefined")
    centre = mean(values)
    return math.sqrt(sum((value - centre) ** 2 for value in values) / (len(values) - 1))


def _sum(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
    """Of a list of rows element by element; of several arguments only numbers."""
    if len(values) == 1:
        return total(as_list(values[0], spans[0]).items, span, budget)
    return total([as_number(value, place) for value, place in zip(values, spans, strict=True)], span, budget)


def _of_truths(name: str, says: str, function: Callable[[Sequence[bool]], bool | int]) -> Builtin:
    """A function of several truth values, or of those of one list."""

    def compute(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
        truths = []
        for item, place in _items(values, spans, span, budget):
            if not isinstance(item, bool):
                raise wrong_type(item, "a condition", place)
            truths.append(item)
        found = function(truths)
        return found if isinstance(found, bool) else Fraction(found)

    counts = name == "count"
    example = f"{name}(beliefs.block[..].r2 > 0.5)" + " >= 2" * counts
    gives: Literal["number", "truth"] = "number" if counts else "truth"
    return Builtin(name, 1, None, f"{name}(a < b, …)", says, compute, "all", "truth", gives, example, counts)


def _steps(name: str, says: str, operator: str) -> Builtin:
    """Whether each number of a list compares so with the next."""

    def compute(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
        items = as_list(values[0], spans[0]).items
        budget.spend(span, len(items))
        numbers = [as_number(item, spans[0]) for item in items]
        return all(compare(operator, a, b, span) for a, b in pairwise(numbers))

    example = f"{name}(beliefs.block[..].r2)"
    return Builtin(name, 1, 1, f"{name}(list)", says, compute, "order", gives="truth", example=example)


def _end(name: Literal["lower", "upper"]) -> Builtin:
    """An end of the confidence interval of the mean of independent runs."""

    def compute(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
        runs = [as_float(as_number(item, spans[0]), span) for item in as_list(values[0], spans[0]).items]
        found: float | None = getattr(interval(runs), name) if runs else None
        if found is None:
            message = "the confidence interval of fewer than two runs is undefined"
            raise ConstantError("E0402", message, span, label="no number", help="repeat it with more seeds")
        return found

    example = f"{name}(capacity.fit.gap over fit.seed)"
    says = f"the {name} end of the 95 % confidence interval of the mean over runs of other seeds"
    return Builtin(name, 1, 1, f"{name}(X over fit.seed)", says, compute, "runs", example=example)


def _log(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
    value = as_number(values[0], spans[0])
    if value <= 0:
        raise ConstantError(
            "E0402", f"`log` of {text_of(value)} is not a real number", span, help="`log` is defined for positive numbers"
        )
    if isinstance(value, Fraction):
        return math.log(value.numerator) - math.log(value.denominator)
    return math.log(value)


_FUNCTIONS = (
    _extreme("max", "the largest", max),
    _extreme("min", "the smallest", min),
    _of_numbers("mean", "the mean", mean),
    _of_numbers("median", "the middle number, or the mean of the middle two", median),
    _of_numbers("sd", "the sample's standard deviation, with n − 1, a float", sd),
    _end("lower"),
    _end("upper"),
    Builtin("sum", 1, None, "sum(list)", "the sum, of rows element by element", _sum, "all",
            example="sum(beliefs.block[..].r2)", total=True),
    Builtin("len", 1, 1, "len(list)", "how many items a list has",
            lambda values, spans, span, budget: Fraction(len(as_list(values[0], spans[0]).items)), "list",
            example="len(beliefs.block[..].r2)", total=True),
    Builtin("abs", 1, 1, "abs(x)", "the absolute value", _abs, "each", example="abs(fit.gap)"),
    _real("sqrt", "the square root, a float", math.sqrt, "numbers from 0"),
    Builtin("log", 1, 1, "log(x)", "the natural logarithm, a float", _log, "each", example="log(fit.gap)"),
    _real("exp", "the exponential, a float", math.exp, "all numbers"),
    _steps("increasing", "whether each number is larger than the one before it", "<"),
    _steps("decreasing", "whether each number is smaller than the one before it", ">"),
    _of_truths("all", "whether all are true", all),
    _of_truths("any", "whether any is true", any),
    _of_truths("count", "how many are true", sum),
    Builtin("float", 1, 1, "float(x)", "the nearest float", _float, "each", example="float(fit.gap)"),
    _real("sin", "the sine, a float", math.sin, "all numbers"),
    _real("cos", "the cosine, a float", math.cos, "all numbers"),
    _real("tan", "the tangent, a float", math.tan, "all numbers"),
    *(Builtin(name, *definition) for name, definition in LIST_FUNCTIONS.items()),
)  # fmt: skip

FUNCTIONS: Mapping[str, Builtin] = MappingProxyType({function.name: function for function in _FUNCTIONS})
"""Every function by its name, but `index(t)`, which takes a token."""

INDEX = "index"
"""`index(t)`: the position of a token in the order of declaration."""

CONSTANTS: Mapping[str, Value] = MappingProxyType({"pi": math.pi})
"""Every named constant."""

OF_CLAIMS = frozenset(name for name, each in FUNCTIONS.items() if "truth" in (each.takes, each.gives) or each.results == "runs")
"""Words such as `any` and `count` are mostly for claims: a file may have a process or a param of such a name."""
