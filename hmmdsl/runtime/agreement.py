"""Comparing the numbers of two runs of one experiment, each within what its kind and the machines allow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from hmmdsl.runtime.results_file import leaves, numbers

Kind = Literal["count", "theory", "measured"]
"""A count is an integer; theory is computed in float64 from the process alone; everything else comes from a trained network."""

THEORY = frozenset({"optimum"})
"""Results that the process alone determines."""


@dataclass(frozen=True)
class Tolerance:
    """Two numbers agree if they differ by no more than `relative` of the larger, or than `absolute`."""

    relative: float
    absolute: float


EXACT = Tolerance(0.0, 0.0)
"""The same versions, processor and threads: the same bits."""

ROUNDING = Tolerance(1e-9, 1e-12)
"""Float64 sums in another order."""

ELSEWHERE = Tolerance(1e-3, 1e-6)
"""Training in float32 on another processor, whose roundings grow with the steps."""


@dataclass(frozen=True)
class Tolerances:
    """By kind of number."""

    measured: Tolerance
    theory: Tolerance

    def of(self, kind: Kind) -> Tolerance:
        """What numbers of this kind may differ by: counts by nothing."""
        return EXACT if kind == "count" else self.theory if kind == "theory" else self.measured


def tolerances(elsewhere: bool, relative: float | None = None, absolute: float | None = None) -> Tolerances:
    """In the same environment numbers are the same to the bit; `elsewhere` theory agrees to rounding and measured numbers to
    1e-3. What is given replaces the tolerances of measured numbers."""
    base = ELSEWHERE if elsewhere else EXACT
    measured = Tolerance(
        base.relative if relative is None else relative,
        base.absolute if absolute is None else absolute,
    )
    return Tolerances(measured, ROUNDING if elsewhere or measured != EXACT else EXACT)


@dataclass(frozen=True)
class Difference:
    """A number that came out otherwise; None where it is undefined or missing."""

    path: str
    before: float | None
    now: float | None
    kind: Kind = "measured"

    @property
    def by(self) -> float | None:
        """How much larger it is now; None where one of the two is no number."""
        return None if self.before is None or self.now is None else self.now - self.before


@dataclass(frozen=True)
class Comparison:
    """All numbers of two results: how many there are, how many agree to the bit, and those beyond the tolerance."""

    count: int
    identical: int
    beyond: tuple[Difference, ...]

    @property
    def agree(self) -> bool:
        return not self.beyond


def close(before: float | None, now: float | None, tolerance: Tolerance) -> bool:
    """Whether two numbers agree within a tolerance; undefined agrees with undefined only."""
    if before is None or now is None:
        return before is now
    return math.isclose(before, now, rel_tol=tolerance.relative, abs_tol=tolerance.absolute)


def compare(before: Any, now: Any, within: Tolerances) -> Comparison:
    """Compare two nested results number by number; one that only one of them has is a difference."""
    old, new = dict(numbers(before)), dict(numbers(now))
    counts = _counts(before) & _counts(now)
    paths = list(dict.fromkeys([*old, *new]))
    beyond = []
    for path in paths:
        kind: Kind = "count" if path in counts else "theory" if path.rpartition(".")[2] in THEORY else "measured"
        if path not in old or path not in new or not close(old[path], new[path], within.of(kind)):
            beyond.append(Difference(path, old.get(path), new.get(path), kind))
    identical = sum(path in old and path in new and old[path] == new[path] for path in paths)
    return Comparison(len(paths), identical, tuple(beyond))


def _counts(results: Any) -> set[str]:
    """The paths of integers."""
    return {path for path, value in leaves(results) if isinstance(value, int) and not isinstance(value, bool)}
