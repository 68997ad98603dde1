"""The values of constant expressions: numbers, booleans, strings, lists, processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

from hmmdsl.process.process import Process, Scalar


@dataclass(frozen=True)
class Complex:
    """`re + im i`; each part is exact or a float."""

    re: Scalar
    im: Scalar


@dataclass(frozen=True)
class Array:
    """A list. Its items are all alike: scalars of one sort, or lists of one shape."""

    items: tuple[Value, ...]

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The length along each axis, outermost first."""
        first = self.items[0] if self.items else None
        return (len(self.items), *(first.shape if isinstance(first, Array) else ()))

    def rows(self) -> Iterator[tuple[Value, ...]]:
        """The rows of a list of lists."""
        for row in self.items:
            if isinstance(row, Array):
                yield row.items


Value: TypeAlias = Fraction | float | Complex | bool | str | Array | Process
"""What an expression can mean. A number that a user wrote is a Fraction; a float came out of a float function."""

EXACT_TEXT = 24
"""A fraction whose text is longer is shown as a decimal in messages."""

DECIMALS = 12
"""A terminating decimal of at most this many places is written as one."""


def is_scalar(value: Value) -> bool:
    """Whether this is a real number."""
    return isinstance(value, (Fraction, float))


def is_integer(value: Value) -> bool:
    """Whether this is an exact integer."""
    return isinstance(value, Fraction) and value.denominator == 1


def kind_of_value(value: Value) -> str:
    """What a value is, for messages: "a number", "a list", "a process"."""
    match value:
        case bool():
            return "a condition"
        case Fraction() | float():
            return "a number"
        case Complex():
            return "a complex number"
        case str():
            return "a string"
        case Array():
            return "a list" if len(value.shape) == 1 else "a list of lists"
    return "a process"


def shown(value: Value) -> str:
    """A value in a message: numbers by their text, others by their kind."""
    return text_of(value) if is_scalar(value) else kind_of_value(value)


def _fraction_text(value: Fraction) -> str:
    """`1/3`, `3/4`, `0.15`: as a decimal where tenths are meant, as a fraction else."""
    twos, fives, left = 0, 0, value.denominator
    while left % 2 == 0 and twos <= DECIMALS:
        left, twos = left // 2, twos + 1
    while left % 5 == 0 and fives <= DECIMALS:
        left, fives = left // 5, fives + 1
    places = max(twos, fives)
    if left == 1 and fives and places <= DECIMALS and value.numerator.bit_length() < 128:
        digits = f"{abs(value.numerator) * 10**places // value.denominator:0{places + 1}d}"
        return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
    if value.numerator.bit_length() + value.denominator.bit_length() < 4 * EXACT_TEXT and len(str(value)) <= EXACT_TEXT:
        return str(value)
    try:
        return f"{float(value):.6g}"
    except OverflowError:
        return f"about 2^{value.numerator.bit_length() - value.denominator.bit_length()}"


def text_of(value: Value) -> str:
    """A value as the language writes it; very long exact numbers come out rounded.

    >>> text_of(Fraction(3, 4)), text_of(Fraction(3, 20)), text_of(Array((Fraction(1), Fraction(1, 3))))
    ('3/4', '0.15', '[1, 1/3]')
    """
    match value:
        case bool():
            return "true" if value else "false"
        case Fraction():
            return _fraction_text(value)
        case float():
            return f"{value:.12g}"
        case Complex():
            return f"{text_of(value.re)} + {text_of(value.im)} * 1i"
        case str():
            return f'"{value}"'
        case Array():
            return f"[{', '.join(map(text_of, value.items))}]"
    return value.name
