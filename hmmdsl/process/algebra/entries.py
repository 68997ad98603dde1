"""Sums of sparse matrices and of distributions, exact where their terms are."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TypeVar

from hmmdsl.process.algebra.failure import AlgebraError, ClashError
from hmmdsl.process.process import Process, Scalar

Place = TypeVar("Place", bound=Hashable)

TOLERANCE = 1e-12
"""How far floats that should sum to one may miss it."""

STATIONARY = 1e-9
"""How far pi T may miss pi, in any state, where there are floats."""


def nothing() -> Scalar:
    """Exact zero: added to a float it gives a float."""
    return Fraction(0)


def add(total: dict[Place, Scalar], place: Place, value: Scalar) -> None:
    """Add to one entry of a sparse sum; zeros take no place."""
    if value:
        total[place] = total[place] + value if place in total else value


def row_sums(process: Process) -> list[list[Scalar]]:
    """Pr(token x | state i), as `[x][i]`."""
    sums = [[nothing() for _ in process.states] for _ in process.tokens]
    for x, entries in enumerate(process.operators):
        for (i, _), value in entries.items():
            sums[x][i] = sums[x][i] + value
    return sums


def one_step(start: Sequence[Scalar], transitions: Mapping[tuple[int, int], Scalar]) -> list[Scalar]:
    """pi T for a distribution pi over states."""
    after = [nothing() for _ in start]
    for (i, j), value in transitions.items():
        if start[i]:
            after[j] = after[j] + start[i] * value
    return after


def is_stationary(process: Process) -> bool:
    """Whether the start is a fixed point, pi T = pi: exactly for fractions, to 1e-9 where there are floats."""
    if process.factored:
        return all(is_stationary(factor) for factor in process.factors)
    after = one_step(process.start, process.transitions())
    if process.exact:
        return after == list(process.start)
    return all(abs(float(a) - float(b)) <= STATIONARY for a, b in zip(after, process.start, strict=True))


def check_ordinary(what: str, *processes: Process) -> None:
    """Raise AlgebraError if one of the processes is a generalized HMM, whose dimensions are no states."""
    for process in processes:
        if process.generalized:
            raise AlgebraError(f"{what} needs hidden states, and {process.name} is a generalized HMM", "give it an `hmm`")


def right_of(process: Process) -> Sequence[Scalar]:
    """The right eigenvector: ones for an ordinary HMM."""
    return (Fraction(1),) * len(process.states) if process.right is None else process.right


def check_distribution(what: str, weights: Iterable[Scalar], cure: str) -> None:
    """Raise AlgebraError unless the weights are not negative and sum to one, exactly for fractions."""
    weights = list(weights)
    total = sum(weights, nothing())
    if any(weight < 0 for weight in weights):
        raise AlgebraError(f"{what} has a negative weight, {min(weights)}", cure)
    if total != 1 if isinstance(total, Fraction) else not abs(total - 1) <= TOLERANCE:
        raise AlgebraError(f"{what} sums to {total}, not 1", cure)


def check_probability(what: str, value: Scalar) -> None:
    """Raise AlgebraError unless the value is a probability."""
    if not 0 <= value <= 1:
        raise AlgebraError(f"{what} is {value}, which is no probability", "give a number from 0 to 1")


def check_distinct(what: str, names: Sequence[str]) -> None:
    """Raise ClashError if a name stands twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ClashError(f"{what} `{name}` would be there twice", "rename a component or a state")
        seen.add(name)
