"""Other names for tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hmmdsl.process.algebra.entries import add
from hmmdsl.process.algebra.failure import AlgebraError
from hmmdsl.process.process import Process, Scalar


def relabel(process: Process, pairs: Mapping[str, str], name: str | None = None) -> Process:
    """Each token x is emitted as `pairs[x]`. One to one leaves every word's probability; many to one merges tokens, and a word's
    probability is the sum over the words that become it.

    New tokens stand in the order in which the process' own tokens lead to them. States, start and parts stay.

    Raises AlgebraError if a token is missed, or if the pairs name one that the process does not have.
    """
    missed = [token for token in process.tokens if token not in pairs]
    if missed:
        raise AlgebraError(
            f"the relabelling of {process.name} says nothing of `{missed[0]}`"
            + (f" and {len(missed) - 1} more" if len(missed) > 1 else ""),
            f"give each token a new name, or its own: `{missed[0]} -> {missed[0]}`",
        )
    unknown = [token for token in pairs if token not in process.tokens]
    if unknown:
        raise AlgebraError(f"{process.name} has no token `{unknown[0]}`", f"its tokens are {', '.join(process.tokens)}")
    tokens = tuple(dict.fromkeys(pairs[token] for token in process.tokens))
    place = {token: x for x, token in enumerate(tokens)}
    operators: list[dict[tuple[int, int], Scalar]] = [{} for _ in tokens]
    for token, entries in zip(process.tokens, process.operators, strict=True):
        merged = operators[place[pairs[token]]]
        for ends, value in entries.items():
            add(merged, ends, value)
    return replace(process, name=name or f"relabel({process.name})", tokens=tokens, operators=tuple(operators))
