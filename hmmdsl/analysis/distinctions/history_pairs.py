"""Pairs of histories that are alike in one way and differ in another: all of them, or a sample by their weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float64, Int64

MOST_PAIRS = 1_000_000
"""Beyond this, a random sample of so many pairs is compared."""

CHUNK = 1 << 16
"""Pairs whose distances are computed at a time."""


@dataclass(frozen=True)
class Pairs:
    """Unordered pairs by the index of each history. `weight` sums to 1; `complete` says whether these are all pairs there are."""

    left: Int64[np.ndarray, " pair"]
    right: Int64[np.ndarray, " pair"]
    weight: Float64[np.ndarray, " pair"]
    complete: bool

    def __len__(self) -> int:
        return len(self.left)

    def distances(self, points: Float[np.ndarray, "history width"]) -> Float64[np.ndarray, " pair"]:
        """Euclidean distance of each pair."""
        found = np.empty(len(self))
        for start in range(0, len(self), CHUNK):
            here = slice(start, start + CHUNK)
            found[here] = np.linalg.norm(points[self.left[here]] - points[self.right[here]], axis=1)
        return found

    def mean(self, values: Float64[np.ndarray, " pair"] | Bool[np.ndarray, " pair"]) -> float | None:
        """The weighted mean; None without pairs."""
        return float(self.weight @ values) if len(self) else None

    def standard_error(self, values: Float64[np.ndarray, " pair"]) -> float | None:
        """Of the mean, from comparing a sample of the pairs: they are drawn independently, each by its weight."""
        if not len(self):
            return None
        return 0.0 if self.complete else float(values.std()) / len(self) ** 0.5


def pairs_within(
    weights: Float64[np.ndarray, " history"],
    group: Int64[np.ndarray, " history"],
    inner: Int64[np.ndarray, " history"],
    most: int,
    random: np.random.Generator,
) -> Pairs:
    """Pairs of histories of one `group` that differ in `inner`, weighted by the product of their weights; where there are more
    than `most`, so many are drawn by that weight.

    Sorted by group, then by inner, each history's group is an interval [a, b), and those it is not paired with are [c, d) in it.
    """
    order = np.lexsort((inner, group))
    new_group = np.flatnonzero(np.diff(group[order], prepend=-1))
    changes = (np.diff(group[order], prepend=-1) != 0) | (np.diff(inner[order], prepend=-1) != 0)
    a, b = _intervals(new_group, len(order))
    c, d = _intervals(np.flatnonzero(changes), len(order))
    following = b - d
    total = int(following.sum())
    share = weights[order]
    if total <= most:
        i = np.repeat(np.arange(len(order)), following)
        j = np.arange(total) - np.repeat(np.cumsum(following) - following, following) + np.repeat(d, following)
        weight = share[i] * share[j]
        return Pairs(order[i], order[j], weight / weight.sum() if total else weight, True)
    cumulative = np.concatenate([[0.0], np.cumsum(share)])
    excluded = cumulative[d] - cumulative[c]
    partners = cumulative[b] - cumulative[a] - excluded
    partners[b - a == d - c] = 0.0  # nothing but rounding is left
    first = share * partners
    i = random.choice(len(order), most, p=first / first.sum())
    x = cumulative[a[i]] + random.random(most) * partners[i]
    x += np.where(x >= cumulative[c[i]], excluded[i], 0.0)
    j = np.clip(np.searchsorted(cumulative, x, side="right") - 1, a[i], b[i] - 1)
    kept = (j < c[i]) | (j >= d[i])  # rounding may put a draw on the wrong side of a border
    i, j = i[kept], j[kept]
    return Pairs(order[i], order[j], np.full(len(i), 1 / len(i)), False)


def _intervals(starts: Int64[np.ndarray, " interval"], length: int) -> tuple[np.ndarray, np.ndarray]:
    """For each element the bounds of the interval that it stands in."""
    ends = np.append(starts[1:], length)
    size = ends - starts
    return np.repeat(starts, size), np.repeat(ends, size)
