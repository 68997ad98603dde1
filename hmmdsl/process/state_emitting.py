"""Processes whose states emit: the form of hmmlearn's CategoricalHMM and of the textbooks (Rabiner 1989)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hmmdsl.process.process import Process, Scalar


@dataclass(frozen=True)
class StateEmitting:
    """The first state is drawn from `start`; each state emits token x with probability `emissions[i][x]`, then moves to j with
    probability `transitions[i][j]`: `T[x][i, j] = emissions[i][x] transitions[i][j]`. Rows sum to one.

    hmmlearn calls them startprob_, transmat_ and emissionprob_.
    """

    tokens: tuple[str, ...]
    states: tuple[str, ...]
    start: tuple[Scalar, ...]
    transitions: tuple[tuple[Scalar, ...], ...]
    emissions: tuple[tuple[Scalar, ...], ...]


def state_emitting(process: Process) -> StateEmitting:
    """The process as states that emit: every word keeps its probability.

    Where token and next state are independent given the state, states stay as they are. Else the new states are the pairs of a
    token and the state after it that can occur, each of which emits its token. Raises ValueError for a generalized HMM.
    """
    if process.generalized:
        raise ValueError(f"{process.name} is a generalized HMM: it has no states that could emit")
    size, V = len(process.states), len(process.tokens)
    zero = process.start[0] * 0
    emissions = [[zero] * V for _ in range(size)]
    transitions = [[zero] * size for _ in range(size)]
    for x, entries in enumerate(process.operators):
        for (i, j), value in entries.items():
            emissions[i][x] += value
            transitions[i][j] += value
    tolerance = 0.0 if process.exact else 1e-14
    independent = all(
        abs(float(entries.get((i, j), zero) - emissions[i][x] * transitions[i][j])) <= tolerance
        for x, entries in enumerate(process.operators)
        for i in range(size)
        for j in range(size)
    )
    if independent:
        return StateEmitting(process.tokens, tuple(process.states), tuple(process.start), _rows(transitions), _rows(emissions))
    pairs = sorted({(x, j) for x, entries in enumerate(process.operators) for (_, j), value in entries.items() if value})
    start = [sum((process.start[i] * process.operators[x].get((i, j), zero) for i in range(size)), zero) for x, j in pairs]
    return StateEmitting(
        process.tokens,
        tuple(f"{process.states[j]} after {process.tokens[x]}" for x, j in pairs),
        tuple(start),
        tuple(tuple(process.operators[y].get((j, k), zero) for y, k in pairs) for _, j in pairs),
        tuple(tuple(zero + (y == x) for y in range(V)) for x, _ in pairs),
    )


def _rows(matrix: Sequence[Sequence[Scalar]]) -> tuple[tuple[Scalar, ...], ...]:
    return tuple(tuple(row) for row in matrix)
