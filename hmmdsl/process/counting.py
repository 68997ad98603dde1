"""How many histories there are, before any is enumerated: the words that can occur, counted on the subset automaton.

A word can occur if and only if the set of states it may have led to is not empty; words that lead to the same set have the same
continuations. So words are counted by sets (bit masks), exactly, in pure python.
"""

from __future__ import annotations

from math import prod

from hmmdsl.process.allowance import spend_theory
from hmmdsl.process.exact_beliefs import BeliefBudgetError, ExactBeliefs
from hmmdsl.process.generalized import count_words
from hmmdsl.process.once import once
from hmmdsl.process.process import Process

LARGEST_WORK = 600_000
"""Most unions of sets that one count may take (a fraction of a second)."""


class HistoryCounts(tuple[int, ...]):
    """Number of histories of each length, from 1 (0 with bos) to the context. Where `exact` is false the sets grew beyond the
    budget, and from some length on the numbers are upper bounds."""

    exact: bool

    def __new__(cls, counts: list[int], exact: bool) -> HistoryCounts:
        made = super().__new__(cls, counts)
        made.exact = exact
        return made

    @property
    def total(self) -> int:
        """Number of nodes of the history tree."""
        return sum(self)


@once
def count_histories(process: Process, context: int, bos: bool = False, limit: int | None = None) -> HistoryCounts:
    """The number of words with non-zero probability for each length 1..context, preceded by 1 for the empty word with `bos`.

    Exact, unless more than `limit` different sets of states occur or the work goes beyond a fixed budget: then each history
    counts as going on with any token, an upper bound. No floats are involved: an entry counts unless it is zero. The words of a
    generalized HMM, whose entries may cancel, are enumerated in float64 instead. Those of a product are counted factor by factor.
    """
    if process.factored:
        # Words of independent factors go together in every way.
        of_factors = [count_histories(factor, context, bos, limit) for factor in process.factors]
        return HistoryCounts([prod(same) for same in zip(*of_factors, strict=True)], exact=all(each.exact for each in of_factors))
    if process.generalized:
        found, complete = count_words(process, context)
        return HistoryCounts([1, *found] if bos else found, exact=complete)
    V = len(process.tokens)
    masks: list[dict[int, int]] = [{} for _ in process.states]
    for x, entries in enumerate(process.operators):
        for (i, j), value in entries.items():
            if value:
                masks[i][x] = masks[i].get(x, 0) | 1 << j
    leads = [sorted(row.items()) for row in masks]
    start = sum(1 << i for i, value in enumerate(process.start) if value)
    following: dict[int, tuple[int, ...]] = {}
    level = {start: 1}
    counts = [1] if bos else []
    work = 0
    for length in range(1, context + 1):
        below: dict[int, int] = {}
        for mask, words in level.items():
            if mask not in following:
                steps = sum(len(leads[i]) for i in _members(mask))
                work += steps
                spend_theory(steps)
                if work > LARGEST_WORK or (limit is not None and len(following) >= limit):
                    branching = min(V, len({x for row in leads for x, _ in row}))
                    last = sum(level.values())
                    counts.extend(last * branching**k for k in range(1, context - length + 2))
                    return HistoryCounts(counts, exact=False)
                following[mask] = _step(mask, leads)
            for fresh in following[mask]:
                below[fresh] = below.get(fresh, 0) + words
        level = below
        counts.append(sum(level.values()))
    return HistoryCounts(counts, exact=True)


def _members(mask: int) -> list[int]:
    """The bits that are set."""
    found = []
    while mask:
        lowest = mask & -mask
        found.append(lowest.bit_length() - 1)
        mask ^= lowest
    return found


def _step(mask: int, leads: list[list[tuple[int, int]]]) -> tuple[int, ...]:
    """The non-empty sets that one more token may lead to, one for each token that can come. `leads` has for each state its
    tokens, each with the mask of the states it may lead to."""
    after: dict[int, int] = {}
    for i in _members(mask):
        for x, targets in leads[i]:
            after[x] = after.get(x, 0) | targets
    return tuple(after.values())


BELIEF_WORK = 200_000
"""Products of integers that counting beliefs may take: a fraction of a second."""


def few_beliefs(process: Process, shortest: int, longest: int, many: int) -> int | None:
    """The number of distinct beliefs after histories of `shortest` to `longest` tokens where there are fewer than `many`; None
    where there are as many, or where that is too much to find out."""
    if process.factored:
        each = [few_beliefs(factor, shortest, longest, many) for factor in process.factors]
        few = [count for count in each if count is not None]
        # Factors have their beliefs together at each length: where only one of them changes, there are as many as it has.
        if len(few) < len(each) or sum(count > 1 for count in few) > 1:
            return None
        return max(few, default=1)
    if process.exact:
        beliefs: ExactBeliefs | FloatBeliefs = ExactBeliefs(process, BELIEF_WORK)
    else:
        from hmmdsl.process.mixed_states import FloatBeliefs

        beliefs = FloatBeliefs(process, BELIEF_WORK)
    following: dict[int, set[int]] = {}
    found = set[int]()
    try:
        here = {beliefs.start()}
        for length in range(longest + 1):
            if length >= shortest:
                found |= here
            if len(found) >= many or length == longest:
                break
            for belief in here - following.keys():
                following[belief] = {target for _, target, _ in beliefs.step(belief)}
            here = set[int]().union(*(following[belief] for belief in here))
    except BeliefBudgetError:
        return None
    return len(found) if len(found) < many else None
