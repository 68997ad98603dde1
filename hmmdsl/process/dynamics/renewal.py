"""C_mu of a process with countably many causal states, from the words since the belief was last reset.

Let the word w reset the belief to b_w. In the long run the belief is that after the word u since w came last, with probability
Pr(u and no w in it | b_w) / E[tokens from one w to the next]. With A the operators among the beliefs and the progress through w,
those that complete w left out, the words of n tokens have the share b_w A^n r, and all together b_w (1 - A)^-1 r, exactly. So
when the words up to some depth have been enumerated, the share d of those left out is known, and

    (1 - d) H  <=  C_mu  <=  (1 - d) H + h2(d) + d (g(m) + n log V),

with H the entropy of the beliefs found, n the mean length of the words left out, m how much of that is beyond the depth: a length
of mean m has an entropy of at most g(m) = (1 + m) log(1 + m) - m log m nats (Cover & Thomas 2006, Sec. 12), and V^n words have
it, V the tokens that may follow but w's own where it is one token.

Which of the beliefs found are equal is never read off how near they are: beliefs come closer and closer, and stay different for
ever. There are three ways.

An *age*: w is one token, and only one other, y, ever comes before it comes again. Then the belief is b_n = b_w T_y^n, with n the
tokens since. If two ages i < j have one belief, then so have d and d + j - i, for d dimensions, since T_y is invertible on the
span of all b_n with n >= d. So if b_d never comes back, all ages are different beliefs, and C_mu is the entropy of their weights,
which are known to any depth. Numbers that differ modulo a prime are different.

*In integers*, with exact operators: beliefs are equal if and only if their integers are.

*In floats* otherwise: H is bounded from below by merging all that are near, from above by merging no two of different length.
What rounding does to a belief may grow from token to token, as where a state is left for ever by words that seldom come: a belief
that is not known as well as near is near is followed no further, and its words are among those left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, log
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.algebra.spans import effort
from hmmdsl.process.distinct import distinct
from hmmdsl.process.dynamics.predictive_form import Integers, PredictiveForm
from hmmdsl.process.ensemble import entropy_nats
from hmmdsl.process.entropies import LN2
from hmmdsl.process.measure import Measure, between

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

FINE, COARSE = 2.0**-46, 2.0**-38
"""Floats this close are equal but for rounding, and floats this close may be."""

MOST_BELIEFS = 200_000
"""Beliefs that are enumerated in floats, of all depths."""

LARGEST_LEVEL = 20_000
"""Or of one depth."""

DEEPEST = 3000
"""Tokens after a reset that are followed."""

MOST_EXACT, MOST_WORK = 30_000, 2_000_000
"""Beliefs that are enumerated in integers, and products of small numbers that this may take (about half a second)."""

NONE_LEFT = 1e-15
"""A share of words that is none."""

OLDEST = 2**20
"""Ages that are summed."""

NEVER = 1e-13
"""The probability of a token that does not come, where there are floats."""

AGES_COMPARED = 5040
"""Ages that are compared with one. A belief that returns does so because a power of T_y is a multiple of 1; the ratios of its
eigenvalues are roots of unity then, and in up to five dimensions over the rationals the power is no higher than this."""

APART, SPREAD = 1e-6, 1e-6
"""How far two ages' beliefs, and two sizes of eigenvalues as a share of the larger, are apart to count as different in floats."""

LOST, INVERTIBLE = 1e-13, 1e-9
"""The shares of the largest singular value that are surely zero, and surely not, where there are floats."""

PRIME = 2**61 - 1
"""Numbers that differ modulo a prime are different."""


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


@dataclass(frozen=True)
class _Since:
    """The words since `word` came last: how much of it the last tokens are by what they were and the token read, and by how much
    the belief after it begins."""

    form: PredictiveForm
    word: tuple[int, ...]
    table: Int64[np.ndarray, "progress token"]
    survival: _Survival
    belief: Float64[np.ndarray, " d"]
    border: int

    @staticmethod
    def of(form: PredictiveForm, word: tuple[int, ...]) -> _Since:
        belief = form.start
        for x in word:
            belief = belief @ form.T[x]
            belief = belief / (belief @ form.right)
        k = len(word)
        border = next(n for n in range(k - 1, -1, -1) if word[k - n :] == word[:n])
        table = _failures(word, len(form.T))
        return _Since(form, word, table, _Survival(form, table), belief, border)

    @property
    def followers(self) -> int:
        """How many tokens may come next without an end."""
        return max(1, len(self.form.occurring()) - (len(self.word) == 1))

    def bounds_nats(self, found: tuple[float, float], left: _Left, total: float, depth: int) -> tuple[float, float]:
        """C_mu between the entropies of the beliefs found, at least and at most, and of those left out."""
        share = min(1.0, max(0.0, left.mass / total))
        lower, upper = ((1 - share) * entropy for entropy in found)
        if share > 0 and left.mass > 0:
            beyond = max(0.0, left.beyond / left.mass)
            upper += -share * log(share) - (1 - share) * log(max(1 - share, 1e-300))
            upper += share * (_most_of_mean(beyond) + (depth + beyond) * log(self.followers))
        rounding = 4 * float(np.finfo(np.float64).eps) * (8 + total) * (1 + upper)
        return max(0.0, lower - rounding), upper + rounding


def _most_of_mean(mean: float) -> float:
    """The most that a number 0, 1, 2, … of this mean may have of entropy, in nats."""
    return (1 + mean) * log(1 + mean) - (mean * log(mean) if mean > 0 else 0.0)


def renewal_complexity(form: PredictiveForm, word: tuple[int, ...]) -> Measure:
    """C_mu of a stationary ergodic process whose belief `word` resets, within bounds: proven up to rounding where the form is
    exact, however near beliefs are to each other."""
    since = _Since.of(form, word)
    token = _only_follower(since)
    if token is not None:
        found = _of_ages(since, token)
        if found is not None:
            return found
    return _in_floats(since) if form.exact is None else _in_integers(since, form.exact)


def _only_follower(since: _Since) -> int | None:
    """The one token that may come before the reset word, which is one token, comes again."""
    form, others = since.form, [x for x in since.form.occurring() if x not in since.word]
    if len(since.word) > 1:
        return None
    vector, comes = since.belief, set[int]()
    for _ in range(form.dimensions + 1):
        probability = [float(vector @ form.T[x] @ form.right) for x in others]
        comes |= {x for x, p in zip(others, probability, strict=True) if p > NEVER}
        if len(comes) != 1:
            return None
        (token,) = comes
        after = vector @ form.T[token]
        if after @ form.right <= NEVER:
            break
        vector = after / (after @ form.right)
    return next(iter(comes))


def _of_ages(since: _Since, token: int) -> Measure | None:
    """C_mu where the belief is a function of the age alone, and all ages are different; None where that is not seen."""
    form, A = since.form, since.form.T[token]
    block, power = since.belief[None, :], A
    most = max(2, OLDEST // form.dimensions)
    total = since.survival.left(block, np.zeros(1, dtype=np.int64)).mass
    while True:
        left = since.survival.left(block[-1:] @ A, np.zeros(1, dtype=np.int64))
        if left.mass <= NONE_LEFT * total or len(block) >= most:
            break
        block, power = np.concatenate([block, block @ power]), power @ power
    weights = np.maximum(block @ form.right, 0.0)
    weights = weights[weights > 0]
    size = np.abs(np.linalg.eigvals(A))
    spread = bool(size.min() < (1 - SPREAD) * size.max())
    compared = min(len(weights), AGES_COMPARED)
    if compared < len(weights) and not spread and (form.exact is None or form.dimensions > 5):
        return None
    different = (
        _never_returns(A, since.belief, compared) if form.exact is None else _never_returns_exactly(since, token, compared)
    )
    if not different:
        return None
    entropy = float(entropy_nats(weights / weights.sum()))
    lower, upper = since.bounds_nats((entropy, entropy), left, total, len(weights))
    reason = f"countably many causal states, whose entropy is not known well after {len(weights):,} tokens since the last reset"
    return between(None, float(lower) / LN2, float(upper) / LN2, reason)


def _never_returns(A: Float64[np.ndarray, "d d"], belief: Float64[np.ndarray, " d"], ages: int) -> bool:
    """Whether the belief is surely another at each of so many ages, in floats: once the operator has lost the directions that it
    loses to rounding, and where it is surely invertible on the rest."""
    vector, rows, kept = belief / np.linalg.norm(belief), np.eye(len(A)), 0
    while kept != len(rows):
        kept = len(rows)
        _, size, directions = np.linalg.svd(rows @ A, full_matrices=False)
        if ((size > LOST * size[0]) & (size < INVERTIBLE * size[0])).any():
            return False
        rows = directions[size > LOST * size[0]]
        if len(rows) < kept:
            vector = vector @ A
            vector = vector / np.linalg.norm(vector)
    first = vector
    for _ in range(ages):
        vector = vector @ A
        vector = vector / np.linalg.norm(vector)
        if min(np.abs(vector - first).max(), np.abs(vector + first).max()) < APART:
            return False
    return True


def _never_returns_exactly(since: _Since, token: int, ages: int) -> bool:
    """Whether the belief at the age d is another than at so many later ones: if not modulo a prime, then not at all."""
    operators = since.form.exact or ()
    rows = [[value % PRIME for value in row] for row in operators[token]]
    size = range(len(rows))
    vector = [value % PRIME for value in _after_reset(operators, since.word)]

    def step(v: list[int]) -> list[int]:
        return [sum(v[i] * rows[i][j] for i in size) % PRIME for j in size]

    for _ in size:
        vector = step(vector)
    place = next((i for i in size if vector[i]), None)
    if place is None:
        return False
    first, scale = vector, pow(vector[place], -1, PRIME)
    first = [value * scale % PRIME for value in first]
    for _ in range(ages):
        vector = step(vector)
        if all((value - vector[place] * other) % PRIME == 0 for value, other in zip(vector, first, strict=True)):
            return False
    return True


def _after_reset(operators: tuple[Integers, ...], word: tuple[int, ...]) -> list[int]:
    """The belief after the reset word in integers: any row of its operator, which has rank one."""
    for i in range(len(operators[0])):
        row = [int(k == i) for k in range(len(operators[0]))]
        for x in word:
            row = [sum(a * operators[x][k][j] for k, a in enumerate(row) if a) for j in range(len(row))]
        if sum(row):
            divisor = gcd(*row) * (1 if sum(row) > 0 else -1)
            return [value // divisor for value in row]
    raise ValueError("a word that never comes resets nothing")


def _in_integers(since: _Since, operators: tuple[Integers, ...]) -> Measure:
    """C_mu from beliefs that are compared exactly, as many as the budget allows."""
    k, work = len(since.word), MOST_WORK
    start = tuple(_after_reset(operators, since.word))
    scale = sum(sum(matrix[0]) for matrix in operators)
    level: dict[tuple[tuple[int, ...], int], float] = {(start, since.border): 1.0}
    shares: dict[tuple[int, ...], float] = {}
    total = _left(since, level).mass
    depth = enumerated = 0
    while level and depth < DEEPEST and enumerated + len(level) <= MOST_EXACT and work > 0:
        following: dict[tuple[tuple[int, ...], int], float] = {}
        for (vector, progress), weight in level.items():
            shares[vector] = shares.get(vector, 0.0) + weight
            whole = sum(vector) * scale
            work -= effort(max(vector, key=abs)) * len(operators) * len(vector) ** 2
            for x, matrix in enumerate(operators):
                after = int(since.table[progress, x])
                if after == k:
                    continue
                moved = [sum(a * row[j] for a, row in zip(vector, matrix, strict=True) if a) for j in range(len(vector))]
                mass = sum(moved)
                # In a generalized HMM a sum of both signs is exactly zero where a token cannot come.
                if mass > 0 and (fresh := weight * (mass / whole)) > 1e-300:
                    divisor = gcd(*moved)
                    place = (tuple(value // divisor for value in moved), after)
                    following[place] = following.get(place, 0.0) + fresh
        enumerated += len(level)
        depth += 1
        level = following
        if _left(since, level).mass <= NONE_LEFT * total:
            break
    found = np.array(list(shares.values()))
    entropy = float(entropy_nats(found / found.sum()))
    lower, upper = since.bounds_nats((entropy, entropy), _left(since, level), total, depth)
    return between(None, float(lower) / LN2, float(upper) / LN2, _unknown(depth))


def _left(since: _Since, level: dict[tuple[tuple[int, ...], int], float]) -> _Left:
    if not level:
        return _Left(0.0, 0.0)
    vectors = np.array([[value / sum(vector) * weight for value in vector] for (vector, _), weight in level.items()])
    return since.survival.left(vectors, np.array([progress for _, progress in level]))


def _unknown(depth: int) -> str:
    return f"countably many causal states, whose entropy is not known well after {depth:,} tokens since the last reset"


def _in_floats(since: _Since) -> Measure:
    """C_mu from beliefs in floats: between what merging all that are near makes of their entropy, and merging only those of one
    length that differ by rounding."""
    form, k = since.form, len(since.word)
    rounding = _Rounding.of(form)
    belief, weight, progress = since.belief[None, :], np.ones(1), np.array([since.border])
    error = rounding.once(belief)
    left = since.survival.left(belief, progress)
    total = left.mass
    found: list[tuple[Float64[np.ndarray, "belief d"], Float64[np.ndarray, " belief"]]] = []
    unknown: list[tuple[int, _Left]] = []
    enumerated = depth = 0
    while left.mass > NONE_LEFT * total and depth < DEEPEST:
        if len(weight) > LARGEST_LEVEL or enumerated + len(weight) > MOST_BELIEFS:
            break
        found.append((belief, weight))
        enumerated += len(weight)
        depth += 1
        following, mass = belief @ form.T, belief @ (form.T @ form.right).T
        next_progress = since.table[progress].T
        keep = (next_progress < k) & (mass.T > NEVER) & (weight * mass.T > 1e-300)
        token, source = np.nonzero(keep)
        weight = (weight * mass.T)[keep]
        belief = following[keep] / mass.T[keep][:, None]
        progress = next_progress[keep]
        error = error[source] * rounding.growth(token, belief, mass.T[keep]) + rounding.once(belief)
        known = error < COARSE / 4
        if not known.all():
            unknown.append((depth, since.survival.left(belief[~known] * weight[~known, None], progress[~known])))
            belief, weight, progress, error = belief[known], weight[known], progress[known], error[known]
        if not len(weight):
            left = _Left(0.0, 0.0)
            break
        same = distinct(np.concatenate([progress[:, None], belief], axis=1), FINE)
        first = np.unique(same, return_index=True)[1]
        largest = np.zeros(len(first))
        np.maximum.at(largest, same, error)
        belief, weight, progress = belief[first], np.asarray(np.bincount(same, weight), dtype=np.float64), progress[first]
        error = largest
        left = since.survival.left(belief * weight[:, None], progress)
    if unknown:  # words that were left at several depths: their lengths are counted from the reset
        cut = [*unknown, (depth, left)]
        left = _Left(sum(each.mass for _, each in cut), sum(each.beyond + at * each.mass for at, each in cut))
    beliefs, weights = np.concatenate([b for b, _ in found]), np.concatenate([w for _, w in found])
    merged = np.bincount(distinct(beliefs, COARSE), weights)
    entropies = tuple(float(entropy_nats(shares / shares.sum())) for shares in (merged, weights))
    lower, upper = since.bounds_nats((entropies[0], entropies[1]), left, total, 0 if unknown else depth)
    return between(None, float(lower) / LN2, float(upper) / LN2, _unknown(depth))


@dataclass(frozen=True)
class _Rounding:
    """How far rounding moves beliefs: a change of one, which leaves its sum alone, by the derivative of the next in it."""

    form: PredictiveForm
    T: Float64[np.ndarray, "token d d"]
    emitted: Float64[np.ndarray, "token d"]

    @staticmethod
    def of(form: PredictiveForm) -> _Rounding:
        right = form.right / np.linalg.norm(form.right)
        across = np.eye(form.dimensions) - np.outer(right, right)
        return _Rounding(form, across @ form.T, form.T @ form.right @ across)

    def once(self, belief: Float64[np.ndarray, "belief d"]) -> Float64[np.ndarray, " belief"]:
        """What computing beliefs once may change of them."""
        size = np.linalg.norm(belief, axis=1) + 1
        return np.asarray(float(np.finfo(np.float64).eps) * self.form.dimensions * size, dtype=np.float64)

    def growth(
        self, token: Int64[np.ndarray, " belief"], belief: Float64[np.ndarray, "belief d"], mass: Float64[np.ndarray, " belief"]
    ) -> Float64[np.ndarray, " belief"]:
        """By how much a change becomes larger, at most, where these tokens led to these beliefs: the Frobenius norm of
        (T_x - T_x r belief) / mass, on changes that leave the sum."""
        whole = (self.T**2).sum(axis=(1, 2))[token]
        mixed = np.einsum("xi,xij->xj", self.emitted, self.T)[token]
        square = whole - 2 * (mixed * belief).sum(axis=1) + (self.emitted**2).sum(axis=1)[token] * (belief**2).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(square, 0.0)) / mass, dtype=np.float64)
