"""The functions and constants of the language."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from hmmdsl.language.constants.arithmetic import as_float, as_number, finite, not_finite
from hmmdsl.language.constants.arrays import LIST_FUNCTIONS, Compute
from hmmdsl.language.constants.averages import mean, median, sd
from hmmdsl.language.constants.budget import Budget
from hmmdsl.language.constants.failure import ConstantError
from hmmdsl.language.constants.values import Array, Complex, Value, text_of
from hmmdsl.language.source import Span


@dataclass(frozen=True)
class Builtin:
    """A function of the language: `least` to `most` arguments (None: any number)."""

    name: str
    least: int
    most: int | None
    usage: str
    compute: Compute

    def __call__(self, values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
        """The value. Raises ConstantError (E0407) for a wrong number of arguments, and whatever `compute` raises."""
        if len(values) < self.least or (self.most is not None and len(values) > self.most):
            wanted = f"at least {self.least}" if self.most is None else f"{self.least}"
            raise ConstantError(
                "E0407",
                f"`{self.name}` takes {wanted} argument{'' if self.least == 1 else 's'}, not {len(values)}",
                span,
                help=f"write `{self.usage}`",
            )
        return self.compute(values, spans, span, budget)


def _real(name: str, function: Callable[[float], float], where: str) -> Builtin:
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

    return Builtin(name, 1, 1, f"{name}(x)", compute)


def _float(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
    """The nearest 64-bit float, of a list each of its numbers: the value is then compared within a tolerance, not exactly."""
    value = values[0]
    if isinstance(value, Array):
        budget.spend(span, len(value.items))
        return Array(tuple(_float((item,), spans, span, budget) for item in value.items))
    return as_float(as_number(value, spans[0]), spans[0])


def _abs(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
    value = values[0]
    if isinstance(value, Complex):
        return math.hypot(as_float(value.re, span), as_float(value.im, span))
    number = as_number(value, spans[0])
    return -number if number < 0 else number


def _extreme(name: str, choose: Callable[[Sequence[Fraction | float]], Fraction | float]) -> Builtin:
    def compute(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
        first = values[0]
        if len(values) == 1 and isinstance(first, Array):
            if not first.items:
                raise ConstantError("E0403", f"`{name}` of an empty list has no value", span, help="give it at least one number")
            budget.spend(span, len(first.items))
            return choose([as_number(item, spans[0]) for item in first.items])
        return choose([as_number(value, place) for value, place in zip(values, spans, strict=True)])

    return Builtin(name, 1, None, f"{name}(a, b, …)", compute)


def _average(name: str, function: Callable[[Sequence[Fraction | float]], Fraction | float]) -> Builtin:
    """A function of several numbers, or of those of one list."""

    def compute(values: Sequence[Value], spans: Sequence[Span], span: Span, budget: Budget) -> Value:
        first = values[0]
        items, places = values, spans
        if len(values) == 1 and isinstance(first, Array):
            items, places = first.items, [spans[0]] * len(first.items)
        budget.spend(span, len(items))
        try:
            found = function([as_number(item, place) for item, place in zip(items, places, strict=True)])
        except ValueError as error:
            raise ConstantError("E0402", str(error), span, label="no number", help="give it more numbers") from None
        except OverflowError:
            raise not_finite(span) from None
        return budget.check_number(found, span) if isinstance(found, Fraction) else finite(found, span)

    return Builtin(name, 1, None, f"{name}(a, b, …)", compute)


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
    _real("sqrt", math.sqrt, "numbers from 0"),
    _real("exp", math.exp, "all numbers"),
    Builtin("log", 1, 1, "log(x)", _log),
    _real("sin", math.sin, "all numbers"),
    _real("cos", math.cos, "all numbers"),
    _real("tan", math.tan, "all numbers"),
    Builtin("abs", 1, 1, "abs(x)", _abs),
    Builtin("float", 1, 1, "float(x)", _float),
    _extreme("min", min),
    _extreme("max", max),
    _average("mean", mean),
    _average("median", median),
    _average("sd", sd),
    *(Builtin(name, *definition) for name, definition in LIST_FUNCTIONS.items()),
)

FUNCTIONS: Mapping[str, Builtin] = MappingProxyType({function.name: function for function in _FUNCTIONS})
"""Every function by its name, but `index(t)`, which takes a token."""

INDEX = "index"
"""`index(t)`: the position of a token in the order of declaration."""

CONSTANTS: Mapping[str, Value] = MappingProxyType({"pi": math.pi})
"""Every named constant."""

OPERATIONS: Mapping[str, str] = MappingProxyType(
    {
        "product": "product(left = p, right = q)",
        "mixture": "mixture(A = p, B = q, weights = [1/2, 1/2])",
        "relabel": "relabel(p, [0 -> heads, 1 -> tails])",
        "leak": "leak(p, eps)",
        "noise": "noise(p, eps)",
        "switch": "switch(top = coin(), heads = p, tails = q)",
        "reverse": "reverse(p)",
        "minimize": "minimize(p)",
        "random_hmm": "random_hmm(states = 5, tokens = 2, seed = 0)",
    }
)
"""The functions that make processes, and how each is written; the folder `processes` knows what they do."""

BUILTIN_NAMES = frozenset({*FUNCTIONS, *CONSTANTS, *OPERATIONS, INDEX})
"""Names that no constant may take."""
