"""A process that runs backwards."""

from __future__ import annotations

from dataclasses import replace

from hmmdsl.process.algebra.entries import is_stationary
from hmmdsl.process.algebra.failure import AlgebraError
from hmmdsl.process.algebra.product import product
from hmmdsl.process.process import Process, Scalar


def reverse(process: Process, name: str | None = None) -> Process:
    """Time reversal: T'[x][j, i] = pi_i T[x][i, j] / pi_j, so that Pr'(x1 … xn) = Pr(xn … x1). Reversing twice gives the process
    back, entry by entry (Crutchfield, Ellison & Mahoney 2009).

    Of a generalized HMM the operators are transposed, and the start and the right eigenvector change places; its parts are lost.
    A product runs backwards as its factors do, side by side: it stays apart.

    Raises AlgebraError unless the start is stationary, and of an ordinary HMM gives every state a weight.
    """
    pi = process.start
    if not is_stationary(process):
        raise AlgebraError(
            f"{process.name} does not start in its stationary distribution, so its reverse is not one process",
            "leave out its `start`: only a stationary process reads the same from any time backwards",
        )
    label = name or f"reverse({process.name})"
    if process.factored and process.parts is not None:
        return product({part.name: reverse(part.process) for part in process.parts.factors}, label)
    if process.right is not None:
        turned = tuple({(j, i): value for (i, j), value in entries.items()} for entries in process.operators)
        return replace(process, name=label, operators=turned, start=tuple(process.right), right=tuple(pi), parts=None)
    unused = [state for state, weight in zip(process.states, pi, strict=True) if not weight]
    if unused:
        raise AlgebraError(
            f"the state {unused[0]} of {process.name} has no weight in the stationary distribution",
            "leave out the states that are never met again",
        )
    operators: list[dict[tuple[int, int], Scalar]] = [
        {(j, i): pi[i] * value / pi[j] for (i, j), value in entries.items() if value} for entries in process.operators
    ]
    return replace(process, name=label, operators=tuple(operators))
