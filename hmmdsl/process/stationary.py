"""The long-run structure of a chain: closed classes, periods, the stationary distribution.

Pure python, exact where the chain is: checking a spec needs no numpy. Chains are given by the non-zero entries of T,
`transitions[i, j] = Pr(j | i)`, over the states 0, …, n - 1.

The exact solution is found modulo a prime by sparse elimination, lifted p-adically (Dixon 1982), read off as fractions, and then
proven by putting it into pi T = pi. Beyond the budget, or if an entry is a float, it is found in float64 (`censored.py`). Budgets
count operations and digits, never seconds: the same chain is solved the same way everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import gcd, isfinite, lcm

from hmmdsl.process.censored import UnsolvedError, stationary_weights
from hmmdsl.process.null_vector import LARGEST_BITS, positive_null_vector
from hmmdsl.process.process import Scalar

Transitions = Mapping[tuple[int, int], Scalar]

SMALLEST_FLOAT = 1e-300
"""A positive fraction too small for float64 is rounded up to this, so that no way is cut off."""


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

    Raises ValueError unless exactly one class of states is closed (then the solution is unique, periodic or not), and
    UnsolvedError if float64 cannot hold the solution, or it is not found within the budget.
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
        weights = stationary_weights([{j: max(float(value), SMALLEST_FLOAT) for j, value in row.items()} for row in rows])
        if not all(isfinite(weight) for weight in weights):
            raise UnsolvedError("the chain's probabilities differ too much for float64; give a start, or fewer digits")
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
    solution = positive_null_vector(equations)
    if solution is None:
        return None
    weights = [scale[i] * y for i, y in enumerate(solution)]
    total = sum(weights)
    return [Fraction(weight, total) for weight in weights]
