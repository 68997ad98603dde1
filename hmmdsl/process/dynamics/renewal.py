"""C_mu of a process with countably many causal states, from the words since the belief was last reset.

Let the word w reset the belief to b_w. In the long run the belief is that after the word u since w came last, with probability
Pr(u and no w in it | b_w) / E[tokens from one w to the next]. With A the operators among the beliefs and the progress through w,
those that complete w left out, the words of n tokens have the share b_w A^n r, and all together b_w (1 - A)^-1 r, exactly. So
when the words up to some depth have been enumerated, the share d of those left out is known, and

    (1 - d) H  <=  C_mu  <=  (1 - d) H + h2(d) + d (log(1 + m) + 1 + n log V),

with H the entropy of the beliefs found, n the mean length of the words left out, m how much of that is beyond the depth: a length
of mean m has an entropy of at most log(1 + m) + 1 nats (Cover & Thomas 2006, Sec. 12), and V^n words have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.dynamics.predictive_form import PredictiveForm
from hmmdsl.process.ensemble import entropy_nats
from hmmdsl.process.entropies import LN2
from hmmdsl.process.measure import Measure, between

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

FINE, COARSE = 2.0**-46, 2.0**-38
"""Beliefs whose coordinates agree this closely are merged. Merging too many lowers the entropy, too few raises it."""

MOST_BELIEFS = 200_000
"""Beliefs that are enumerated, of all depths."""

LARGEST_LEVEL = 20_000
"""Or of one depth."""

DEEPEST = 3000
"""Tokens after a reset that are followed."""

NONE_LEFT = 1e-15
"""A share of words that is none."""


def _failures(word: tuple[int, ...], tokens: int) -> Int64[np.ndarray, "progress token"]:
    """How much of the word the last tokens are, by how much they were before and the token read (Knuth, Morris & Pratt 1977)."""
    k = len(word)
    table = np.zeros((k + 1, tokens), dtype=np.int64)
    for progress in range(k + 1):
        for x in range(tokens):
            read = (*word[:progress], x)
            table[progress, x] = next(n for n in range(min(k, progress + 1), -1, -1) if read[len(read) - n :] == word[:n])
    return table


@dataclass(frozen=True)
class _Left:
    """Of the words left out: their expected number, and the sum of their lengths beyond the depth."""

    mass: float
    beyond: float


class _Survival:
    """Expected numbers of words, by the operators that don't complete the reset word."""

    def __init__(self, form: PredictiveForm, table: Int64[np.ndarray, "progress token"]) -> None:
        k, d = len(table) - 1, form.dimensions
        self.d = d
        chain = np.zeros((k * d, k * d))
        for progress in range(k):
            for x in range(len(form.T)):
                after = int(table[progress, x])
                if after < k:
                    chain[progress * d : (progress + 1) * d, after * d : (after + 1) * d] += form.T[x]
        system = np.eye(k * d) - chain
        self.visits = np.linalg.solve(system, np.tile(form.right, k))
        self.lengths = np.linalg.solve(system, chain @ self.visits)

    def left(self, vectors: Float64[np.ndarray, "belief d"], progress: Int64[np.ndarray, " belief"]) -> _Left:
        """Of words that go on from unnormalized beliefs, these included."""
        columns = progress[:, None] * self.d + np.arange(self.d)
        return _Left(float((vectors * self.visits[columns]).sum()), float((vectors * self.lengths[columns]).sum()))


def renewal_complexity(form: PredictiveForm, word: tuple[int, ...]) -> Measure:
    """C_mu of a stationary ergodic process whose belief `word` resets, within bounds that hold up to the comparison of beliefs in
    float64."""
    V = len(form.T)
    table = _failures(word, V)
    k = len(word)
    after = form.start
    for x in word:
        after = after @ form.T[x]
        after = after / (after @ form.right)
    border = next(n for n in range(k - 1, -1, -1) if word[k - n :] == word[:n])
    survival = _Survival(form, table)
    belief, weight, progress = after[None, :], np.ones(1), np.array([border])
    total = survival.left(belief, progress).mass
    found: list[tuple[Float64[np.ndarray, "belief d"], Float64[np.ndarray, " belief"]]] = []
    left = survival.left(belief, progress)
    enumerated = depth = 0
    while left.mass > NONE_LEFT * total and depth < DEEPEST:
        if len(weight) > LARGEST_LEVEL or enumerated + len(weight) > MOST_BELIEFS:
            break
        found.append((belief, weight))
        enumerated += len(weight)
        depth += 1
        following, mass = belief @ form.T, belief @ (form.T @ form.right).T
        next_progress = table[progress].T
        keep = (next_progress < k) & (mass.T > 1e-13) & (weight * mass.T > 1e-300)
        weight = (weight * mass.T)[keep]
        belief = following[keep] / mass.T[keep][:, None]
        progress = next_progress[keep]
        if not len(weight):
            left = _Left(0.0, 0.0)
            break
        belief, weight, progress = _merged(belief, weight, progress)
        left = survival.left(belief * weight[:, None], progress)
    beliefs, weights = np.concatenate([b for b, _ in found]), np.concatenate([w for _, w in found])
    share = min(1.0, max(0.0, left.mass / total))
    entropies = [float(entropy_nats(_shares(beliefs, weights, tolerance))) for tolerance in (COARSE, FINE)]
    lower, upper = (1 - share) * min(entropies), (1 - share) * max(entropies)
    if share > 0 and left.mass > 0:
        beyond = left.beyond / left.mass
        upper += -share * log(share) + max(0.0, -(1 - share) * log(max(1 - share, 1e-300)))
        upper += share * (log(1 + beyond) + 1 + (depth + beyond) * log(max(2, V)))
    reason = f"countably many causal states, whose entropy is not known well after {depth} tokens since the last reset"
    return between(None, lower / LN2, upper / LN2, reason)


def _keys(belief: Float64[np.ndarray, "belief d"], tolerance: float) -> Int64[np.ndarray, "belief 2"]:
    """Two generic projections in steps of the tolerance."""
    index = np.arange(belief.shape[1])
    directions = np.stack([np.cos(1.0 + index**2), np.cos(2.0 + np.sqrt(2.0) * index**2)], axis=1)
    return np.asarray(np.rint(belief @ directions / tolerance).astype(np.int64))


def _merged(
    belief: Float64[np.ndarray, "belief d"], weight: Float64[np.ndarray, " belief"], progress: Int64[np.ndarray, " belief"]
) -> tuple[Float64[np.ndarray, "belief d"], Float64[np.ndarray, " belief"], Int64[np.ndarray, " belief"]]:
    """Those of one depth that are equal, within rounding, and have come as far through the reset word."""
    keys = np.concatenate([_keys(belief, FINE), progress[:, None]], axis=1)
    _, first, place = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return belief[first], np.bincount(place.ravel(), weight), progress[first]


def _shares(
    belief: Float64[np.ndarray, "belief d"], weight: Float64[np.ndarray, " belief"], tolerance: float
) -> Float64[np.ndarray, " distinct"]:
    """The probabilities of the distinct beliefs."""
    _, place = np.unique(_keys(belief, tolerance), axis=0, return_inverse=True)
    shares = np.bincount(place.ravel(), weight)
    return np.asarray(shares / shares.sum())
