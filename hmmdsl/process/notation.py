"""How numbers are written, wherever a reader meets one."""

from __future__ import annotations

import math
from fractions import Fraction

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

_SMALL = Fraction(1, 1000)
"""Below this a power of ten is written."""


def number_text(value: Fraction | float | None, digits: int = 4) -> str:
    r"""A number with so many significant digits; powers of ten where it is very small or large; `undefined` for None and NaN.

    >>> number_text(0.95612), number_text(0.0000123), number_text(201_792), number_text(-0.5), number_text(None)
    ('0.9561', '1.23\xa0×\xa010⁻⁵', '201,792', '−0.5', 'undefined')
    >>> number_text(Fraction(10) ** 400)
    '10⁴⁰⁰'
    """
    if value is None or value != value:
        return "undefined"
    if value in (math.inf, -math.inf):
        return "∞" if value > 0 else "−∞"
    sign, size = ("−", -value) if value < 0 else ("", value)
    if size == 0:
        return "0"
    if size < 1e9 and Fraction(size).denominator == 1:
        return f"{sign}{int(size):,}"
    if not _SMALL <= size < 1e6:
        return sign + _power(size, digits)
    return f"{sign}{_plain(float(size), digits)}"


def plus_minus(error: float) -> str:
    r"""An error as it stands behind its value.

    >>> plus_minus(0.0312), plus_minus(2.1e-6)
    ('± 0.03', '± 2\xa0×\xa010⁻⁶')
    """
    return f"± {number_text(error, 1)}"


def superscript(number: int) -> str:
    """An exponent.

    >>> superscript(-12)
    '⁻¹²'
    """
    return str(number).translate(_SUPERSCRIPT)


def _power(size: Fraction | float, digits: int) -> str:
    """A mantissa and a power of ten; rationals may lie beyond the floats."""
    try:
        mantissa, _, exponent = f"{float(size):.{max(digits - 1, 0)}e}".partition("e")
    except OverflowError:
        return f"10{superscript(_magnitude(Fraction(size)))}"
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    written = f"10{superscript(int(exponent))}"
    return written if mantissa == "1" else f"{mantissa}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{written}"


def _magnitude(size: Fraction) -> int:
    """The power of ten at or below a large number."""
    power = math.floor((size.numerator.bit_length() - size.denominator.bit_length()) * math.log10(2))
    return power + (Fraction(10) ** (power + 1) <= size)


def _plain(size: float, digits: int) -> str:
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{size:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
