"""A quantity in bits with what is known of its error, and how its digits are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import floor, log10
from typing import Any

from hmmdsl.process.notation import plus_minus

EXACT_ERROR = 1e-12
"""Bounds this close, in bits, determine a value."""


NUMERICAL_ERROR = 1e-11
"""What taking floats for equal may change of a quantity in bits, where all of them differ by rounding alone."""

MERGED_STATES = "numerical: equal but for rounding"
"""What is said of a number of states that floats tell apart."""

SHOWN = 1e-8
"""Bounds closer than this are not written out beside a value."""


@dataclass(frozen=True)
class Measure:
    """A quantity in bits, or None with the reason. Where `exact` there is only rounding error, else it is an estimate that
    is off by about `error_bits`. `lower_bits` and `upper_bits` are proven bounds up to rounding, None where there is none.
    `numerical` says that the process has floats, which were compared within a tolerance: then nothing is exact."""

    bits: float | None
    exact: bool = True
    error_bits: float = 0.0
    reason: str = ""
    lower_bits: float | None = None
    upper_bits: float | None = None
    numerical: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain data; null where unknown, with the reason."""
        return {
            "bits": self.bits,
            "exact": self.exact,
            "error_bits": self.error_bits,
            "lower_bits": self.lower_bits,
            "upper_bits": self.upper_bits,
            "numerical": self.numerical,
            "reason": self.reason,
        }

    @property
    def digits(self) -> str:
        """The value with the digits that are known. Raises ValueError where there is none."""
        if self.bits is None:
            raise ValueError(f"there is no value: {self.reason or 'undefined'}")
        return known_digits(self.bits, 0.0 if self.exact else self.error_bits)

    @property
    def error_text(self) -> str:
        """How far the value may be off, and how that is known; nothing where it is exact."""
        if self.bits is None or self.exact or not self.error_bits:
            return ""
        if self.numerical and self.error_bits < SHOWN:
            return "numerical"
        how = "within bounds" if self.proven else "estimated"
        return f"{plus_minus(self.error_bits)} ({how}{', numerical' if self.numerical else ''})"

    @property
    def proven(self) -> bool:
        """Whether the error is that of proven bounds."""
        if self.lower_bits is None or self.upper_bits is None:
            return self.exact
        return self.error_bits >= (self.upper_bits - self.lower_bits) / 2 * (1 - 1e-9)

    @property
    def bounds_text(self) -> str:
        """The proven bounds where they say more than the error; nothing where the value is exact."""
        if self.exact and self.bits is not None:
            return ""
        if self.bits is None and self.upper_bits is None and (self.lower_bits or 0.0) > SHOWN:
            return f"at least {_bound(self.lower_bits or 0.0, 1e-6, ROUND_FLOOR)}"
        if self.lower_bits is None or self.upper_bits is None or (self.bits is not None and self.proven):
            return ""
        if self.bits is not None and self.upper_bits - self.lower_bits < SHOWN:
            return ""
        error = max(self.upper_bits - self.lower_bits, SHOWN) / 10
        return f"between {_bound(self.lower_bits, error, ROUND_FLOOR)} and {_bound(self.upper_bits, error, ROUND_CEILING)}"

    @property
    def reason_text(self) -> str:
        """Why there is no value, and that floats say so where they do."""
        return f"{self.reason} (numerical)" if self.reason and self.numerical else self.reason

    @property
    def text(self) -> str:
        """The value with the digits that are known, its unit, error and bounds; the reason where there is no value."""
        if self.bits is None:
            return ", ".join(filter(None, [self.reason_text or "undefined", self.bounds_text]))
        return ", ".join(filter(None, [f"{self.digits} bits", self.error_text, self.bounds_text]))


def _bound(value: float, error: float, rounding: str) -> str:
    """A bound with as many digits, rounded outwards: what is written is a bound too."""
    digits = known_digits(value, error)
    places = len(digits.partition(".")[2])
    return f"{Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), rounding=rounding):f}"


def known_digits(value: float, error: float, most: int = 9) -> str:
    """The value up to the first digit that the error leaves open, with no more than `most` decimals.

    >>> known_digits(1.380439, 0.04), known_digits(-0.77463891, 3e-4), known_digits(2 / 3, 0), known_digits(1.2, 5)
    ('1.38', '−0.7746', '0.666666667', '1')
    """
    places = most if error <= 0 else min(most, max(0, -floor(log10(error) + 1e-9)))
    text = f"{abs(value):.{places}f}"
    return f"−{text}" if value < 0 and float(text) else text


def estimated(bits: float, error_bits: float) -> Measure:
    """A value that is off by about the error; exact if that is rounding."""
    return Measure(bits, error_bits < EXACT_ERROR, error_bits)


def between(found: Measure | None, lower: float, upper: float | None, reason: str) -> Measure:
    """An estimate within proven bounds: their middle where that is better known, or where there is no estimate."""
    lower = float(lower)  # of numpy's own kind, comparisons are not plain data
    if upper is None:
        return Measure(None, reason=reason, lower_bits=lower) if found is None else replace(found, lower_bits=lower)
    upper = max(lower, float(upper))
    width = (upper - lower) / 2
    if found is None or found.bits is None or width <= found.error_bits:
        if found is None and width > 0.1 * upper:
            return Measure(None, reason=reason, lower_bits=lower, upper_bits=upper)
        return Measure((lower + upper) / 2, width < EXACT_ERROR, width, lower_bits=lower, upper_bits=upper)
    return replace(found, bits=min(max(found.bits, lower), upper), lower_bits=lower, upper_bits=upper)


def numerical(found: Measure) -> Measure:
    """The same of a process with floats: whatever it was taken for, it is not exact."""
    error = 0.0 if found.bits is None else max(found.error_bits, NUMERICAL_ERROR)
    return replace(found, exact=False, error_bits=error, numerical=True)


def at_most(found: Measure, bits: float) -> Measure:
    """The measure of what can't be more than `bits`."""
    if found.upper_bits is not None and found.upper_bits <= bits:
        return found
    if found.exact or found.bits is None or found.lower_bits is None:
        return found if found.exact else replace(found, upper_bits=bits)
    return between(found, found.lower_bits, bits, found.reason)


def mean_measure(first_bits: float, weights: Sequence[float], measures: Sequence[Measure]) -> Measure:
    """`first_bits` and the weighted mean of some measures, with their errors and bounds; without a value where one has none."""

    def mean(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return first_bits + sum(w * x for w, x in zip(weights, known, strict=True)) if len(known) == len(measures) else None

    unknown = next((measure for measure in measures if measure.bits is None), None)
    exact = all(measure.exact and measure.bits is not None for measure in measures)
    return Measure(
        mean([measure.bits for measure in measures]),
        exact or unknown is not None,
        sum(w * measure.error_bits for w, measure in zip(weights, measures, strict=True)) if unknown is None else 0.0,
        "" if unknown is None else unknown.reason,
        None if exact else mean([measure.bits if measure.exact else measure.lower_bits for measure in measures]),
        None if exact else mean([measure.bits if measure.exact else measure.upper_bits for measure in measures]),
        any(measure.numerical for measure in measures),
    )
