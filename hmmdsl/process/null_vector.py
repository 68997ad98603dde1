"""The null vector of a sparse integer matrix, exactly: what a stationary distribution is up to its sum.

Sparse elimination modulo a prime, lifted p-adically (Dixon 1982), read off as fractions (Wang 1981), and then proven by
putting the solution into the equations. Numbers stay small until the end, where fractions would swell in every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush
from math import gcd

from hmmdsl.process.allowance import spend_theory

PRIMES = (2**521 - 1, 2**607 - 1, 2**1279 - 1)
"""Mersenne primes: one that divides a determinant by accident is followed by the next. Products of such numbers cost little more
than those of small ones, and lifting takes few steps."""

LARGEST_BITS = 4096
"""Exact weights have at most so many bits; beyond, float64."""

LARGEST_WORK = 600_000
"""Most multiplications that one exact elimination may take (a fraction of a second)."""

LIFTING_WORK = 2_000_000
"""Most multiplications that lifting may take, all its steps together (about a second)."""


def positive_null_vector(equations: list[dict[int, int]]) -> list[int] | None:
    """Positive integers y with `sum_i equations[j][i] y[i] = 0` for each j, for n equations in n unknowns of rank n - 1
    whose null vector is positive (as that of an irreducible chain is). None where it would go beyond the budget."""
    for prime in PRIMES:
        try:
            return _lift(equations, len(equations), prime)
        except _AccidentError:
            continue
        except _BudgetError:
            return None
    return None


class _AccidentError(Exception):
    """A pivot is zero modulo the prime."""


class _BudgetError(Exception):
    """There would be too much to do, or numbers too long."""


def _lift(equations: list[dict[int, int]], n: int, prime: int) -> list[int]:
    """Positive integers y, proportional to the null vector of the equations, by Dixon's lifting. Raises _BudgetError and
    _AccidentError."""
    pivots, fixed = _eliminate(equations, n, prime)
    # y[fixed] = 1, the equations of the pivots determine the rest, and the one equation left follows from the others.
    used = [row for row, *_ in pivots]
    matrix = {row: {i: value for i, value in equations[row].items() if i != fixed} for row in used}
    residual = {row: -equations[row].get(fixed, 0) for row in used}
    unknowns = [i for i in range(n) if i != fixed]
    value = dict.fromkeys(unknowns, 0)
    power = 1
    attempt = 2
    step = 0
    once = sum(len(others) + len(eliminated) for _, _, others, eliminated in pivots) + sum(map(len, matrix.values()))
    while power.bit_length() <= 2 * LARGEST_BITS + 64 and step * once <= LIFTING_WORK:
        digit = _solve(pivots, residual, prime)
        for i in unknowns:
            value[i] += digit[i] * power
        for row, entries in matrix.items():
            residual[row] = (residual[row] - sum(a * digit[i] for i, a in entries.items())) // prime
        power *= prime
        step += 1
        spend_theory(3 * once)
        if step == attempt or not any(residual.values()):
            attempt += max(2, attempt // 2)
            found = _common_fractions([value[i] for i in unknowns], power)
            if found is not None:
                denominator, numerators = found
                y = [0] * n
                y[fixed] = denominator
                for i, numerator in zip(unknowns, numerators, strict=True):
                    y[i] = numerator
                if all(sum(a * y[i] for i, a in equation.items()) == 0 for equation in equations) and min(y) > 0:
                    return y
    raise _BudgetError


Pivot = tuple[int, int, list[tuple[int, int]], list[tuple[int, int]]]
"""Place of a pivot on the diagonal, its inverse, the other entries (column, value) of its row, and the rows that it was taken
from (row, factor)."""


def _eliminate(equations: list[dict[int, int]], n: int, prime: int) -> tuple[list[Pivot], int]:
    """Gaussian elimination modulo a prime on the sparse equations, fewest neighbours first; the column that is left is fixed.

    Raises _AccidentError where a pivot vanishes modulo the prime, _BudgetError where the work goes beyond the budget. Pivots are
    on the diagonal: eliminating the states of an irreducible chain meets no zero there but by accident of the prime.
    """
    rows = [{i: value % prime for i, value in equation.items() if value % prime} for equation in equations]
    columns: list[set[int]] = [set() for _ in range(n)]
    for j, row in enumerate(rows):
        for i in row:
            columns[i].add(j)
    alive = set(range(n))
    pivots: list[Pivot] = []
    work = 0

    def neighbours(k: int) -> int:
        return (len(rows[k]) - 1) * (len(columns[k]) - 1)

    order = FewestFirst(n, neighbours)
    while len(alive) > 1:
        k = order.next()
        if len(rows[k]) == len(columns[k]) == len(alive) and len(alive) ** 3 // 3 > LARGEST_WORK - work:
            raise _BudgetError
        pivot = rows[k].get(k, 0)
        if not pivot:
            raise _AccidentError
        inverse = pow(pivot, -1, prime)
        others = [(i, value) for i, value in rows[k].items() if i != k]
        eliminated: list[tuple[int, int]] = []
        for j in sorted(columns[k]):
            if j == k:
                continue
            row = rows[j]
            factor = row.pop(k) * inverse % prime
            eliminated.append((j, factor))
            for i, value in others:
                if i in row:
                    fresh = (row[i] - factor * value) % prime
                    if fresh:
                        row[i] = fresh
                    else:
                        del row[i]
                        columns[i].discard(j)
                else:
                    row[i] = -factor * value % prime
                    columns[i].add(j)
        work += len(others) * len(eliminated)
        spend_theory(2 * len(others) * len(eliminated))
        if work > LARGEST_WORK:
            raise _BudgetError
        for i, _ in others:
            columns[i].discard(k)
        columns[k] = set()
        alive.discard(k)
        pivots.append((k, inverse, others, eliminated))
        order.touched({i for i, _ in others} | {j for j, _ in eliminated})
    return pivots, alive.pop()


class FewestFirst:
    """Numbers 0 … n - 1 in the order of elimination: always one of those with the least cost now, the smallest of them.

    Costs change as elimination goes on; whatever was `touched` is entered anew, and old entries are passed over.
    """

    def __init__(self, n: int, cost: Callable[[int], int]) -> None:
        self.cost = cost
        self.heap = [(cost(k), k) for k in range(n)]
        self.done = [False] * n
        heapify(self.heap)

    def next(self) -> int:
        """Take the next number out."""
        while True:
            cost, k = heappop(self.heap)
            if not self.done[k] and cost == self.cost(k):
                self.done[k] = True
                return k

    def touched(self, changed: Iterable[int]) -> None:
        """The costs of these may have changed."""
        for k in changed:
            if not self.done[k]:
                heappush(self.heap, (self.cost(k), k))


def _solve(pivots: list[Pivot], right: dict[int, int], prime: int) -> dict[int, int]:
    """Forward and back substitution modulo the prime with a finished elimination."""
    b = {row: value % prime for row, value in right.items()}
    for row, _, _, eliminated in pivots:
        value = b[row]
        if value:
            for j, factor in eliminated:
                if j in b:
                    b[j] = (b[j] - factor * value) % prime
    x: dict[int, int] = {}
    for k, inverse, others, _ in reversed(pivots):
        # The fixed column is missing from x: its share stands on the right-hand side already.
        x[k] = (b[k] - sum(value * x[i] for i, value in others if i in x)) * inverse % prime
    return x


def _common_fractions(residues: list[int], modulus: int) -> tuple[int, list[int]] | None:
    """Small numerators over one denominator that agree with the residues (rational reconstruction, Wang 1981)."""
    denominator = 1
    bound = modulus.bit_length() // 2
    for residue in residues:
        scaled = residue * denominator % modulus
        if min(scaled, modulus - scaled).bit_length() < bound - 8:
            continue
        a, b, u, v = modulus, scaled, 0, 1
        while b.bit_length() > bound - 4:
            a, b, u, v = b, a % b, v, u - a // b * v
        if not v or abs(v).bit_length() > bound:
            return None
        denominator *= abs(v)
        if denominator.bit_length() > min(bound + 8, LARGEST_BITS):
            return None
    numerators = []
    for residue in residues:
        scaled = residue * denominator % modulus
        numerators.append(scaled - modulus if 2 * scaled > modulus else scaled)
    common = gcd(denominator, *numerators)
    return denominator // common, [numerator // common for numerator in numerators]
