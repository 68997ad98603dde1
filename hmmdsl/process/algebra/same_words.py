"""Whether two processes are one: every word has the same probability in both.

Side by side, with the start of the second negative, they give each word the difference of its probabilities; the Hankel matrix of
that has rank 0 if and only if all differences are zero (Balasubramanian 1993).
"""

from __future__ import annotations

from fractions import Fraction

from hmmdsl.process.algebra.canonical import LARGEST_NUMERICAL, canonical_dimension, orthonormal
from hmmdsl.process.algebra.entries import right_of
from hmmdsl.process.process import Process, Scalar

EQUAL = 1e-8
"""Differences below this, over basis vectors of length one, are rounding where there are floats."""


def same_words(one: Process, other: Process) -> bool | None:
    """Whether processes of the same tokens have the same words, exact where both are; None where that is too much work."""
    if any(abs(a - b) > EQUAL for a, b in zip(one.eta @ one.emission, other.eta @ other.emission, strict=True)):
        return False
    difference = _difference(one, other)
    if difference.exact:
        rank = canonical_dimension(difference).rank
        return None if rank is None else rank == 0
    if len(difference.states) > LARGEST_NUMERICAL:
        return None
    return bool(abs(orthonormal(difference.eta, difference.T) @ difference.r).max() < EQUAL)


def _difference(one: Process, other: Process) -> Process:
    n = len(one.states)
    operators: list[dict[tuple[int, int], Scalar]] = []
    for first, second in zip(one.operators, other.operators, strict=True):
        shifted = {(n + i, n + j): value for (i, j), value in second.items() if value}
        operators.append({**{ends: value for ends, value in first.items() if value}, **shifted})
    return Process(
        name="difference",
        tokens=one.tokens,
        states=tuple(map(str, range(n + len(other.states)))),
        operators=tuple(operators),
        start=(*one.start, *(value * Fraction(-1) for value in other.start)),
        right=(*right_of(one), *right_of(other)),
    )
