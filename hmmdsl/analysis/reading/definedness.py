"""Whether a conditional target, such as `within.A`, is defined after any history: whether that part can be active there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations, product
from typing import TypeAlias

from hmmdsl.process.algebra.parts import read_target, within_factors
from hmmdsl.process.process import Process

MOST_STEPS = 300_000
"""Moves of states side by side that are followed; beyond, targets count as defined together."""

Side: TypeAlias = tuple[int, ...]
"""Hidden states, one for each target, that one history leaves possible."""


def ever_defined(process: Process, targets: Sequence[str], context: int, bos: bool) -> bool:
    """Whether some history of up to `context` tokens (of none too, with `bos`) leaves all of these targets of parts defined.

    A history does so if it leaves a state possible in which the part is active, for each of them. Where that is too much to
    follow, the answer is yes.
    """
    active: dict[tuple[int, int], tuple[Process, set[frozenset[int]]]] = {}
    for target in targets:
        found = within_factors(process, target)
        if found.target is None:
            continue
        reading = read_target(found.process, found.target)
        if reading.conditional:
            where = frozenset(i for i, k in enumerate(reading.coordinate) if k is not None)
            active.setdefault((found.first, found.last), (found.process, set()))[1].add(where)
    lengths = set(range(0 if bos else 1, context + 1))
    for part, sets in active.values():
        # Where a part within a part is active, so is that.
        least = [one for one in sets if not any(other < one for other in sets)]
        lengths &= set(_lengths(part, least, context))
    return bool(lengths)


def never_together(process: Process, targets: Sequence[str], context: int, bos: bool) -> tuple[str, ...]:
    """The first pair of targets that no history leaves both defined, else all of them if none does; nothing if some does. Each
    alone is defined somewhere."""
    if ever_defined(process, targets, context, bos):
        return ()
    for pair in combinations(targets, 2):
        if not ever_defined(process, pair, context, bos):
            return pair
    return tuple(targets)


def _lengths(process: Process, active: Sequence[Collection[int]], context: int) -> Iterator[int]:
    """The lengths of the words that leave a state possible in each of these sets; all, where that is too much to follow."""
    start = [i for i, weight in enumerate(process.start) if weight]
    moves = _moves(process, merged=len(active) == 1)
    left = MOST_STEPS if len(active) > 1 else None
    if left is not None and len(start) ** len(active) > left:
        yield from range(context + 1)
        return
    here: frozenset[Side] = frozenset(product(start, repeat=len(active)))
    for length in range(context + 1):
        if any(all(i in where for i, where in zip(side, active, strict=True)) for side in here):
            yield length
        after: set[Side] = set()
        for side, following in product(here, moves):
            reached = list(product(*(following.get(i, ()) for i in side)))
            after.update(reached)
            if left is not None:
                left -= 1 + len(reached)
                if left < 0:
                    yield from range(length + 1, context + 1)
                    return
        if after == here:
            if any(all(i in where for i, where in zip(side, active, strict=True)) for side in here):
                yield from range(length + 1, context + 1)
            return
        here = frozenset(after)


def _moves(process: Process, merged: bool) -> list[dict[int, list[int]]]:
    """For each token the states that each state may move to; for all tokens together where one state alone is followed."""
    tokens = [process.transitions()] if merged else list(process.operators)
    moves: list[dict[int, list[int]]] = []
    for entries in tokens:
        following: dict[int, list[int]] = {}
        for (i, j), value in entries.items():
            if value:
                following.setdefault(i, []).append(j)
        moves.append(following)
    return moves
