"""Comparing the numbers of two runs of one experiment, each within what its kind and the machines allow."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from hmmdsl.runtime.results_file import leaves, numbers

Kind = Literal["count", "rounded", "measured"]
"""A count is an integer; other roundings change a rounded number in its last digits, and a measured one farther: what comes from
a trained network, and estimates and eigenvalues of theory."""

ROUNDED = frozenset({"optimum"})
"""Sums in float64 of positive numbers."""


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


MOST_SPREADS = 3.0
"""Elsewhere a number may move as far as another seed would move it: by so many standard deviations over seeds."""

STILL, MOST_NUMBERS = 0.5, 0.9
"""A network has not moved if most of its numbers, so large a share of them, stay within so many spreads."""


@dataclass(frozen=True)
class Spread:
    """How far other seeds move a number: `now`, and in the `wide`r of the runs that are compared. `network` tells the numbers of
    one network from those of others."""

    now: float
    wide: float
    network: str = ""


@dataclass(frozen=True)
class Tolerances:
    """By kind of number."""

    measured: Tolerance
    rounded: Tolerance

    def of(self, kind: Kind) -> Tolerance:
        """What numbers of this kind may differ by: counts by nothing."""
        return EXACT if kind == "count" else self.rounded if kind == "rounded" else self.measured


def tolerances(elsewhere: bool, relative: float | None = None, absolute: float | None = None) -> Tolerances:
    """In the same environment numbers are the same to the bit; `elsewhere` rounded numbers agree to rounding and measured ones to
    1e-3. What is given replaces the tolerances of measured numbers."""
    base = ELSEWHERE if elsewhere else EXACT
    measured = Tolerance(
        base.relative if relative is None else relative,
        base.absolute if absolute is None else absolute,
    )
    return Tolerances(measured, ROUNDING if elsewhere or measured != EXACT else EXACT)


@dataclass(frozen=True)
class Difference:
    """A number that came out otherwise; None where it is undefined or missing. `spread` is how far other seeds move it, None
    where that is not known."""

    path: str
    before: float | None
    now: float | None
    kind: Kind = "measured"
    spread: Spread | None = None

    @property
    def by(self) -> float | None:
        """How much larger it is now; None where one of the two is no number."""
        return None if self.before is None or self.now is None else self.now - self.before

    @property
    def spreads(self) -> float | None:
        """The same in spreads of now, without its sign; None where they are not known."""
        return abs(self.by) / self.spread.now if self.by is not None and self.spread is not None else None


@dataclass(frozen=True)
class Comparison:
    """All numbers of two results: how many there are, how many agree to the bit, and those beyond the tolerance. Of `spread` many
    it is known how far other seeds move them; `farthest` is how many spreads of the wider run the one that moved most did."""

    count: int
    identical: int
    beyond: tuple[Difference, ...]
    spread: int = 0
    farthest: float | None = None

    @property
    def agree(self) -> bool:
        return not self.beyond

    @property
    def farther_than_seeds(self) -> tuple[Difference, ...]:
        """Numbers that differ by more than other seeds would make them."""
        return tuple(each for each in self.beyond if each.spread is not None)


def close(before: float | None, now: float | None, tolerance: Tolerance) -> bool:
    """Whether two numbers agree within a tolerance; undefined agrees with undefined only."""
    if before is None or now is None:
        return before is now
    return math.isclose(before, now, rel_tol=tolerance.relative, abs_tol=tolerance.absolute)


def compare(before: Any, now: Any, within: Tolerances, spreads: Mapping[str, Spread] = MappingProxyType({})) -> Comparison:
    """Compare two nested results number by number; one that only one of them has is a difference.

    A number whose spread over seeds is known by its path may differ by `MOST_SPREADS` where that is more than the tolerance.
    Training that other roundings turn to another end moves all numbers of a network, and makes the spread of its run wide; so a
    number may move by that of the wider run, unless it moves alone: then by that of `now`, which is computed here.
    """
    old, new = dict(numbers(before)), dict(numbers(now))
    counts = _counts(before) & _counts(now)
    paths = list(dict.fromkeys([*old, *new]))
    kinds: dict[str, Kind] = {
        path: "count" if path in counts else "rounded" if path.rpartition(".")[2] in ROUNDED else "measured" for path in paths
    }
    found = {path: Difference(path, old.get(path), new.get(path), kinds[path], spreads.get(path)) for path in paths}
    moved: dict[str, list[float]] = {}
    for each in found.values():
        if each.spread is not None and each.spreads is not None:
            moved.setdefault(each.spread.network, []).append(each.spreads)
    for far in moved.values():
        far.sort()
    beyond = [
        each
        for path, each in found.items()
        if path not in old
        or path not in new
        or not (_as_seeds_are(each, moved) or close(each.before, each.now, within.of(each.kind)))
    ]
    identical = sum(path in old and path in new and old[path] == new[path] for path in paths)
    wide = [abs(each.by) / each.spread.wide for each in found.values() if each.spread is not None and each.by is not None]
    farthest = max(wide, default=None)
    return Comparison(len(paths), identical, tuple(beyond), sum(map(len, moved.values())), farthest)


def _as_seeds_are(each: Difference, moved: Mapping[str, list[float]]) -> bool:
    """Whether a number moved no farther than other seeds would move it; `moved` has by network how far its numbers did, in
    order."""
    if each.spread is None or each.by is None or each.spreads is None:
        return False
    if each.spreads <= MOST_SPREADS:
        return True
    network = moved[each.spread.network]
    own = bisect_left(network, each.spreads)
    others = [*network[:own], *network[own + 1 :]]
    alone = bool(others) and others[int(MOST_NUMBERS * (len(others) - 1))] <= STILL
    return not alone and abs(each.by) <= MOST_SPREADS * each.spread.wide


def _counts(results: Any) -> set[str]:
    """The paths of integers."""
    return {path for path, value in leaves(results) if isinstance(value, int) and not isinstance(value, bool)}
