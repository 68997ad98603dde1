"""The long-run structure of a chain: closed classes, periods, the stationary distribution.

Pure python, exact where the chain is: checking a spec needs no numpy. Chains are given by the non-zero entries of T,
`transitions[i, j] = Pr(j | i)`, over the states 0, …, n - 1.

The exact solution is found modulo a prime by sparse elimination, lifted p-adically (Dixon 1982), read off as fractions, and then
proven by putting it into pi T = pi. Beyond the budget, or if an entry is a float, the chain is reduced state by state
(Grassmann, Taksar & Heyman 1985: no subtraction, so each weight has a small relative error). Neither iterates a power of T, so
periodic chains are no special case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import gcd, isfinite, lcm

from hmmdsl.process.process import Scalar

Transitions = Mapping[tuple[int, int], Scalar]

PRIMES = (2**61 - 1, 2**89 - 1, 2**107 - 1)
"""Mersenne primes: one that divides a determinant by accident is followed by the next."""

LARGEST_BITS = 4096
"""Exact weights have at most so many bits; beyond, float64."""

LARGEST_WORK = 600_000
"""Most multiplications that one exact elimination may take (a fraction of a second)."""

SMALLEST_FLOAT = 1e-300
"""A positive fraction too small for float64 is rounded up to this, so that no way is cut off."""

LARGEST_SPARSE = 4000
"""Chains with more transitions are reduced in float64 by dense numpy operations."""


def successors(transitions: Transitions, states: int) -> list[list[int]]:
    """The states that each state may lead to in one step, in order."""
    following: list[list[int]] = [[] for _ in range(states)]
    for (i, j), value in sorted(transitions.items()):
        if value:
            following[i].append(j)
    return following


def reachable(transitions: Transitions, from_states: Iterable[int], states: int) -> frozenset[int]:
    """The states that some of `from_states` lead to in any number of steps, themselves included."""
    following = successors(transitions, states)
    seen = set(from_states)
    waiting = list(seen)
    while waiting:
        for j in following[waiting.pop()]:
            if j not in seen:
                seen.add(j)
                waiting.append(j)
    return frozenset(seen)


def components(transitions: Transitions, states: int) -> tuple[frozenset[int], ...]:
    """The communicating classes (strongly connected components), each before those that lead to it (Tarjan 1972)."""
    following = successors(transitions, states)
    index: list[int] = [-1] * states
    low = [0] * states
    on_stack = [False] * states
    stack: list[int] = []
    found: list[frozenset[int]] = []
    counter = 0
    for root in range(states):
        if index[root] >= 0:
            continue
        path = [(root, 0)]
        while path:
            i, child = path.pop()
            if child == 0:
                index[i] = low[i] = counter
                counter += 1
                stack.append(i)
                on_stack[i] = True
            elif on_stack[following[i][child - 1]]:
                low[i] = min(low[i], low[following[i][child - 1]])
            while child < len(following[i]):
                j = following[i][child]
                child += 1
                if index[j] < 0:
                    path.append((i, child))
                    path.append((j, 0))
                    break
                if on_stack[j]:
                    low[i] = min(low[i], low[j])
            else:
                if low[i] == index[i]:
                    members: list[int] = []
                    while not members or members[-1] != i:
                        members.append(stack.pop())
                        on_stack[members[-1]] = False
                    found.append(frozenset(members))
    return tuple(found)


def closed_classes(transitions: Transitions, states: int) -> tuple[frozenset[int], ...]:
    """The communicating classes that are never left, in order of their first state. A stochastic chain has at least one; exactly
    one means that the stationary distribution is unique."""
    following = successors(transitions, states)
    closed = [members for members in components(transitions, states) if all(j in members for i in members for j in following[i])]
    return tuple(sorted(closed, key=min))


def period(transitions: Transitions, members: Iterable[int]) -> int:
    """The greatest common divisor of the lengths of all cycles within a communicating class; 1 means aperiodic, 0 that there is
    no cycle (one transient state)."""
    inside = frozenset(members)
    if not inside:
        return 0
    following: dict[int, list[int]] = {i: [] for i in inside}
    for (i, j), value in transitions.items():
        if value and i in inside and j in inside:
            following[i].append(j)
    root = min(inside)
    depth = {root: 0}
    waiting = [root]
    divisor = 0
    for i in waiting:
        for j in following[i]:
            if j not in depth:
                depth[j] = depth[i] + 1
                waiting.append(j)
            divisor = gcd(divisor, depth[i] + 1 - depth[j])
    return abs(divisor)


def stationary_distribution(transitions: Transitions, states: int) -> tuple[Scalar, ...]:
    """The solution of pi T = pi, sum pi = 1: Fractions where T is rational and the budget allows, else floats.

    Raises ValueError unless exactly one class of states is closed (then the solution is unique, periodic or not), or if
    float64 cannot hold the solution.
    """
    closed = closed_classes(transitions, states)
    if len(closed) != 1:
        raise ValueError(
            f"the chain has {len(closed)} closed classes of states, so no unique stationary distribution; give a start"
        )
    members = sorted(closed[0])
    place = {state: k for k, state in enumerate(members)}
    rows: list[dict[int, Scalar]] = [{} for _ in members]
    for (i, j), value in transitions.items():
        if value and i in place:
            rows[place[i]][place[j]] = value
    weights: list[Fraction] | list[float] | None = _exact(rows)
    if weights is None:
        weights = _reduced([{j: max(float(value), SMALLEST_FLOAT) for j, value in row.items()} for row in rows])
        if not all(isfinite(weight) for weight in weights):
            raise ValueError("the chain's probabilities differ too much for float64; give a start, or fewer digits")
    nothing: Scalar = Fraction(0) if isinstance(weights[0], Fraction) else 0.0
    return tuple(weights[place[state]] if state in place else nothing for state in range(states))


# ---------------------------------------------------------------- exact


def _exact(rows: list[dict[int, Scalar]]) -> list[Fraction] | None:
    """The stationary distribution of an irreducible chain in fractions, None if it is not rational or beyond the budget."""
    n = len(rows)
    if n == 1:
        return [Fraction(1)] if isinstance(rows[0].get(0, Fraction(1)), Fraction) else None
    exact: list[dict[int, Fraction]] = []
    for row in rows:
        if not all(isinstance(value, Fraction) for value in row.values()):
            return None
        exact.append({j: Fraction(value) for j, value in row.items()})
    scale = [lcm(*(value.denominator for value in known.values())) for known in exact]
    if max(scale).bit_length() > LARGEST_BITS:
        return None
    # y B = 0 in integers, where B = diag(scale) (T - 1) and pi_i = scale_i y_i. Equation j is column j of B.
    equations: list[dict[int, int]] = [{} for _ in range(n)]
    for i, known in enumerate(exact):
        for j, share in known.items():
            equations[j][i] = int(share * scale[i])
        equations[i][i] = equations[i].get(i, 0) - scale[i]
    for prime in PRIMES:
        solution = _lift(equations, n, prime)
        if solution is not None:
            weights = [scale[i] * y for i, y in enumerate(solution)]
            total = sum(weights)
            return [Fraction(weight, total) for weight in weights]
    return None


def _lift(equations: list[dict[int, int]], n: int, prime: int) -> list[int] | None:
    """Positive integers y, proportional to the null vector of the equations, by Dixon's lifting; None if beyond the budget."""
    steps = _eliminate(equations, n, prime)
    if steps is None:
        return None
    pivots, fixed = steps
    # y[fixed] = 1, the equations of the pivots determine the rest, and the one equation left follows from the others.
    used = [row for row, *_ in pivots]
    matrix = {row: {i: value for i, value in equations[row].items() if i != fixed} for row in used}
    residual = {row: -equations[row].get(fixed, 0) for row in used}
    unknowns = [i for i in range(n) if i != fixed]
    value = dict.fromkeys(unknowns, 0)
    power = 1
    attempt = 2
    step = 0
    while power.bit_length() <= 2 * LARGEST_BITS + 64:
        digit = _solve(pivots, residual, prime)
        for i in unknowns:
            value[i] += digit[i] * power
        for row, entries in matrix.items():
            residual[row] = (residual[row] - sum(a * digit[i] for i, a in entries.items())) // prime
        power *= prime
        step += 1
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
    return None


Pivot = tuple[int, int, list[tuple[int, int]], list[tuple[int, int]]]
"""Place of a pivot on the diagonal, its inverse, the other entries (column, value) of its row, and the rows that it was taken
from (row, factor)."""


def _eliminate(equations: list[dict[int, int]], n: int, prime: int) -> tuple[list[Pivot], int] | None:
    """Gaussian elimination modulo a prime on the sparse equations, fewest neighbours first; the column that is left is fixed.

    None where a pivot vanishes modulo the prime or the work goes beyond the budget. Pivots are on the diagonal: eliminating the
    states of an irreducible chain meets no zero there but by accident of the prime.
    """
    rows = [{i: value % prime for i, value in equation.items() if value % prime} for equation in equations]
    columns: list[set[int]] = [set() for _ in range(n)]
    for j, row in enumerate(rows):
        for i in row:
            columns[i].add(j)
    alive = set(range(n))
    pivots: list[Pivot] = []
    work = 0
    while len(alive) > 1:
        k = min(alive, key=lambda s: ((len(rows[s]) - 1) * (len(columns[s]) - 1), s))
        if len(rows[k]) == len(columns[k]) == len(alive) and len(alive) ** 3 // 3 > LARGEST_WORK - work:
            return None
        pivot = rows[k].get(k, 0)
        if not pivot:
            return None
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
        if work > LARGEST_WORK:
            return None
        for i, _ in others:
            columns[i].discard(k)
        columns[k] = set()
        alive.discard(k)
        pivots.append((k, inverse, others, eliminated))
    return pivots, alive.pop()


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


# ---------------------------------------------------------------- float64


def _reduced(rows: list[dict[int, float]]) -> list[float]:
    """State reduction of an irreducible chain in float64 (Grassmann, Taksar & Heyman 1985)."""
    n = len(rows)
    if sum(map(len, rows)) > LARGEST_SPARSE:
        return _reduced_dense(rows)
    into: list[dict[int, float]] = [{} for _ in range(n)]
    out = [dict(row) for row in rows]
    for i, row in enumerate(out):
        row.pop(i, None)
        for j, value in row.items():
            into[j][i] = value
    alive = set(range(n))
    removed: list[tuple[int, list[tuple[int, float]]]] = []
    while len(alive) > 1:
        k = min(alive, key=lambda s: (len(into[s]) * len(out[s]), s))
        leaving = sum(out[k].values())
        removed.append((k, [(i, value / leaving) for i, value in into[k].items()]))
        for i, value in into[k].items():
            share = value / leaving
            del out[i][k]
            for j, onward in out[k].items():
                if i != j:
                    out[i][j] = into[j][i] = out[i].get(j, 0.0) + share * onward
        for j in out[k]:
            into[j].pop(k, None)
        alive.discard(k)
    weights = [0.0] * n
    weights[alive.pop()] = 1.0
    for k, arriving in reversed(removed):
        weights[k] = sum(weights[i] * share for i, share in arriving)
    total = sum(weights)
    return [weight / total for weight in weights]


def _reduced_dense(rows: list[dict[int, float]]) -> list[float]:
    import numpy as np

    n = len(rows)
    P = np.zeros((n, n))
    for i, row in enumerate(rows):
        for j, value in row.items():
            P[i, j] = value
    for k in range(n - 1, 0, -1):
        P[:k, k] /= P[k, :k].sum()
        P[:k, :k] += np.outer(P[:k, k], P[k, :k])
    weights = np.zeros(n)
    weights[0] = 1.0
    for k in range(1, n):
        weights[k] = weights[:k] @ P[:k, k]
    return [float(weight) for weight in weights / weights.sum()]
