"""Lyapunov exponents of the belief maps, and the dimension that they give.

Reading token x takes the belief b to b T[x] / (b T[x] r). Along a typical word the product T[x1] T[x2] … stretches directions by
the exponents chi_1 >= chi_2 >= …; the normalized maps contract differences of beliefs by

    lambda_i = chi_{i+1} - chi_1      in nats a token

(Benettin et al. 1980; QR factors after each token). The Lyapunov dimension (Kaplan & Yorke 1979; for beliefs Jurgens &
Crutchfield 2021) puts the entropy rate h against them: with k the most exponents whose sum stays above -h,

    d = k + (h + lambda_1 + … + lambda_k) / |lambda_{k+1}|.

It is an upper bound of the information dimension where images of different tokens' maps overlap, and of two states equal to it
where they don't. Of two states the exponent is known: chi_1 = -h and chi_1 + chi_2 = sum_x Pr(x) log |det T[x]|.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.process.dynamics.cloud import advance
from hmmdsl.process.entropies import LN2, EntropyRate
from hmmdsl.process.process import Process

if TYPE_CHECKING:
    from jaxtyping import Float64

OBSERVERS = 256
"""Independent words that are read: the blocks of the standard errors."""

FORGOTTEN = 60
"""Tokens before the exponents are averaged."""

MEASURED = 300
"""Tokens of each word that they are averaged over."""

LARGEST_WORK = 400_000_000
"""Most multiplications (about a second)."""

FEWEST = 16
"""Words needed for a standard error."""

SINGULAR = 1e-13
"""A factor below this is a direction that is lost."""


@dataclass(frozen=True)
class Lyapunov:
    """`exponents` in nats a token, largest first, minus infinity where the maps lose a direction; `errors` their standard errors.
    `dimension` with its standard error, `upper_bound_only` unless it is known to be the information dimension. `tokens` is how
    many were read in all, 0 where the exponent is known without. All empty with a `reason` where they cannot be had."""

    exponents: tuple[float, ...]
    errors: tuple[float, ...]
    dimension: float | None
    error: float | None
    upper_bound_only: bool
    tokens: int
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain data; minus infinity is null."""
        finite = [np.isfinite(value) for value in self.exponents]
        return {
            "exponents": [value if good else None for value, good in zip(self.exponents, finite, strict=True)],
            "errors": [value if good else None for value, good in zip(self.errors, finite, strict=True)],
            "dimension": self.dimension,
            "error": self.error,
            "upper_bound_only": self.upper_bound_only,
            "tokens": self.tokens,
            "reason": self.reason,
        }


def lyapunov(process: Process, rate: EntropyRate, seed: int = 0) -> Lyapunov:
    """The spectrum of a stationary ergodic process, ordinary or generalized; the same seed gives the same."""
    S = len(process.states)
    if S == 1:
        return Lyapunov((), (), 0.0, 0.0, False, 0, "one state")
    h, h_error = rate.value_nats, rate.error_bits * LN2
    if S == 2 and process.start_kind == "stationary":
        volume = _mean_log_volume(process)
        exponent = volume + 2 * h
        dimension = lyapunov_dimension(h, np.array([exponent]))
        change = abs(lyapunov_dimension(h + h_error, np.array([volume + 2 * (h + h_error)])) - dimension)
        return Lyapunov((exponent,), (2 * h_error,), dimension, change, not _apart(process), 0)
    words = min(OBSERVERS, LARGEST_WORK // ((FORGOTTEN + MEASURED) * max(S**3, S * len(process.tokens))))
    if words < FEWEST:
        return Lyapunov((), (), None, None, True, 0, f"{S:,} states are too many to follow how they contract")
    exponents = _measured(process, words, seed)
    mean = exponents.mean(axis=0)
    with np.errstate(invalid="ignore"):
        errors = np.where(np.isfinite(mean), exponents.std(axis=0, ddof=1) / np.sqrt(words), 0.0)
        others = np.where(np.isfinite(mean), (words * mean - exponents) / (words - 1), -np.inf)
    dimension = lyapunov_dimension(h, mean)
    left_out = np.array([lyapunov_dimension(h, each) for each in others])
    jackknife = float(np.sqrt((words - 1) / words * ((left_out - left_out.mean()) ** 2).sum()))
    change = abs(lyapunov_dimension(h + h_error, mean) - dimension)
    return Lyapunov(
        tuple(map(float, mean)), tuple(map(float, errors)), dimension, float(np.hypot(jackknife, change)), True, words * MEASURED
    )


def lyapunov_dimension(rate_nats: float, exponents: Float64[np.ndarray, " exponent"]) -> float:
    """The Kaplan-Yorke dimension of belief maps with this entropy rate; at most the number of exponents, all of which are
    negative.

    >>> round(lyapunov_dimension(float(np.log(2)), np.array([-np.log(3)])), 6)
    0.63093
    """
    total = rate_nats
    for k, exponent in enumerate(exponents):
        if total + exponent <= 0:
            return k + float(total / -exponent) if np.isfinite(exponent) and exponent else float(k)
        total += exponent
    return float(len(exponents))


def _measured(process: Process, words: int, seed: int) -> Float64[np.ndarray, "word exponent"]:
    """lambda_1, …, lambda_{S-1} along independent words."""
    S = len(process.states)
    rng = np.random.default_rng(seed)
    belief = np.repeat(process.eta[None, :] / (process.eta @ process.r), words, axis=0)
    frame = np.linalg.qr(rng.standard_normal((words, S, S)))[0]
    total = np.zeros((words, S))
    transposed = process.T.transpose(0, 2, 1)
    for position in range(FORGOTTEN + MEASURED):
        belief, token = advance(process, belief, rng.random(words))
        frame, factors = np.linalg.qr(transposed[token] @ frame)
        size = np.abs(np.diagonal(factors, axis1=1, axis2=2))
        if position >= FORGOTTEN:
            lost = size < SINGULAR * size[:, :1]
            total += np.where(lost, -np.inf, np.log(np.where(lost, 1.0, size)))
    chi = total / MEASURED
    return np.asarray(chi[:, 1:] - chi[:, :1])


def _mean_log_volume(process: Process) -> float:
    """sum_x Pr(x) log |det T[x]|, in nats."""
    share = process.eta @ process.emission
    size = np.abs(np.linalg.det(process.T))
    if (size[share > 0] < SINGULAR).any():
        return -np.inf
    return float(share[share > 0] @ np.log(size[share > 0]))


def _apart(process: Process) -> bool:
    """Whether the images of the belief interval of two states under different tokens are disjoint."""
    if process.generalized:
        return False
    images = []
    for T in process.T:
        rows = T[T.sum(axis=1) > 0]
        if len(rows):
            corners = rows[:, 0] / rows.sum(axis=1)
            images.append((float(corners.min()), float(corners.max())))
    return all(
        low > other_high or other_low > high for k, (low, high) in enumerate(images) for other_low, other_high in images[:k]
    )
