"""What an observer of an exact process can come to expect: a predictive state for each class of words with the same future.

The states are vectors of integers without a common factor, in coordinates of the futures, so that equality is a theorem: two
words lead to one state if and only if they predict the same. Reading token x in state a leads to a M[x], with probability
sum(a M[x]) / sum(a).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from hmmdsl.process.algebra.canonical import Predictive
from hmmdsl.process.algebra.spans import effort
from hmmdsl.process.algebra.splitmix import SplitMix64

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
