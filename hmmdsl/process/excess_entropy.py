"""What the past tells of the future, and how soon that is found out: excess entropy E and transient information T.

    E = sum_{n >= 1} (h_n - h)          T = sum_{L >= 0} [E + h L - H(L)] = sum_{n >= 1} n (h_n - h)

(Crutchfield & Feldman 2003). On a closed mixed-state presentation with transitions W, stationary weights w and Z = (1 - W + 1
w)^-1, E = <start| Z |H - h> and T = <start| Z^2 |H - h> (Riechers & Crutchfield 2018). Otherwise the sums are taken to a depth D.
What is left of E then,

    sum_{n > D} (h_n - h) = I[past; X_D:inf | X_0:D]  <=  I[R_0; R_D | X_0:D] = H[R_D | X_0:D] - H[R_D | X_0:D, R_0],

is bounded by what the first hidden state R_0 still tells of the present one, which forgets it as words grow; of a generalized
HMM by what any memory of its size could tell (see quantum_memory.py). Where the former leaves much open, there are bounds from
both sides of the present (see two_sided.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.ensemble import Ensemble, entropy_nats, follow, from_known_state, from_start, largest_ensemble
from hmmdsl.process.entropies import DEEPEST, LN2, EntropyRate
from hmmdsl.process.measure import Measure, between, estimated
from hmmdsl.process.mixed_states import MixedStates
from hmmdsl.process.process import Process
from hmmdsl.process.quantum_memory import most_still_told
from hmmdsl.process.stationary import closed_classes
from hmmdsl.process.two_sided import MOST_STATES, two_sided_bounds

if TYPE_CHECKING:
    from jaxtyping import Float64

SETTLED = 1e-13
"""A rest of a sum below this (in nats) is rounding."""

FLOOR = 1e-12
"""Differences of entropies below this (in nats) are rounding."""

STILL = 10
"""Terms that differ by rounding only, one after another, are not falling any more."""

SLOWEST = 0.999
"""The slowest fall of myopic entropies, by a factor each token, that is told from none."""

WIDE = 0.01
"""Bounds by depth that are farther apart, in bits, are worth a second."""

LARGEST_PUSH = 200_000_000
"""Transitions times depths of the largest presentation that is followed (about a second)."""

LARGEST_TAIL = 0.1
"""An extrapolated tail has no more than this share of the sum before it."""


@dataclass(frozen=True)
class PastAndFuture:
    """E in bits, T in bit-tokens."""

    excess_entropy: Measure
    transient_information: Measure


def solved(msp: MixedStates, weights: Float64[np.ndarray, " belief"]) -> PastAndFuture:
    """E and T on a closed presentation, with its long-run weights."""
    n = len(msp)
    system = np.eye(n) + weights[None, :]
    np.subtract.at(system, (msp.source, msp.target), msp.probability)
    H = entropy_nats(msp.belief @ msp.process.emission)
    once = np.linalg.solve(system, H - weights @ H)
    twice = np.linalg.solve(system, once)
    return PastAndFuture(Measure(max(0.0, float(once[0])) / LN2), Measure(max(0.0, float(twice[0])) / LN2))


def pushed(msp: MixedStates, weights: Float64[np.ndarray, " belief"]) -> PastAndFuture | None:
    """The same on a closed presentation too large to solve: the share of each belief is followed by depth until nothing is left
    of what passes. None where that takes long."""
    passing = msp.recurrent is not None and ~msp.recurrent
    H = entropy_nats(msp.belief @ msp.process.emission)
    rate = float(weights @ H)
    now = np.zeros(len(msp))
    now[0] = 1.0
    excess = transient = 0.0
    for n in range(1, LARGEST_PUSH // len(msp.source)):
        term = float(now @ H) - rate
        excess, transient = excess + term, transient + n * term
        if float(now[passing].sum()) * n < SETTLED:
            return PastAndFuture(Measure(max(0.0, excess) / LN2), Measure(max(0.0, transient) / LN2))
        now = np.asarray(np.bincount(msp.target, now[msp.source] * msp.probability, len(msp)), dtype=np.float64)
    return None


def solved_from_start(msp: MixedStates) -> PastAndFuture:
    """The same where the beliefs settle in one of several classes, each with a rate of its own: the long-run share of each belief
    depends on where one begins, and stands in the place of the weights in all rows."""
    if msp.recurrent is None:
        raise ValueError("an open presentation has no long run")
    n = len(msp)
    W = np.zeros((n, n))
    np.add.at(W, (msp.source, msp.target), msp.probability)
    lasting = np.zeros((n, n))
    for members in closed_classes(dict.fromkeys(zip(msp.source.tolist(), msp.target.tolist(), strict=True), 1.0), n):
        inside = sorted(members)
        block = W[np.ix_(inside, inside)]
        own = np.linalg.lstsq(
            np.vstack([block.T - np.eye(len(block)), np.ones(len(block))]), np.eye(len(block) + 1)[-1], rcond=None
        )[0]
        lasting[np.ix_(inside, inside)] = own
    passing = np.flatnonzero(~msp.recurrent)
    within = W[np.ix_(passing, passing)]
    lasting[passing] = np.linalg.solve(np.eye(len(passing)) - within, W[passing][:, msp.recurrent] @ lasting[msp.recurrent])
    H = entropy_nats(msp.belief @ msp.process.emission)
    system = np.eye(n) - W + lasting
    once = np.linalg.solve(system, H - lasting @ H)
    twice = np.linalg.solve(system, once)
    return PastAndFuture(Measure(max(0.0, float(once[0])) / LN2), Measure(max(0.0, float(twice[0])) / LN2))


def by_depth(process: Process, rate: EntropyRate) -> PastAndFuture:
    """E and T of a stationary process from the words of growing length, E within proven bounds, T above one. A rest that is not
    yet small is taken to be geometric; None where it is not small enough for that."""
    high, low = rate.upper_bits * LN2, rate.lower_bits * LN2
    terms: list[float] = []
    least, most, greatest, least_transient = 0.0, float("inf"), 0.0, 0.0
    still = False
    for ensemble, rest in _levels(process):
        if rest is not None:
            most = min(most, greatest + rest)
            if terms and rest < SETTLED and high - low < SETTLED:
                break
        h = ensemble.entropy_nats()
        terms.append(h - rate.value_nats)
        least += max(0.0, h - high)
        least_transient += len(terms) * max(0.0, h - high)
        greatest += h - low
        # Where the terms stay at the rate's own error, more of them would only add it up.
        still = len(terms) > STILL and abs(terms[-1] - terms[-STILL]) < SETTLED
        if still or terms[-1] < FLOOR:
            break
    if rate.excess_bits is not None:
        least, most = max(least, rate.excess_bits[0] * LN2), min(most, rate.excess_bits[1] * LN2)
    if not process.generalized and len(process.states) <= MOST_STATES and most - least > WIDE * LN2:
        from_both = two_sided_bounds(process)
        least, most = max(least, from_both[0]), min(most, from_both[1])
    lower, upper = least / LN2, None if most == float("inf") else most / LN2
    # What these words lack of E comes later, and weighs more in T.
    least_transient += (len(terms) + 1) * max(0.0, least - greatest)
    unsettled = f"the myopic entropies have not settled after {len(terms)} tokens"
    error = max(rate.error_bits * LN2, terms[-1] if still else 0.0) + FLOOR
    n = np.arange(1, len(terms) + 1)
    sums = [float(np.sum(terms)), float(n @ terms)]
    errors = [len(terms) * error, len(terms) * (len(terms) + 1) / 2 * error]
    if terms[-1] >= FLOOR and not still:
        ratio = min(SLOWEST, (terms[-1] / terms[-3]) ** 0.5) if len(terms) > 2 and terms[-3] > 0 else SLOWEST
        tails = [terms[-1] * ratio / (1 - ratio), terms[-1] * ratio * (len(terms) / (1 - ratio) + 1 / (1 - ratio) ** 2)]
    else:
        tails = [0.0, 0.0]
    found = [
        estimated((max(0.0, total) + tail) / LN2, (off + tail) / LN2) if tail <= LARGEST_TAIL * total else None
        for total, tail, off in zip(sums, tails, errors, strict=True)
    ]
    excess = between(found[0], lower, upper, unsettled)
    transient = found[1]
    # What may be left of E weighs more than all tokens read: the rest need not be as small as the terms before had it. (What a
    # generalized HMM may still tell is bounded too loosely to say so.)
    left = (len(terms) + 1) * (most - least) / LN2 if not process.generalized else 0.0
    if transient is not None and left > LARGEST_TAIL * (transient.bits or 0.0):
        transient = None
    return PastAndFuture(excess, between(transient, least_transient / LN2, None, unsettled))


def _levels(process: Process) -> Iterator[tuple[Ensemble, float | None]]:
    """The beliefs after so many tokens, and at most how much the past still tells, in nats, as long as that is known."""
    largest = largest_ensemble(process)
    above = follow(process, from_start(process), largest, DEEPEST)
    if process.generalized:
        told = most_still_told(process) if process.start_kind == "stationary" else None
        yield from ((ensemble, None if told is None else told(ensemble)) for ensemble in above)
        return
    below = follow(process, from_known_state(process), largest, DEEPEST)
    for ensemble in above:
        known = next(below, None)
        yield ensemble, None if known is None else max(0.0, _state_entropy(ensemble) - _state_entropy(known))


def _state_entropy(ensemble: Ensemble) -> float:
    """H[R_L | X_0:L] in nats."""
    return float(ensemble.weight @ entropy_nats(ensemble.belief))
