"""Independent processes side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product as tuples
from math import prod

from hmmdsl.process.algebra.entries import right_of
from hmmdsl.process.algebra.failure import AlgebraError, check_size
from hmmdsl.process.algebra.parts import Part, Parts
from hmmdsl.process.process import Process, Scalar


def product(factors: Mapping[str, Process], name: str | None = None) -> Process:
    """The factors run independently and all emit at once: T[(x, y)] = T_left[x] ⊗ T_right[y].

    Tokens and states are tuples, `(0, a)`, the rightmost running fastest. Word probabilities are the products of the factors'.
    It starts with each factor in its own start, and is stationary if all are; factors of a common period make it non-ergodic.

    Raises AlgebraError without factors, and TooLargeError (before anything is made) if the result would not fit.
    """
    if not factors:
        raise AlgebraError("a product has no factors", "name at least one: `product(left = coin(), right = coin())`")
    processes = tuple(factors.values())
    check_size(
        "the product",
        prod(len(process.states) for process in processes),
        prod(len(process.tokens) for process in processes),
        prod(sum(map(len, process.operators)) for process in processes),
    )
    sizes = [len(process.states) for process in processes]
    operators: list[dict[tuple[int, int], Scalar]] = []
    for chosen in tuples(*(process.operators for process in processes)):
        entries: dict[tuple[int, int], Scalar] = dict(chosen[0])
        for matrix, size in zip(chosen[1:], sizes[1:], strict=True):
            entries = {
                (i * size + a, j * size + b): value * other
                for (i, j), value in entries.items()
                for (a, b), other in matrix.items()
            }
        operators.append(entries)
    states = list(tuples(*(range(size) for size in sizes)))
    right = None
    if any(process.generalized for process in processes):
        rights = [right_of(process) for process in processes]
        right = tuple(prod(each[i] for each, i in zip(rights, state, strict=True)) for state in states)
    return Process(
        right=right,
        name=name or f"product({', '.join(f'{key} = {process.name}' for key, process in factors.items())})",
        tokens=_tuple_texts([process.tokens for process in processes]),
        states=_tuple_texts([process.states for process in processes]),
        operators=tuple(operators),
        start=tuple(prod(process.start[i] for process, i in zip(processes, state, strict=True)) for state in states),
        start_kind="stationary" if all(process.start_kind == "stationary" for process in processes) else "given",
        parts=Parts(
            tuple(
                Part(key, "factor", process, tuple(state[k] for state in states))
                for k, (key, process) in enumerate(factors.items())
            )
        ),
    )


def _tuple_texts(alphabets: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The canonical texts of all tuples, rightmost fastest."""
    return tuple(f"({', '.join(texts)})" for texts in tuples(*alphabets))
