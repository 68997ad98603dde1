"""Tokens seen through a noisy channel."""

from __future__ import annotations

from dataclasses import replace

from hmmdsl.process.algebra.entries import add, check_probability
from hmmdsl.process.algebra.failure import check_size
from hmmdsl.process.process import Process, Scalar


def noise(process: Process, eps: Scalar, name: str | None = None) -> Process:
    """Each token, independently and with probability eps, is replaced by one drawn uniformly from all V tokens, itself included:
    (1 - eps) T[x] + (eps / V) T. So a token comes out changed with probability eps (V - 1) / V, and eps = 1 leaves a fair die.

    The hidden states move as before: start, stationarity and parts stay.

    Raises AlgebraError unless eps is a probability, TooLargeError if the entries would not fit.
    """
    check_probability("the noise", eps)
    label = name or f"noise({process.name}, {eps})"
    if not eps:
        return replace(process, name=label)
    V = len(process.tokens)
    T = process.transitions()
    check_size("the noisy process", len(process.states), V, V * len(T))
    share, kept = eps / V, 1 - eps
    uniform = {ends: share * value for ends, value in T.items() if value}
    operators: list[dict[tuple[int, int], Scalar]] = []
    for entries in process.operators:
        blurred = dict(uniform)
        for ends, value in entries.items():
            add(blurred, ends, kept * value)
        operators.append(blurred)
    return replace(process, name=label, operators=tuple(operators))
