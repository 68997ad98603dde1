"""How fast the number of words grows with their length, whatever their probabilities: the topological entropy."""

from __future__ import annotations

from math import inf, log2
from typing import TYPE_CHECKING

from hmmdsl.process.process import Process

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_SETS = 4096
"""Sets of states that are told apart, at most."""


def topological_entropy_bits(process: Process) -> float:
    """The limit of log2 N(n) / n, N(n) being the number of words of n tokens that can occur (Lind & Marcus 1995, §4.1).

    Words are the paths of the automaton of sets of possible states, which a token leads on in one way at most: so it is the
    logarithm of the spectral radius of that automaton's adjacency matrix, in float64. Of a product it is the sum over factors.
    At least the entropy rate, which it equals where all words are about equally probable.

    Raises ValueError for a generalized HMM, whose zeros are not those of its entries, and where there are too many sets.
    """
    if process.generalized:
        raise ValueError(f"{process.name} is a generalized HMM: which of its words occur is no matter of its entries")
    return sum(_of_states(factor) for factor in process.factors)


def _of_states(process: Process) -> float:
    import numpy as np

    from hmmdsl.process.dynamics.spectral_radius import nonnegative_radius

    leads: list[dict[int, int]] = [{} for _ in process.operators]
    for targets, entries in zip(leads, process.operators, strict=True):
        for (i, j), value in entries.items():
            if value:
                targets[i] = targets.get(i, 0) | 1 << j
    start = sum(1 << i for i, value in enumerate(process.start) if value)
    number, waiting = {start: 0}, [start]
    arrows: dict[tuple[int, int], int] = {}
    for here in waiting:
        for targets in leads:
            after = _after(here, targets)
            if not after:
                continue
            if after not in number:
                if len(number) == MOST_SETS:
                    raise ValueError(f"{process.name} has more than {MOST_SETS:,} sets of possible states")
                number[after] = len(number)
                waiting.append(after)
            ends = number[here], number[after]
            arrows[ends] = arrows.get(ends, 0) + 1
    adjacency = np.zeros((len(number), len(number)))
    for ends, count in arrows.items():
        adjacency[ends] = count
    radius = nonnegative_radius(adjacency)
    return log2(radius) if radius > 0 else -inf


def _after(here: int, targets: Mapping[int, int]) -> int:
    """The states that one token may lead to from a set, both as bits."""
    after = 0
    while here:
        lowest = here & -here
        after |= targets.get(lowest.bit_length() - 1, 0)
        here ^= lowest
    return after
