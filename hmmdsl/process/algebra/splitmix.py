"""A stream of random integers that is the same on every platform and in every version of python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

_MASK = (1 << 64) - 1


class SplitMix64:
    """Steele, Lea & Flood 2014: a counter, mixed. Enough for choosing examples; not for secrets."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def bits(self) -> int:
        """64 random bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
        return z ^ (z >> 31)

    def below(self, n: int) -> int:
        """An integer from 0 to n - 1, each equally likely; beyond 2^64 from as many draws of 64 bits as it takes."""
        words = max(1, -(-(n - 1).bit_length() // 64))
        reach = 1 << 64 * words
        accepted = reach - reach % n
        while True:
            drawn = self.bits()
            for _ in range(1, words):
                drawn = drawn << 64 | self.bits()
            if drawn < accepted:
                return drawn % n

    def choose(self, items: Sequence[Item], count: int) -> list[Item]:
        """So many different items, in random order."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(count)]

    def subset(self, n: int, count: int) -> list[int]:
        """So many different integers from 0 to n - 1, in order (Floyd's algorithm: no list of n)."""
        chosen: set[int] = set()
        for last in range(n - count, n):
            drawn = self.below(last + 1)
            chosen.add(last if drawn in chosen else drawn)
        return sorted(chosen)
