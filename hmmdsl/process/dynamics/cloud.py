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
    return read(process, belief, token), token


def read(
    process: Process, belief: Float64[np.ndarray, "observer state"], token: Int64[np.ndarray, " observer"]
) -> Float64[np.ndarray, "observer state"]:
    """Each observer's belief after one token."""
    following = np.empty_like(belief)
    order = np.argsort(token, kind="stable")
    seen, first = np.unique(token[order], return_index=True)
    for x, of_x in zip(seen.tolist(), np.split(order, first[1:]), strict=True):
        after = belief[of_x] @ process.T[x]
        following[of_x] = after / (after @ process.r)[:, None]
    return following


FORGETTING = 1e-12
"""A mean squared distance of beliefs below this is none."""

LONGEST_FORGETTING = 2000
"""Tokens that observers read until they agree, at most."""

ASKED = 25
"""Tokens after which it is asked whether they do."""

DRAWN, APART = 2, 10
"""Beliefs that are kept of each observer then, so many tokens apart."""


@dataclass(frozen=True)
class Forgetting:
    """Pairs of observers of one word: the one was told more of the time before it (the hidden state; of a generalized HMM the
    tokens before), the other nothing. What both have come to believe no longer depends on it where they agree.

    told, plain  their beliefs in the long run, `DRAWN` for each pair, one after another
    passed       some of their beliefs on the way
    distance     their mean squared distance after 1, 2, … tokens, as a share of the beliefs' variance
    """

    told: Float64[np.ndarray, "belief state"]
    plain: Float64[np.ndarray, "belief state"]
    passed: Float64[np.ndarray, "belief state"]
    distance: Float64[np.ndarray, " token"]

    @property
    def pairs(self) -> int:
        """How many independent words were read."""
        return len(self.told) // DRAWN

    @property
    def agree(self) -> bool:
        """Whether nothing is left to be told."""
        return float(self.distance[-1]) <= FORGETTING

    def left(self, tokens: int) -> float:
        """The distance after so many tokens; after more than were read, that after the last."""
        return float(self.distance[min(tokens, len(self.distance)) - 1])


def forgetting(process: Process, seed: int = 0) -> Forgetting | None:
    """Of a stationary process; the same seed gives the same. None where it has so many states that there would be few pairs."""
    S = len(process.states)
    pairs = min(OBSERVERS, LARGEST_WORK // (4 * FORGOTTEN * S * max(S, len(process.tokens))))
    if pairs < FEWEST:
        return None
    rng = np.random.default_rng(seed)
    plain = np.repeat(process.eta[None, :] / (process.eta @ process.r), pairs, axis=0)
    if process.generalized:
        told = plain
        for _ in range(FORGOTTEN):
            told, _ = advance(process, told, rng.random(pairs))
    else:
        told = np.eye(S)[rng.choice(S, pairs, p=process.eta / process.eta.sum())]
    passed: list[Float64[np.ndarray, "belief state"]] = []
    distance: list[float] = []
    variance = 0.0
    while len(distance) < LONGEST_FORGETTING:
        told, token = advance(process, told, rng.random(pairs))
        plain = read(process, plain, token)
        variance = max(variance, float(told.var(axis=0).sum()))
        distance.append(float(((told - plain) ** 2).sum(axis=1).mean()))
        if len(distance) % ASKED == 0:
            passed += [told[:: max(1, pairs // 200)], plain[:: max(1, pairs // 200)]]
            if distance[-1] <= FORGETTING * variance:
                break
    kept: list[tuple[Float64[np.ndarray, "belief state"], Float64[np.ndarray, "belief state"]]] = []
    for _ in range(DRAWN):
        for _ in range(APART):
            told, token = advance(process, told, rng.random(pairs))
            plain = read(process, plain, token)
        kept.append((told, plain))
    share = np.array(distance) / variance if variance > 0 else np.zeros(len(distance))
    return Forgetting(
        np.concatenate([one for one, _ in kept]), np.concatenate([other for _, other in kept]), np.concatenate(passed), share
    )
