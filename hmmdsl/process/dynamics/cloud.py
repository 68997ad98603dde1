"""Beliefs in the long run: a sample of the invariant measure of the belief dynamics (Blackwell 1957).

Many observers read the process independently, from its stationary start. After enough tokens for the start to be forgotten their
beliefs are independent draws of the invariant measure; further ones of the same observers are draws too, dependent on each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.ensemble import SMALLEST_TOKEN
from hmmdsl.process.process import Process

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

FORGOTTEN = 150
"""Tokens that each observer reads before its beliefs are kept."""

KEPT = 50
"""Beliefs kept of each observer."""

OBSERVERS = 4000
"""Observers, where that is not too much work."""

LARGEST_WORK = 1_000_000_000
"""Most multiplications (about a second)."""

FEWEST = 100
"""Observers needed for a cloud."""


@dataclass(frozen=True)
class BeliefCloud:
    """`belief` are draws of the invariant measure, `observers` of them independent; `tokens` how many each observer had read
    before the first was kept."""

    belief: Float64[np.ndarray, "belief state"]
    observers: int
    tokens: int

    def __len__(self) -> int:
        return len(self.belief)


def belief_cloud(
    process: Process, seed: int = 0, observers: int | None = None, kept: int = KEPT, evenly: bool = False
) -> BeliefCloud | None:
    """A cloud of `observers` times `kept` beliefs of a stationary process, ordinary or generalized; the same seed gives the same.
    None where the process has so many states that there would be too few observers.

    `evenly` draws every token that can come with one probability: another measure, on the same set of beliefs, that reaches
    the set's rarely visited parts."""
    S = len(process.states)
    if observers is None:
        observers = min(OBSERVERS, LARGEST_WORK // ((FORGOTTEN + kept) * S * max(S, len(process.tokens))))
    if observers < FEWEST:
        return None
    rng = np.random.default_rng(seed)
    belief = np.repeat(process.eta[None, :] / (process.eta @ process.r), observers, axis=0)
    found = np.empty((kept, observers, S))
    for position in range(FORGOTTEN + kept):
        belief, _ = advance(process, belief, rng.random(observers), evenly)
        if position >= FORGOTTEN:
            found[position - FORGOTTEN] = belief
    return BeliefCloud(found.reshape(-1, S), observers, FORGOTTEN)


def advance(
    process: Process, belief: Float64[np.ndarray, "observer state"], u: Float64[np.ndarray, " observer"], evenly: bool = False
) -> tuple[Float64[np.ndarray, "observer state"], Int64[np.ndarray, " observer"]]:
    """Each observer's next belief and the token it read, drawn by a number in [0, 1), from all that can come alike if
    `evenly`."""
    mass = belief @ process.emission
    # Rounding errors of a generalized HMM's entries are no probabilities.
    mass = np.where(mass > (SMALLEST_TOKEN if process.generalized else 0.0), mass, 0.0)
    cumulative = np.cumsum(mass > 0 if evenly else mass, axis=1, dtype=np.float64)
    # The last token of positive probability, if rounding puts u at the very end.
    token = np.minimum(
        (cumulative <= (u * cumulative[:, -1])[:, None]).sum(axis=1), mass.shape[1] - 1 - (mass[:, ::-1] > 0).argmax(axis=1)
    )
    following = np.empty_like(belief)
    order = np.argsort(token, kind="stable")
    read, first = np.unique(token[order], return_index=True)
    for x, of_x in zip(read.tolist(), np.split(order, first[1:]), strict=True):
        after = belief[of_x] @ process.T[x]
        following[of_x] = after / (after @ process.r)[:, None]
    return following, token
