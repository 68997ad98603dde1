"""The mean over repeated runs with its confidence interval: the seed is the unit of inference.

A run's histories share one network, so that they say little of what other seeds would give. Runs of different seeds are
independent; their mean has Student's interval (Student 1908)

    mean ± t_{n-1, (1 + level) / 2} · s / √n,

s the sample's standard deviation with n - 1. Trained and untrained networks are paired by their initialization: the interval of
their difference is that of the n differences, one for each seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

LEVEL = 0.95
"""The confidence level of every interval."""

_HALVINGS = 60
"""Bisections of an angle: as many as float64 can tell apart."""


@dataclass(frozen=True)
class Interval:
    """The mean of `count` runs and the ends of its confidence interval; they are None where there is but one run."""

    count: int
    mean: float
    sd: float | None
    lower: float | None
    upper: float | None


def interval(values: Sequence[float], level: float = LEVEL) -> Interval:
    """Student's interval of the mean of independent runs. Raises ValueError where there is none."""
    count = len(values)
    if not count:
        raise ValueError("the mean of nothing is undefined")
    mean = math.fsum(values) / count
    if count < 2:
        return Interval(count, mean, None, None, None)
    sd = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    half = student_quantile((1 + level) / 2, count - 1) * sd / math.sqrt(count)
    return Interval(count, mean, sd, mean - half, mean + half)


def paired(first: Sequence[float | None], second: Sequence[float | None], level: float = LEVEL) -> Interval | None:
    """The interval of the mean of `first - second`, pair by pair; pairs of which one is missing are left out. None where no pair
    is left."""
    differences = [a - b for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    return interval(differences, level) if differences else None


@cache
def student_quantile(probability: float, freedom: int) -> float:
    """The quantile of Student's t distribution at `probability`, between 1/2 and 1, with `freedom` degrees of freedom.

    Found by bisection of the distribution function (Abramowitz & Stegun 1964, 26.7.3 and 26.7.4), which is a finite sum in the
    angle arctan(t / √freedom).

    >>> round(student_quantile(0.975, 4), 4)
    2.7764
    """
    if not 0.5 <= probability < 1 or freedom < 1:
        raise ValueError(f"no quantile at {probability} with {freedom} degrees of freedom")
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if (1 + _within(middle, freedom)) / 2 < probability:
            low = middle
        else:
            high = middle
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def _within(angle: float, freedom: int) -> float:
    """Pr(|t| <= √freedom · tan(angle)): the sum of Abramowitz & Stegun, its terms each made of the one before."""
    odd = freedom % 2 == 1
    cosine, term, total = math.cos(angle), 1.0, 0.0
    if odd:
        term = cosine
    for k in range(freedom // 2):
        total += term
        term *= cosine**2 * ((2 * k + 2) / (2 * k + 3) if odd else (2 * k + 1) / (2 * k + 2))
    return 2 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total
