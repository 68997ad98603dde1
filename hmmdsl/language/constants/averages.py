"""The mean, the median and the standard deviation, of constants and in claims: exact where the numbers are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction


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
