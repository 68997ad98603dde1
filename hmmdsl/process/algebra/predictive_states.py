"""What an observer of an exact process can come to expect: a predictive state for each class of words with the same future.

The states are vectors of integers without a common factor, in coordinates of the futures, so that equality is a theorem: two
words lead to one state if and only if they predict the same. Reading token x in state a leads to a M[x], with probability
sum(a M[x]) / sum(a).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate
from math import gcd, lcm
from typing import TYPE_CHECKING

from hmmdsl.process.algebra.canonical import Predictive
from hmmdsl.process.algebra.spans import effort
from hmmdsl.process.algebra.splitmix import SplitMix64

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64

LARGEST_BITS = 4096
"""A state whose integers are longer is not followed."""


@dataclass(frozen=True)
class PredictiveStates:
    """The predictive states as far as they were followed, breadth first; state 0 is that of the first word.

    transitions  (source, token, target, probability), by source, then token
    sizes        how many states there are within each depth 0, 1, …
    closed       whether every transition leads to one of them
    """

    transitions: tuple[tuple[int, int, int, Fraction], ...]
    sizes: tuple[int, ...]
    closed: bool

    def __len__(self) -> int:
        return self.sizes[-1]


def predictive_states(representation: Predictive, most_states: int, most_work: int, settle: int = 0) -> PredictiveStates:
    """Follow the states from the start, or from that of one typical word of `settle` tokens (always the same), until nothing new
    comes (closed), or until there would be more than `most_states`, more than about `most_work` products of 64-bit numbers, or
    integers of more than 4,096 bits. Whole depths are followed: one that would break a limit is left out."""
    walk = _Walk(representation, most_work)
    if settle and not walk.settle(settle):
        return PredictiveStates((), (1,), False)
    transitions: list[tuple[int, int, int, Fraction]] = []
    sizes = [1]
    first = 0
    while True:
        last = len(walk.all)
        level: list[tuple[int, int, int, Fraction]] = []
        for source in range(first, last):
            found = walk.step(source)
            if found is None or len(walk.all) > most_states:
                return PredictiveStates(tuple(transitions), tuple(sizes), False)
            level += [(source, *way) for way in found]
        transitions += level
        if len(walk.all) == last:
            return PredictiveStates(tuple(transitions), tuple(sizes), True)
        sizes.append(len(walk.all))
        first = last


LARGEST_SETTLED = 30
"""Coordinates of the largest representation for which settled states are looked for in floats."""

MOST_SETTLED = 200
"""Settled states that are followed in floats."""

SAME = 1e-9
"""Floats this close are looked at as one state, until it is seen whether they are."""

LARGEST_DENOMINATORS = (10**3, 10**6)
"""Of the coordinates that settled states are looked for among."""


def settled_states(representation: Predictive, most_states: int, most_work: int, tokens: int) -> PredictiveStates | None:
    """The states that a typical word only tends to, without ever reaching one of them; None if they are not found.

    Of finitely many states met for ever a word may leave no doubt only in the limit. So it is read in floats, and what it tends
    to is taken for fractions of small denominators. If these close, exactly, then they are such states, wherever they came from:
    their stationary mean is left fixed by T, and an ergodic process has one such vector only.
    """
    import numpy as np

    d = len(representation.pivots)
    if d > LARGEST_SETTLED:
        return None
    M = np.zeros((len(representation.operators), d, d))
    for x, rows in enumerate(representation.operators):
        for i, row in rows.items():
            for j, value in row:
                M[x, i, j] = float(value)
    M /= np.abs(M).max()
    state = np.zeros(d)
    for i, value in representation.start.items():
        state[i] = value / sum(representation.start.values())
    stream, emitted = SplitMix64(tokens), M.sum(axis=2).T
    for _ in range(tokens):
        # Few numbers: Python adds them up sooner than numpy.
        upto = list(accumulate([max(mass, 0.0) for mass in (state @ emitted).tolist()]))
        after = state @ M[bisect_right(upto, stream.bits() / 2**64 * upto[-1])]
        state = after / after.sum()
    if not _closes(state, M):
        return None
    for largest in LARGEST_DENOMINATORS:
        start = {i: Fraction(float(value)).limit_denominator(largest) for i, value in enumerate(state)}
        found = predictive_states(
            replace(representation, start={i: value for i, value in start.items() if value}), most_states, most_work
        )
        if found.closed and all(probability > 0 for *_, probability in found.transitions):
            return found
    return None


def _closes(state: Float64[np.ndarray, " d"], M: Float64[np.ndarray, "token d d"]) -> bool:
    """Whether few states follow, as floats have it."""
    import numpy as np

    known = [state]
    for at in known:
        following = at @ M
        mass = following.sum(axis=1)
        for x in np.flatnonzero(mass > SAME * mass.max()):
            after = following[x] / mass[x]
            if float(np.abs(np.array(known) - after).max(axis=1).min()) > SAME:
                known.append(after)
        if len(known) > MOST_SETTLED:
            return False
    return True


class _Walk:
    def __init__(self, representation: Predictive, work: int) -> None:
        self.work = work
        values = [value for rows in representation.operators for row in rows.values() for _, value in row]
        scale = lcm(*(Fraction(value).denominator for value in values))
        self.matrices = [
            {i: [(j, int(value * scale)) for j, value in row] for i, row in rows.items()} for rows in representation.operators
        ]
        self.longest = max(abs(value) for matrix in self.matrices for row in matrix.values() for _, value in row).bit_length()
        self.ways: dict[int, int] = {}
        for matrix in self.matrices:
            for i, entries in matrix.items():
                self.ways[i] = self.ways.get(i, 0) + len(entries)
        self.known: dict[tuple[tuple[int, int], ...], int] = {}
        self.all: list[tuple[tuple[int, int], ...]] = []
        least = lcm(*(Fraction(value).denominator for value in representation.start.values()))
        self._number({i: int(value * least) for i, value in representation.start.items()})

    def _number(self, vector: dict[int, int]) -> int:
        divisor = gcd(*vector.values())
        key = tuple((i, vector[i] // divisor) for i in sorted(vector))
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = len(self.all)
            self.all.append(key)
        return found

    def settle(self, tokens: int) -> bool:
        """Begin anew after a typical word; false if a limit was met."""
        stream = SplitMix64(tokens)
        state = 0
        for _ in range(tokens):
            found = self.step(state)
            if found is None:
                return False
            left = Fraction(stream.bits(), 1 << 64)
            for _, target, probability in found:
                state = target
                left -= probability
                if left < 0:
                    break
        last = self.all[state]
        self.known, self.all = {last: 0}, [last]
        return True

    def step(self, state: int) -> list[tuple[int, int, Fraction]] | None:
        """Token, next state and probability for each token that can come; None if a limit is met. Probabilities sum to one, so
        the scale of the matrices cancels."""
        vector = self.all[state]
        bits = max(abs(value) for _, value in vector).bit_length()
        # Dividing by the common factor takes about as long as all products, where numbers are long.
        self.work -= effort(vector[0][1] << self.longest) * (len(vector) + sum(self.ways.get(i, 0) for i, _ in vector))
        if self.work < 0 or bits > LARGEST_BITS:
            return None
        reached: list[tuple[int, dict[int, int], int]] = []
        for x, matrix in enumerate(self.matrices):
            after: dict[int, int] = {}
            for i, weight in vector:
                for j, value in matrix.get(i, ()):
                    after[j] = after.get(j, 0) + weight * value
            mass = sum(after.values())
            if mass:
                reached.append((x, {j: value for j, value in after.items() if value}, mass))
        total = sum(mass for *_, mass in reached)
        return [(x, self._number(after), Fraction(mass, total)) for x, after, mass in reached]
