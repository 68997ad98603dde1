"""One of several processes, chosen once and unseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hmmdsl.process.algebra.entries import check_distinct, check_distribution, right_of
from hmmdsl.process.algebra.failure import AlgebraError, check_size
from hmmdsl.process.process import Part, Parts, Process, Scalar


def mixture(components: Mapping[str, Process], weights: Sequence[Scalar], name: str | None = None) -> Process:
    """At the start one component is chosen, with these probabilities, and runs for ever: a word's probability is the weighted sum
    of the components' (Riechers et al. 2025, arXiv:2505.18373). Not ergodic where several components have a weight.

    The matrices are block diagonal; states are `A.s[0]`, tokens the union by first appearance. The start is the weights times
    the components' starts; it counts as stationary if theirs are.

    Raises AlgebraError without components, for weights of another number, negative, or that do not sum to one, and for clashing
    state names; TooLargeError if the result would not fit.
    """
    if not components:
        raise AlgebraError("a mixture has no components", "name at least one: `mixture(A = …, B = …, weights = [1/2, 1/2])`")
    if len(weights) != len(components):
        raise AlgebraError(
            f"there are {len(components)} components and {len(weights)} weights",
            "give one weight for each component, in their order",
        )
    check_distribution("the list of weights", weights, "make the weights sum to 1")
    processes = tuple(components.values())
    tokens = union_of_tokens(processes)
    check_size(
        "the mixture",
        sum(len(process.states) for process in processes),
        len(tokens),
        sum(sum(map(len, process.operators)) for process in processes),
    )
    states = tuple(f"{key}.{state}" for key, process in components.items() for state in process.states)
    check_distinct("the state", states)
    place = {token: x for x, token in enumerate(tokens)}
    operators: list[dict[tuple[int, int], Scalar]] = [{} for _ in tokens]
    parts: list[Part] = []
    first = 0
    for key, process in components.items():
        for token, entries in zip(process.tokens, process.operators, strict=True):
            operators[place[token]].update({(first + i, first + j): value for (i, j), value in entries.items()})
        own: list[int | None] = [None] * len(states)
        own[first : first + len(process.states)] = range(len(process.states))
        parts.append(Part(key, "component", process, tuple(own)))
        first += len(process.states)
    right = None
    if any(process.generalized for process in processes):
        right = tuple(value for process in processes for value in right_of(process))
    return Process(
        right=right,
        name=name or f"mixture({', '.join(f'{key} = {process.name}' for key, process in components.items())})",
        tokens=tokens,
        states=states,
        operators=tuple(operators),
        start=tuple(weight * value for weight, process in zip(weights, processes, strict=True) for value in process.start),
        start_kind="stationary" if all(process.start_kind == "stationary" for process in processes) else "given",
        parts=Parts(tuple(parts)),
    )


def union_of_tokens(processes: Sequence[Process]) -> tuple[str, ...]:
    """All tokens, in the order of their first appearance."""
    return tuple(dict.fromkeys(token for process in processes for token in process.tokens))
