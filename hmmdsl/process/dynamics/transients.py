"""The transient part of a closed mixed-state presentation: beliefs that an observer passes through and leaves for ever.

With W the transitions among all beliefs, D its block among the transient ones, the share of words of length L whose belief is
transient is start D^L 1: it falls by a factor a token that is D's spectral radius, and (1 - D)^-1 counts the visits (Riechers &
Crutchfield 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.dynamics.spectral_radius import nonnegative_radius
from hmmdsl.process.ensemble import entropy_nats

if TYPE_CHECKING:
    from jaxtyping import Float64

    from hmmdsl.process.mixed_states import MixedStates

LARGEST_SOLVED = 1500
"""Most beliefs for which a linear system is solved."""

LISTED = 24
"""Lengths for which the share of transient beliefs is given."""

NONE_LEFT = 1e-14
"""A share below this is none."""


@dataclass(frozen=True)
class Transients:
    """Numbers of beliefs; `mass[L]` the probability that the belief after L tokens is transient, `rate` the factor a token by
    which it falls in the long run, 0 where nothing transient lasts; `mean_length` how many tokens are read in transient beliefs
    on average. `rate` and `mean_length` are None where there are too many beliefs for a linear system."""

    transient: int
    recurrent: int
    mass: tuple[float, ...]
    rate: float | None
    mean_length: float | None


def transients(msp: MixedStates) -> Transients | None:
    """The transient part of a presentation, None if it is not closed."""
    if msp.recurrent is None:
        return None
    passing = ~msp.recurrent
    kept = np.flatnonzero(passing[msp.source] & passing[msp.target])
    source, target, probability = msp.source[kept], msp.target[kept], msp.probability[kept]
    now: Float64[np.ndarray, " belief"] = np.zeros(len(msp))
    now[0] = 1.0 if passing[0] else 0.0
    mass = [float(now.sum())]
    while len(mass) <= LISTED and mass[-1] > NONE_LEFT:
        now = np.asarray(np.bincount(target, now[source] * probability, len(msp)), dtype=np.float64)
        mass.append(float(now.sum()))
    count = int(passing.sum())
    rate = mean = None
    if count <= LARGEST_SOLVED:
        block = transient_block(msp)
        rate = nonnegative_radius(block)
        first = np.eye(count)[:1] if passing[0] else np.zeros((1, count))
        mean = float(np.linalg.solve((np.eye(count) - block).T, first[0]).sum()) if count else 0.0
    return Transients(count, int(msp.recurrent.sum()), tuple(mass), rate, mean)


def transient_block(msp: MixedStates) -> Float64[np.ndarray, "transient transient"]:
    """D, the transitions among the transient beliefs of a closed presentation, in their order. Raises ValueError if it is not
    closed."""
    if msp.recurrent is None:
        raise ValueError("an open presentation does not tell which of its beliefs are transient")
    place = np.cumsum(~msp.recurrent) - 1
    inside = np.flatnonzero(~msp.recurrent[msp.source] & ~msp.recurrent[msp.target])
    block = np.zeros((int((~msp.recurrent).sum()),) * 2)
    np.add.at(block, (place[msp.source[inside]], place[msp.target[inside]]), msp.probability[inside])
    return block


def total_uncertainty_nats(msp: MixedStates) -> float | None:
    """The sum over all lengths L = 0, 1, … of H[state | X_0:L] on a closed presentation whose recurrent beliefs are certain, from
    (1 - D) u = H[belief]. None if it is not closed, too large, or not certain."""
    if msp.recurrent is None or int((~msp.recurrent).sum()) > LARGEST_SOLVED:
        return None
    uncertainty = entropy_nats(msp.belief)
    if float(uncertainty[msp.recurrent].max(initial=0.0)) > 1e-9:
        return None
    if msp.recurrent[0]:
        return 0.0
    block = transient_block(msp)
    return float(np.linalg.solve(np.eye(len(block)) - block, uncertainty[~msp.recurrent])[0])
