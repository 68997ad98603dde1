"""Exact numbers that others wrote, in YAML, JSON and npz: read within limits, so that none fills the memory."""

from __future__ import annotations

import re
from contextlib import suppress
from fractions import Fraction

LARGEST = 10**100
"""No number of a process is so large; products of two such still have a float64."""

LONGEST = 4096
"""Characters of one number."""

_EXPONENT = re.compile(r"[eE][+-]?[\d_]{4,}")
"""An exponent of so many digits would fill the memory as an exact number: ten bytes ask for gigabytes."""


def exact_number(value: int | str | Fraction) -> Fraction | None:
    """The number that `3/4`, `0.25`, `1e-3` or an integer says; None for what is no number, is too long, or has an exponent of
    four digits or more.

    >>> exact_number("3/4"), exact_number(2), exact_number("1e999999999"), exact_number("relu")
    (Fraction(3, 4), Fraction(2, 1), None, None)
    """
    if isinstance(value, str) and (len(value) > LONGEST or _EXPONENT.search(value)):
        return None
    with suppress(ValueError, ZeroDivisionError):
        return Fraction(value)
    return None
