"""Exact beliefs: vectors of integers without a common factor, so that equality is a theorem. No floats, no numpy."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import gcd, lcm

from hmmdsl.process.allowance import spend_theory
from hmmdsl.process.process import Process

LARGEST_BITS = 4096
"""An exact belief whose integers are longer is not followed."""


def right_vector(process: Process) -> tuple[Fraction, ...]:
    """The exact right eigenvector: ones, unless the process is generalized."""
    if process.right is None:
        return (Fraction(1),) * len(process.states)
    return tuple(Fraction(value) for value in process.right)


class BeliefBudgetError(Exception):
    """A belief's integers are too long, or there was too much to do."""


class ExactBeliefs:
    """Beliefs as sorted (state, integer) pairs without a common factor."""

    def __init__(self, process: Process, work: int) -> None:
        self.process = process
        self.work = work
        right = right_vector(process)
        self.scale = lcm(*(value.denominator for value in right))
        self.right = [int(value * self.scale) for value in right]
        every = [
            (x, i, j, value if isinstance(value, Fraction) else Fraction(value))
            for x, of_token in enumerate(process.operators)
            for (i, j), value in of_token.items()
            if value
        ]
        self.denominator = lcm(*{value.denominator for *_, value in every})
        self.rows: list[list[tuple[int, int, int]]] = [[] for _ in process.states]
        for x, i, j, value in every:
            self.rows[i].append((x, j, value.numerator * (self.denominator // value.denominator)))
        self.known: dict[tuple[tuple[int, int], ...], int] = {}
        self.all: list[tuple[tuple[int, int], ...]] = []

    def _number(self, weights: dict[int, int]) -> int:
        divisor = gcd(*weights.values())
        key = tuple((j, weights[j] // divisor) for j in sorted(weights))
        found = self.known.get(key)
        if found is None:
            if max(abs(value) for _, value in key).bit_length() > LARGEST_BITS:
                raise BeliefBudgetError
            found = self.known[key] = len(self.all)
            self.all.append(key)
        return found

    def start(self) -> int:
        weights = [Fraction(value) for value in self.process.start]
        scale = lcm(*(weight.denominator for weight in weights))
        return self._number({i: int(weight * scale) for i, weight in enumerate(weights) if weight})

    def step(self, belief: int) -> Iterator[tuple[int, int, float]]:
        weights = self.all[belief]
        total = sum(value * self.right[i] for i, value in weights) * self.denominator
        size = 1 + max(abs(value) for _, value in weights).bit_length() // 64
        steps = size * sum(len(self.rows[i]) for i, _ in weights)
        self.work -= steps
        spend_theory(steps / 10)
        if self.work < 0:
            raise BeliefBudgetError
        of_token: dict[int, dict[int, int]] = {}
        for i, weight in weights:
            for x, j, value in self.rows[i]:
                after = of_token.setdefault(x, {})
                after[j] = after.get(j, 0) + weight * value
        for x, after in sorted(of_token.items()):
            # Entries of both signs may cancel in a generalized HMM; what cannot occur has probability zero, exactly.
            mass = sum(value * self.right[j] for j, value in after.items())
            if mass > 0:
                yield x, self._number({j: value for j, value in after.items() if value}), mass / total

    def __len__(self) -> int:
        return len(self.all)
