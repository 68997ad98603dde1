"""How long until the state is known for certain: the possible states beside the true one, as one finite chain.

What the words so far leave possible is a set Q of states; read with the true state s it is a Markov chain on the pairs (Q, s)
(the possibility machine of Travers & Crutchfield 2011a). The words that leave more than one state have the probability
pi A^L 1, A the chain among the sets of several states, and the mean length of the first synchronizing word is pi (1 - A)^-1 1.
Both are exact, even where there are infinitely many beliefs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.dynamics.spectral_radius import nonnegative_radius

if TYPE_CHECKING:
    from hmmdsl.process.dynamics.causal_machine import CausalMachine

MOST_SETS = 3000
"""Sets of possible states that are followed."""

LARGEST_SOLVED = 1200
"""Most pairs of a set and a state for which a linear system is solved."""

LISTED = 24
"""Lengths for which the share of unsynchronized words is given."""


@dataclass(frozen=True)
class SynchronizingWords:
    """`shortest` is the first of the shortest words that tell the state, as indices of tokens; `unsynchronized[L]` the
    probability that the first L tokens do not; `mean_length` how many tokens it takes on average; `rate` the factor a token by
    which the unsynchronized words become rarer. None where there are too many sets to follow."""

    shortest: tuple[int, ...] | None
    unsynchronized: tuple[float, ...] | None
    mean_length: float | None
    rate: float | None


def synchronizing_words(machine: CausalMachine) -> SynchronizingWords:
    """Of a machine that has such words; without them the sets of several states last for ever."""
    n = len(machine)
    if n == 1:
        return SynchronizingWords((), (0.0,), 0.0, 0.0)
    leads = machine.successor.tolist()
    tokens = range(machine.successor.shape[1])
    everything = frozenset(range(n))
    number = {everything: 0}
    sets = [everything]
    words: list[tuple[int, ...]] = [()]
    following: list[list[int]] = []
    shortest: tuple[int, ...] | None = None
    for k, members in enumerate(sets):
        row = []
        for x in tokens:
            after = frozenset(leads[i][x] for i in members if leads[i][x] >= 0)
            if len(after) == 1 and shortest is None:
                shortest = (*words[k], x)
            if len(after) < 2:
                row.append(-1)
                continue
            if after not in number:
                number[after] = len(sets)
                sets.append(after)
                words.append((*words[k], x))
            row.append(number[after])
        following.append(row)
        if len(sets) > MOST_SETS:
            return SynchronizingWords(shortest, None, None, None)
    places = {pair: k for k, pair in enumerate((q, s) for q, members in enumerate(sets) for s in sorted(members))}
    if len(places) > LARGEST_SOLVED:
        return SynchronizingWords(shortest, None, None, None)
    chain = np.zeros((len(places), len(places)))
    for (q, s), k in places.items():
        for x in tokens:
            if leads[s][x] >= 0 and following[q][x] >= 0:
                chain[k, places[following[q][x], leads[s][x]]] += machine.emission[s, x]
    start = np.zeros(len(places))
    start[:n] = machine.weight
    shares, now = [1.0], start
    for _ in range(LISTED):
        now = now @ chain
        shares.append(float(now.sum()))
        if not shares[-1]:
            break
    rate = nonnegative_radius(chain)
    mean = float(np.linalg.solve((np.eye(len(places)) - chain).T, start).sum()) if rate < 1 - 1e-9 else None
    return SynchronizingWords(shortest, tuple(shares), mean, rate)
