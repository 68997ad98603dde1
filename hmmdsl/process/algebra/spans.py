"""Spaces of row vectors, exactly: over the rationals, or over the integers modulo a prime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

Number: TypeAlias = int | Fraction

Vector: TypeAlias = Mapping[int, Number]
"""The entries of a vector that are not zero."""

Rows: TypeAlias = Mapping[int, Sequence[tuple[int, Number]]]
"""A sparse matrix by rows: (column, value)."""


def effort(value: Number) -> int:
    """About how long it takes to come by such a number, in multiples of a small one: products are linear in its length, and
    greatest common divisors quadratic."""
    bits = value.numerator.bit_length() + value.denominator.bit_length()
    return 1 + bits // 64 + (bits // 512) ** 2


class WorkError(Exception):
    """A space took more products than were allowed."""


class Span:
    """A space by its reduced echelon basis, which is unique: each basis vector is 1 at its pivot, where the others are 0. So a
    vector of the space has its coordinates at the pivots. Entries are ratios of minors, which keeps them short. At most `work`
    products of small numbers are taken, or as much work on long ones; then WorkError is raised."""

    def __init__(self, prime: int | None, work: int) -> None:
        self.prime = prime
        self.work = work
        self.basis: dict[int, dict[int, Number]] = {}

    def __len__(self) -> int:
        return len(self.basis)

    def add(self, vector: Vector) -> dict[int, Number] | None:
        """Take a vector in. Its part outside the space, scaled to 1 at its pivot; None if there is none."""
        rest = self._plain(vector.items())
        for pivot in [i for i in rest if i in self.basis]:
            self._subtract(rest, rest[pivot], self.basis[pivot])
        if not rest:
            return None
        pivot = min(rest)
        inverse = Fraction(1) / rest[pivot] if self.prime is None else pow(int(rest[pivot]), -1, self.prime)
        rest = self._plain((i, value * inverse) for i, value in rest.items())
        for known in self.basis.values():
            if pivot in known:
                self._subtract(known, known[pivot], rest)
        self.basis[pivot] = rest
        return dict(rest)

    def spend(self, work: int) -> None:
        """Count some work. Raises WorkError if that was too much."""
        self.work -= work
        if self.work < 0:
            raise WorkError

    def _plain(self, entries: Iterable[tuple[int, Number]]) -> dict[int, Number]:
        if self.prime is None:
            return {i: value for i, value in entries if value}
        return {i: left for i, value in entries if (left := value % self.prime)}

    def _subtract(self, vector: dict[int, Number], factor: Number, other: Vector) -> None:
        for i, value in other.items():
            fresh = vector.get(i, 0) - factor * value
            if self.prime is not None:
                fresh %= self.prime
                self.spend(1)
            else:
                self.spend(effort(fresh))
            if fresh:
                vector[i] = fresh
            else:
                vector.pop(i, None)


def image(vector: Vector, matrix: Rows) -> dict[int, Number]:
    """The row vector times the matrix."""
    after: dict[int, Number] = {}
    for i, weight in vector.items():
        for j, value in matrix.get(i, ()):
            after[j] = after.get(j, 0) + weight * value
    return after


def closure(first: Vector, matrices: Sequence[Rows], prime: int | None, work: int) -> Span:
    """The smallest space that has this row vector and that every matrix maps into itself. Raises WorkError beyond `work`."""
    span = Span(prime, work)
    if prime is not None:
        matrices = [{i: [(j, value % prime) for j, value in row] for i, row in matrix.items()} for matrix in matrices]
    waiting: list[Vector] = [first]
    while waiting:
        fresh = span.add(waiting.pop())
        if fresh is not None:
            largest = 1 if prime is not None else max(effort(value) for value in fresh.values())
            span.spend(largest * sum(len(matrix.get(i, ())) for matrix in matrices for i in fresh))
            waiting += [image(fresh, matrix) for matrix in matrices]
    return span


def rank_between(left: Span, right: Span, work: int) -> int:
    """The rank of the matrix of all products of a vector of the one space with a vector of the other. Raises WorkError beyond
    `work`."""
    table = Span(left.prime, work)
    for u in left.basis.values():
        products: dict[int, Number] = {}
        for k, v in right.basis.items():
            shorter, longer = (u, v) if len(u) <= len(v) else (v, u)
            products[k] = sum(value * longer[i] for i, value in shorter.items() if i in longer)
            table.spend((1 if left.prime is not None else effort(products[k])) * len(shorter))
        table.add(products)
    return len(table)
