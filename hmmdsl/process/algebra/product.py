"""Independent processes side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

from hmmdsl.process.algebra.entries import right_of
from hmmdsl.process.algebra.failure import MOST_FACTORS, AlgebraError, check_factored, check_size
from hmmdsl.process.process import Part, Parts, Process, joint_operators, joint_places, joint_texts, joint_weights


def product(factors: Mapping[str, Process], name: str | None = None) -> Process:
    """The factors run independently and all emit at once: T[(x, y)] = T_left[x] ⊗ T_right[y].

    Tokens and states are tuples, `(0, a)`, the rightmost running fastest. Word probabilities are the products of the factors'.
    It starts with each factor in its own start, and is stationary if all are; factors of a common period make it non-ergodic.

    The factors stay separate (`Process.factors`, those of a factor that is a product in its place): joint names, weights
    and matrices are worked out when first asked for, and reading the matrices raises TooLargeError where they would not fit.

    Raises AlgebraError without factors, and TooLargeError (before anything is made) if the tokens would be too many, or the
    states too many to be numbered.
    """
    if not factors:
        raise AlgebraError("a product has no factors", "name at least one: `product(left = coin(), right = coin())`")
    processes = tuple(factors.values())
    count = sum(len(process.factors) for process in processes)
    if count > MOST_FACTORS:
        raise AlgebraError(f"a product would have {count:,} factors, more than {MOST_FACTORS:,}", "leave some out")
    leaves = tuple(leaf for process in processes for leaf in process.factors)
    states = [len(process.states) for process in processes]
    tokens = prod(len(process.tokens) for process in processes)
    entries = prod(leaf.transition_count for leaf in leaves)
    called = name or f"product({', '.join(f'{key} = {process.name}' for key, process in factors.items())})"
    check_factored("the product", prod(states), tokens, entries)
    generalized = any(process.generalized for process in processes)
    return Process(
        name=called,
        tokens=joint_texts("tokens", leaves, [process.tokens for process in processes]).known(),
        states=joint_texts("states", leaves, [process.states for process in processes]),
        operators=joint_operators(leaves, lambda: check_size(f"the joint process of {called}", prod(states), tokens, entries)),
        start=joint_weights("start", leaves, [process.start for process in processes]),
        start_kind="stationary" if all(process.start_kind == "stationary" for process in processes) else "given",
        parts=Parts(
            tuple(
                Part(key, "factor", process, joint_places(leaves, states, k)) for k, (key, process) in enumerate(factors.items())
            )
        ),
        right=joint_weights("right", leaves, [right_of(process) for process in processes]) if generalized else None,
    )


def in_full(process: Process) -> Process:
    """The same process with its joint matrices made, and its factors forgotten. Raises TooLargeError if they would not fit."""
    if not process.factored:
        return process
    right = None if process.right is None else tuple(process.right)
    return replace(
        process, states=tuple(process.states), operators=tuple(process.operators), start=tuple(process.start), right=right
    )
