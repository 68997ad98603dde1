"""What is held out together: single histories, all with one belief, or all that begin alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from hmmdsl.process.counting import count_histories, few_beliefs
from hmmdsl.process.process import Process
from hmmdsl.schema.base import Problem, Record, from_word


class ByHistory(Record):
    """Each history by itself. Others with the same belief may stand in the training folds: the score says whether histories can
    be told apart by what an optimal observer knows, not whether the geometry extends to a belief that was never fitted."""

    kind: Literal["history"] = "history"


class ByBelief(Record):
    """All histories that lead to one belief, whole. The fit has seen none of them: a score well above that of `noise` says that
    the geometry extends to beliefs that were never fitted."""

    kind: Literal["belief"] = "belief"


class ByPrefix(Record):
    """All histories that begin with the same tokens. Those that are shorter are held out by themselves."""

    called: ClassVar[str | None] = "tokens"
    kind: Literal["prefix"] = "prefix"
    tokens: int | None = Field(None, ge=1, le=100_000, description="how many tokens; half the context if not given")


By: TypeAlias = Annotated[
    Annotated[ByHistory | ByBelief | ByPrefix, Field(discriminator="kind")],
    Field(
        description="what is held out together: each history by itself, all histories with one `belief`, or all with one "
        "`prefix(k)`, the same first k tokens"
    ),
    from_word,
]
"""The field `by` of what holds histories out."""


def prefix_tokens(by: ByPrefix, context: int) -> int:
    """How many tokens a prefix has, of histories of up to `context`."""
    return by.tokens if by.tokens is not None else (context + 1) // 2


def fold_problems(
    path: tuple[str | int, ...], by: By, folds: int, process: Process, shortest: int, longest: int
) -> Iterator[Problem]:
    """What is wrong with folds over histories of `shortest` to `longest` tokens: a prefix that holds out each history by itself
    (E0590), or more folds than there is to hold out (E0591). `path` leads to the record that has `folds` and `by`."""
    match by:
        case ByHistory():
            return
        case ByPrefix():
            tokens = prefix_tokens(by, longest)
            if tokens >= longest:
                yield Problem(
                    (*path, "by"),
                    "E0590",
                    f"no history has more than {longest} tokens, so `prefix({tokens})` holds out each by itself",
                    label="as long as the histories",
                    help=f"write `prefix({longest - 1})` or less, or `by = history`" if longest > 1 else "write `by = history`",
                )
                return
            counts = count_histories(process, tokens)
            shorter = sum(counts[max(shortest, 1) - 1 : tokens - 1]) + (shortest == 0)
            count = counts[-1] + shorter
            known, what = counts.exact and count < folds, "beginning" if tokens > 1 else "first token"
        case ByBelief():
            few = few_beliefs(process, shortest, longest, folds)
            count, known, what = few or 0, few is not None, "belief"
    if known:
        yield Problem(
            (*path, "folds"),
            "E0591",
            f"{folds} folds are more than there is to hold out: the histories have {count} {what}{'s' if count > 1 else ''}",
            label="too many folds",
            help=f"write `folds = {count}`, or less" if count >= FEWEST else "hold out single histories, `by = history`",
        )


FEWEST = 3
"""Folds that a penalty chosen inside the other folds needs."""
