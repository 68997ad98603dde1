"""Arithmetic on values: exact on fractions, complex numbers and lists of them; a float spreads."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from operator import eq, ge, gt, le, lt, ne
from types import MappingProxyType
from typing import Any

from hmmdsl.language.source import Span
from hmmdsl.language.values.budget import BITS, Budget, too_large
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.value import Array, Complex, Value, is_integer, is_scalar, kind_of_value, text_of
from hmmdsl.process.process import Process, Scalar

ZERO = Fraction(0)
ONE = Fraction(1)

COMPARE: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType({"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge})


def wrong_type(value: Value, wanted: str, span: Span) -> ConstantError:
    """The error for a value of another sort than the place wants."""
    return ConstantError(
        "E0403",
        f"{wanted} is needed here, and this is {kind_of_value(value)}",
        span,
        label=kind_of_value(value),
        help=f"write {wanted}",
    )


def not_finite(span: Span) -> ConstantError:
    """The error for a float that overflowed or is undefined."""
    return ConstantError(
        "E0412",
        "this number is too large for a float, or undefined",
        span,
        help="float functions such as `exp` reach up to about 1e308; scale the argument down",
    )


def finite(value: float, span: Span) -> float:
    """The float itself. Raises ConstantError (E0412) for infinity and NaN."""
    if not math.isfinite(value):
        raise not_finite(span)
    return value


def as_float(value: Scalar, span: Span) -> float:
    """The nearest float64. Raises ConstantError (E0412) beyond its range."""
    try:
        return float(value)
    except OverflowError:
        raise not_finite(span) from None


def as_integer(value: Value, what: str, span: Span) -> int:
    """An exact integer. Raises ConstantError (E0403) for anything else."""
    if not isinstance(value, Fraction):
        raise wrong_type(value, f"an integer as {what}", span)
    if value.denominator != 1:
        raise ConstantError("E0403", f"{what} must be an integer, not {text_of(value)}", span, help="write an integer")
    return value.numerator


def as_number(value: Value, span: Span) -> Scalar:
    """A real number. Raises ConstantError (E0403) for anything else."""
    if isinstance(value, (Fraction, float)):
        return value
    raise wrong_type(value, "a number", span)


def _scalars(operation: str, a: Scalar, b: Scalar, span: Span) -> Scalar:
    """`+ - *` on reals."""
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        exact = a + b if operation == "+" else a - b if operation == "-" else a * b
        if exact.numerator.bit_length() > BITS or exact.denominator.bit_length() > BITS:
            raise too_large(span)
        return exact
    x, y = as_float(a, span), as_float(b, span)
    return finite(x + y if operation == "+" else x - y if operation == "-" else x * y, span)


def _quotient(a: Scalar, b: Scalar, span: Span) -> Scalar:
    if b == 0:
        raise ConstantError("E0401", "division by zero", span, label="the divisor is 0", help="divide by another number")
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        exact = a / b
        if exact.numerator.bit_length() > BITS or exact.denominator.bit_length() > BITS:
            raise too_large(span)
        return exact
    try:
        return finite(as_float(a, span) / as_float(b, span), span)
    except ZeroDivisionError:
        raise not_finite(span) from None


def _complex(value: Scalar | Complex) -> Complex:
    return value if isinstance(value, Complex) else Complex(value, ZERO)


def _simplified(re: Scalar, im: Scalar) -> Scalar | Complex:
    return re if isinstance(im, Fraction) and im == 0 else Complex(re, im)


def _complex_numbers(operation: str, a: Complex, b: Complex, span: Span) -> Scalar | Complex:
    if operation in "+-":
        return _simplified(_scalars(operation, a.re, b.re, span), _scalars(operation, a.im, b.im, span))
    if operation == "/":
        norm = _scalars("+", _scalars("*", b.re, b.re, span), _scalars("*", b.im, b.im, span), span)
        over = _complex(_complex_numbers("*", a, Complex(b.re, -b.im), span))
        return _simplified(_quotient(over.re, norm, span), _quotient(over.im, norm, span))
    re = _scalars("-", _scalars("*", a.re, b.re, span), _scalars("*", a.im, b.im, span), span)
    im = _scalars("+", _scalars("*", a.re, b.im, span), _scalars("*", a.im, b.re, span), span)
    return _simplified(re, im)


def _numbers(operation: str, a: Scalar | Complex, b: Scalar | Complex, span: Span) -> Scalar | Complex:
    if isinstance(a, Complex) or isinstance(b, Complex):
        return _complex_numbers(operation, _complex(a), _complex(b), span)
    return _quotient(a, b, span) if operation == "/" else _scalars(operation, a, b, span)


def each(array: Array, change: Callable[[Value], Value]) -> Array:
    """The list with `change` applied to each number in it. Lists nest at most as deeply as they were written."""
    return Array(tuple(each(item, change) if isinstance(item, Array) else change(item) for item in array.items))


def _pairwise(operation: str, a: Array, b: Array, span: Span) -> Array:
    return Array(
        tuple(
            _pairwise(operation, x, y, span)
            if isinstance(x, Array) and isinstance(y, Array)
            else combine_numbers(operation, x, y, span)
            for x, y in zip(a.items, b.items, strict=True)
        )
    )


def combine_numbers(operation: str, a: Value, b: Value, span: Span) -> Scalar | Complex:
    """`+ - * /` on two numbers. Raises ConstantError (E0403) if one is none."""
    for value in (a, b):
        if isinstance(value, bool) or not isinstance(value, (Fraction, float, Complex)):
            raise ConstantError(
                "E0403",
                f"`{operation}` works on numbers, and one side is {kind_of_value(value)}",
                span,
                label=f"{kind_of_value(a)} {operation} {kind_of_value(b)}",
                help="write a number on each side",
            )
    assert isinstance(a, (Fraction, float, Complex))
    assert isinstance(b, (Fraction, float, Complex))
    return _numbers(operation, a, b, span)


def shape_text(array: Array) -> str:
    """`2 x 3`, or `3 numbers`."""
    if len(array.shape) > 1:
        return " x ".join(map(str, array.shape))
    return f"{array.shape[0]} number{'' if array.shape[0] == 1 else 's'}"


def size(array: Array) -> int:
    """How many numbers a list holds."""
    return math.prod(array.shape)


def combine(operation: str, a: Value, b: Value, span: Span, budget: Budget) -> Value:
    """`a operation b` for `+ - * /`: on numbers; `+ -` element by element; lists times or divided by numbers.

    Raises ConstantError: E0401 division by zero, E0403 wrong types, E0404 too large, E0408 shapes that differ, E0412 overflow.
    """
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return _quotient(a, b, span) if operation == "/" else _scalars(operation, a, b, span)
    if isinstance(a, Array) and isinstance(b, Array):
        if operation in "*/":
            raise ConstantError(
                "E0408",
                f"`{operation}` between two lists has no meaning",
                span,
                help="write `dot(a, b)` for the matrix product, `outer(a, b)` or `kron(a, b)` for the others",
            )
        if a.shape != b.shape:
            raise ConstantError(
                "E0408",
                f"the shapes {shape_text(a)} and {shape_text(b)} do not fit",
                span,
                help=f"`{operation}` works element by element; both lists must have the same shape",
            )
        budget.check_length(size(a), span)
        return _pairwise(operation, a, b, span)
    if isinstance(a, Array) and (operation in "*/") and not isinstance(b, Array):
        budget.check_length(size(a), span)
        return each(a, lambda item: combine_numbers(operation, item, b, span))
    if isinstance(b, Array) and operation == "*":
        budget.check_length(size(b), span)
        return each(b, lambda item: combine_numbers("*", a, item, span))
    if isinstance(a, Array) or isinstance(b, Array):
        raise ConstantError(
            "E0408",
            f"`{operation}` between {kind_of_value(a)} and {kind_of_value(b)} has no meaning",
            span,
            help="`+` and `-` want two lists of one shape; a list may be multiplied or divided by a number",
        )
    return combine_numbers(operation, a, b, span)


def negative(value: Value, span: Span, budget: Budget) -> Value:
    """`-value`. Raises ConstantError (E0403) for what is no number and no list of numbers."""
    if isinstance(value, Fraction):
        return -value
    if isinstance(value, (bool, str, Process)):
        raise wrong_type(value, "a number", span)
    return combine("*", Fraction(-1), value, span, budget)


def modulo(a: Value, b: Value, span: Span) -> Scalar:
    """`a mod b`, with the sign of `b`. Raises ConstantError (E0401) if b is 0."""
    x, y = as_number(a, span), as_number(b, span)
    if y == 0:
        raise ConstantError(
            "E0401", "`mod 0` is a division by zero", span, label="the divisor is 0", help="divide by another number"
        )
    if isinstance(x, Fraction) and isinstance(y, Fraction):
        return x % y
    return finite(as_float(x, span) % as_float(y, span), span)


def power(base: Value, exponent: Value, span: Span, budget: Budget) -> Value:
    """`base ^ exponent`: exact for an integer exponent, else a float.

    Raises ConstantError: E0401 for 0 to a negative power, E0402 for a root of a negative number, E0404 too large a result.
    """
    if isinstance(base, Complex) and is_integer(exponent):
        return _complex_power(base, as_integer(exponent, "the exponent", span), span, budget)
    if not is_scalar(base):
        raise wrong_type(base, "a number", span)
    x, y = as_number(base, span), as_number(exponent, span)
    if x == 0 and y < 0:
        raise ConstantError("E0401", "0 to a negative power is a division by zero", span, help="the base must not be 0 here")
    if isinstance(y, Fraction) and y.denominator == 1:
        if isinstance(x, Fraction):
            return _exact_power(x, y.numerator, span)
        try:
            return finite(x ** int(y), span)
        except OverflowError:
            raise not_finite(span) from None
    if x < 0:
        raise ConstantError(
            "E0402", "a negative number has real powers for integers only", span, help="the base must not be negative here"
        )
    try:
        return finite(as_float(x, span) ** as_float(y, span), span)
    except OverflowError:
        raise not_finite(span) from None


def calculate(operator: str, a: Value, b: Value, span: Span, budget: Budget) -> Value:
    """`a operator b` for `+ - * / mod ^`. Raises ConstantError."""
    if operator == "^":
        return power(a, b, span, budget)
    return modulo(a, b, span) if operator == "mod" else combine(operator, a, b, span, budget)


def _exact_power(base: Fraction, exponent: int, span: Span) -> Fraction:
    widest = max(abs(base.numerator), base.denominator)
    # b bits to the n-th power have more than (b - 1) n bits: known without computing them.
    if (widest.bit_length() - 1) * abs(exponent) > BITS:
        raise too_large(span)
    if widest == 1:
        return base if exponent % 2 else base * base if exponent else ONE
    result = base**exponent
    if result.numerator.bit_length() > BITS or result.denominator.bit_length() > BITS:
        raise too_large(span)
    return result


def _complex_power(base: Complex, exponent: int, span: Span, budget: Budget) -> Value:
    result: Scalar | Complex = ONE
    square: Scalar | Complex = base
    left = abs(exponent)
    while left:
        budget.spend(span)
        if left % 2:
            result = _numbers("*", result, square, span)
        left //= 2
        if left:
            square = _numbers("*", square, square, span)
    return _numbers("/", ONE, result, span) if exponent < 0 else result


def compare(operation: str, a: Value, b: Value, span: Span) -> bool:
    """`a operation b` for `== != < <= > >=`. Raises ConstantError (E0403) if the two cannot be compared."""
    if is_scalar(a) and is_scalar(b):
        x, y = as_number(a, span), as_number(b, span)
        return COMPARE[operation](x, y)
    numeric = (Fraction, float, Complex)
    alike = type(a) is type(b) or (isinstance(a, numeric) and isinstance(b, numeric))
    if operation in ("==", "!=") and alike:
        return (a == b) == (operation == "==")
    raise ConstantError(
        "E0403",
        f"`{operation}` cannot compare {kind_of_value(a)} with {kind_of_value(b)}",
        span,
        help="compare two numbers; `==` and `!=` also compare two strings or two lists",
    )
