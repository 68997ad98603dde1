"""A small chance of anything."""

from __future__ import annotations

from dataclasses import replace

from hmmdsl.process.algebra.entries import add, check_ordinary, check_probability
from hmmdsl.process.algebra.failure import check_size
from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.stationary import stationary_distribution


def leak(process: Process, eps: Scalar, name: str | None = None) -> Process:
    """(1 - eps) T[x] + eps / (V S) at every entry of every matrix, for V tokens and S states: with probability eps a uniform
    token and a uniform next state.

    For eps > 0 every state leads to every other, so the process is ergodic: a stationary start becomes the new, unique
    stationary distribution (a mixture becomes one process that changes its component now and then). A given start stays.

    Raises AlgebraError for a generalized HMM and unless eps is a probability, TooLargeError if the V S^2 entries would not fit.
    """
    check_ordinary("a leak", process)
    check_probability("the leak", eps)
    V, S = len(process.tokens), len(process.states)
    label = name or f"leak({process.name}, {eps})"
    if not eps:
        return replace(process, name=label)
    check_size("the leaky process", S, V, V * S * S)
    floor = eps / (V * S)
    operators: list[dict[tuple[int, int], Scalar]] = []
    for entries in process.operators:
        spread: dict[tuple[int, int], Scalar] = {(i, j): floor for i in range(S) for j in range(S)}
        for ends, value in entries.items():
            add(spread, ends, (1 - eps) * value)
        operators.append(spread)
    made = replace(process, name=label, operators=tuple(operators))
    if process.start_kind == "given":
        return made
    return replace(made, start=stationary_distribution(made.transitions(), S))
