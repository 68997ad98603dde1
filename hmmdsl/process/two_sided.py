"""Proven bounds on the excess entropy from both sides of the present, for processes with infinitely many beliefs.

Given the present hidden state R, past and future are independent. With b the belief about R from the past, c that from the future
(the belief of the reversed process) and pi the stationary distribution, Pr(past, future) / (Pr(past) Pr(future)) is
sum_i b_i c_i / pi_i = r, and

    E = I[past; future] = sum over b and c, each with its own probability, of r log r.

Let B be anything that is known of the past, and C of the future. Then I[B; C] <= E; and since E - I[B; C] is at most
I[past; future | B] + I[B; future | C] <= I[past; R | B] + I[future; R | C],

    I[B; C]  <=  E  <=  I[B; C] + (H[R | B] - H[R | past]) + (H[R | C] - H[R | future]).

B is which of some thousand cells the belief after the last tokens falls into. How many last tokens are read depends on
them: a word is read further back as long as the state that it began in, S, still tells much of R. The uncertainty is bounded by
H[R | past] >= H[R | word, S]. C likewise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.ensemble import MULTIPLIER, entropy_nats
from hmmdsl.process.process import Process

if TYPE_CHECKING:
    from jaxtyping import Float64

MOST_WORDS = 80_000
"""Words of either side."""

MOST_MADE = 4
"""Words that are made on the way, for each of the most that are kept."""

MOST_ROUNDS = 5_000
"""Times that words are made longer, over all (about a second)."""

LARGEST_TABLES = 2_000_000
"""Most numbers in the joint distributions of first and last state, all words together."""

MOST_STATES = 100
"""States of a process whose words would be too few to tell much."""

MOST_CELLS = 2_500
"""Cells of beliefs of either side; all pairs of them are visited."""

FINEST = 2.0**24
"""Cells along an edge of the simplex for the most probable beliefs."""

CLOSE_ENOUGH = 1e-15
"""What the first states of the words tell of the present one, in nats a word, that is not worth a longer word."""


@dataclass(frozen=True)
class _Side:
    """Beliefs about the present state from one side, with their probabilities; `missed_nats` is at most what they lack of
    all that the side tells of the state."""

    belief: Float64[np.ndarray, "cell state"]
    weight: Float64[np.ndarray, " cell"]
    missed_nats: float


def two_sided_bounds(process: Process, most_words: int = MOST_WORDS, most_cells: int = MOST_CELLS) -> tuple[float, float]:
    """A lower and an upper bound on E, in nats, of an ordinary process in its stationary start, which gives every state a weight;
    proven up to rounding. Raises ValueError for another process."""
    pi = process.eta
    if process.generalized or process.start_kind != "stationary" or not (pi > 0).all():
        raise ValueError(f"{process.name} is not an ordinary process in a stationary start of full support")
    most = max(1, min(most_words, LARGEST_TABLES // len(pi) ** 2))
    past = _side(pi[None, :, None] * process.T / pi[None, None, :], pi, most, most_cells)
    future = _side(process.T.transpose(0, 2, 1), pi, most, most_cells)
    shared = _mutual_information(past, future, pi)
    return shared, shared + past.missed_nats + future.missed_nats


def _side(
    steps: Float64[np.ndarray, "token state state"], pi: Float64[np.ndarray, " state"], most_words: int, most_cells: int
) -> _Side:
    """What one side tells; `steps` carry a joint distribution of the outermost and the present state one token outwards."""
    joint = _words(steps, pi, most_words)
    present = joint.sum(axis=1)
    outermost = joint.sum(axis=2)
    known = float((entropy_nats(joint.reshape(len(joint), -1)) - entropy_nats(outermost)).sum())
    weight = present.sum(axis=1)
    place = _cells(present / weight[:, None], weight, most_cells)
    merged = np.bincount(place, weight)
    belief = np.stack([np.bincount(place, column) for column in present.T], axis=1) / merged[:, None]
    return _Side(belief, merged, max(0.0, float(merged @ entropy_nats(belief)) - known))


def _words(
    steps: Float64[np.ndarray, "token state state"], pi: Float64[np.ndarray, " state"], most: int
) -> Float64[np.ndarray, "word state state"]:
    """Pr(word, outermost state, present state) for a complete set of words, those longest whose outermost state tells most."""
    joint = np.diag(pi)[None]
    told = _told(joint)
    threshold, made, rounds = 1.0, 0, 0
    within = True
    while within and threshold > CLOSE_ENOUGH:
        longer = told > threshold
        frontier = joint[longer]
        # What is long enough is put aside: a slow process has a few words that grow by one token thousands of times.
        kept, count = [(joint[~longer], told[~longer])], int((~longer).sum())
        while len(frontier):
            # Where few words occur and the state is never forgotten, words would grow for ever.
            made, rounds = made + len(frontier) * len(steps), rounds + 1
            within = count + len(frontier) * len(steps) <= most and made <= MOST_MADE * most and rounds <= MOST_ROUNDS
            if not within:
                kept.append((frontier, _told(frontier)))
                break
            extended = np.concatenate([step @ frontier for step in steps])
            extended = extended[extended.sum(axis=(1, 2)) > 0]
            tells = _told(extended)
            longer = tells > threshold
            kept.append((extended[~longer], tells[~longer]))
            count += int((~longer).sum())
            frontier = extended[longer]
        joint, told = np.concatenate([words for words, _ in kept]), np.concatenate([tells for _, tells in kept])
        threshold /= 4
    return joint


def _told(joint: Float64[np.ndarray, "word state state"]) -> Float64[np.ndarray, " word"]:
    """Pr(word) I[outermost state; present state | word], in nats."""
    apart = entropy_nats(joint.sum(axis=1)) + entropy_nats(joint.sum(axis=2))
    return np.asarray(apart - entropy_nats(joint.reshape(len(joint), -1)) - entropy_nats(joint.sum(axis=(1, 2))[:, None]))


def _cells(
    belief: Float64[np.ndarray, "word state"], weight: Float64[np.ndarray, " word"], most: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The cell of each belief: smaller ones for more probable beliefs, since a merge costs about weight times squared size."""
    mixing = np.array([pow(MULTIPLIER, i + 1, 2**63) for i in range(belief.shape[1])], dtype=np.int64)
    cost = 0.1 / most**2
    while True:
        edge = 2.0 ** np.clip(np.ceil(np.log2(weight / cost) / 2), 0, np.log2(FINEST))
        # Cells are told apart by a hash, which may wrap and collide: what a merge too many costs is counted like any other.
        number = np.rint(belief * edge[:, None]).astype(np.int64) @ mixing + edge.astype(np.int64)
        known, place = np.unique(number, return_inverse=True)
        if len(known) <= most or (edge == 1).all():
            return np.asarray(place.ravel())
        cost *= 2


def _mutual_information(past: _Side, future: _Side, pi: Float64[np.ndarray, " state"]) -> float:
    """I[B; C] in nats, over all pairs of cells."""
    ratio = past.belief / pi
    total = 0.0
    for first in range(0, len(ratio), 500):
        r = ratio[first : first + 500] @ future.belief.T
        total += float(past.weight[first : first + 500] @ (r * np.log(np.where(r > 0, r, 1.0))) @ future.weight)
    return max(0.0, total)
