"""Pairs of different causal states that the same word may have led to: what an observer still confuses.

Two states are both possible after a word w if and only if w leads there from two states. So what is known of all words of a
length is known from the pairs that so many tokens lead to, of which there are few, and not from the words, of which there are
many. A token takes a pair to another, merges it, breaks it (only one of the two can emit it), or cannot come.

For the confusion in probability, Z_L = sum over words and pairs of sqrt(Pr(w, i) Pr(w, j)) is bounded by a linear recursion over
pairs, with entries sqrt(Pr(x|i) Pr(x|j)), since a square root of a sum is at most the sum of the square roots. As Shannon's
entropy is at most Renyi's of order 1/2, log(1 + 2 sum_{i<j} sqrt(b_i b_j)),

    H[S_L | X_0:L]  <=  2 Z_L      in nats.

The recursion's spectral radius bounds the rate at which any observer synchronizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.dynamics.causal_machine import CausalMachine
from hmmdsl.process.dynamics.spectral_radius import nonnegative_radius

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64, Int64

    from hmmdsl.process.ensemble import Ensemble

MERGED, BROKEN, NEVER = -1, -2, -3

LARGEST_TABLE = 1_000_000
"""Pairs times tokens of the largest machine whose pairs are followed: a thousand states of two tokens."""

LARGEST_SOLVED = 1200
"""Most pairs for which linear systems are solved."""


@dataclass(frozen=True)
class StatePairs:
    """All unordered pairs of different states.

    first, second  the two states, first < second
    target         the pair that a token leads to, or MERGED, BROKEN, NEVER
    overlap        sqrt(Pr(x | first) Pr(x | second))
    """

    first: Int64[np.ndarray, " pair"]
    second: Int64[np.ndarray, " pair"]
    target: Int64[np.ndarray, "pair token"]
    overlap: Float64[np.ndarray, "pair token"]

    def __len__(self) -> int:
        return len(self.first)

    @cached_property
    def _sources(self) -> tuple[Int64[np.ndarray, " edge"], Int64[np.ndarray, " border"]]:
        """The pairs from which a token leads to a pair, by the pair that it leads to, and where those of each begin."""
        pair, token = np.nonzero(self.target >= 0)
        order = np.argsort(self.target[pair, token], kind="stable")
        return pair[order], np.concatenate([[0], np.cumsum(np.bincount(self.target[pair, token], minlength=len(self)))])

    def _leading_to(self, wanted: Bool[np.ndarray, " pair"]) -> Bool[np.ndarray, " pair"]:
        """The wanted pairs, and those from which some word leads to one."""
        sources, border = self._sources
        found, fresh = wanted.copy(), np.flatnonzero(wanted)
        while len(fresh):
            # All edges into the fresh pairs: each edge is looked at once.
            count = border[fresh + 1] - border[fresh]
            place = np.repeat(border[fresh] - np.concatenate([[0], np.cumsum(count)[:-1]]), count) + np.arange(count.sum())
            fresh = np.unique(sources[place])
            fresh = fresh[~found[fresh]]
            found[fresh] = True
        return found

    @cached_property
    def mergeable(self) -> Bool[np.ndarray, " pair"]:
        """Whether some word leads both states to one: then what follows never tells which of the two it was."""
        return self._leading_to((self.target == MERGED).any(axis=1))

    @cached_property
    def separable(self) -> Bool[np.ndarray, " pair"]:
        """Whether some word merges the pair or leaves only one of the two possible."""
        return self._leading_to(((self.target == MERGED) | (self.target == BROKEN)).any(axis=1))

    @property
    def exactly(self) -> bool:
        """Whether some word tells the state for certain: if and only if every pair is separable, since a set of possible states
        can then be made smaller and smaller, and since every state leads to where a synchronizing word may begin (Travers &
        Crutchfield 2011a)."""
        return bool(self.separable.all())

    def _first_length_without(self, unwanted: Bool[np.ndarray, " pair"]) -> int | None:
        """The least length after which no word leaves an unwanted pair possible; None if there is none."""
        # What n + 1 tokens lead to, n tokens lead to as well: the set of possible pairs shrinks. A pair falls out as soon as all
        # pairs that lead to it have; those on a cycle, or after one, never do.
        waiting = np.bincount(self.target[self.target >= 0], minlength=len(self))
        left, length = int(unwanted.sum()), 0
        out = np.flatnonzero(waiting == 0)
        while left:
            if not len(out):
                return None
            left, length = left - int(unwanted[out].sum()), length + 1
            reached, times = np.unique(self.target[out], return_counts=True)
            reached, times = reached[reached >= 0], times[reached >= 0]
            waiting[reached] -= times
            out = reached[waiting[reached] == 0]
        return length

    @cached_property
    def markov_order(self) -> int | None:
        """The least R such that every word of R tokens tells the state; None if it is infinite (James et al. 2014)."""
        return self._first_length_without(np.ones(len(self), dtype=bool))

    @cached_property
    def cryptic_order(self) -> int | None:
        """The least k with H[S_k | X_0:inf] = 0; None if it is infinite (Mahoney et al. 2009; James et al. 2014). A pair that can
        merge stays confused with positive probability whatever follows; one that cannot is told apart, almost surely."""
        return self._first_length_without(self.mergeable)

    @cached_property
    def recursion(self) -> Float64[np.ndarray, "pair pair"] | None:
        """The matrix of the bound, None where there are too many pairs."""
        if len(self) > LARGEST_SOLVED:
            return None
        matrix = np.zeros((len(self), len(self)))
        pair, token = np.nonzero(self.target >= 0)
        np.add.at(matrix, (pair, self.target[pair, token]), self.overlap[pair, token])
        return matrix

    @cached_property
    def rate(self) -> float | None:
        """H[S_L | X_0:L] falls at least as fast as this number to the power L: the spectral radius of the recursion. None where
        there are too many pairs, or the bound shows no fall."""
        if self.recursion is None:
            return None
        radius = nonnegative_radius(self.recursion)
        return radius if radius < 1 else None

    def sum_of_uncertainty_nats(self, ensemble: Ensemble) -> float | None:
        """A bound on the sum of H[S_L | X_0:L] from the ensemble's length L on; None where there is none."""
        if self.rate is None or self.recursion is None:
            return None
        roots = np.sqrt(ensemble.belief)
        now = (roots.T @ (ensemble.weight[:, None] * roots))[self.first, self.second]
        total = np.linalg.solve((np.eye(len(self)) - self.recursion).T, now)
        return 2 * float(total.sum())


def state_pairs(machine: CausalMachine) -> StatePairs | None:
    """All pairs of a machine's states, None where there are too many."""
    n = len(machine)
    if n * (n - 1) // 2 * len(machine.process.tokens) > LARGEST_TABLE:
        return None
    first, second = np.triu_indices(n, 1)
    number = np.full((n, n), MERGED, dtype=np.int64)
    number[first, second] = number[second, first] = np.arange(len(first))
    one, other = machine.successor[first], machine.successor[second]
    target = number[one, other]
    target[(one < 0) != (other < 0)] = BROKEN
    target[(one < 0) & (other < 0)] = NEVER
    overlap = np.sqrt(machine.emission[first] * machine.emission[second])
    return StatePairs(first, second, target, overlap)
