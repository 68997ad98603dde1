"""The entropy rate of a process with infinitely many beliefs, from the Poisson equation of its belief chain.

Reading tokens moves the belief b to f_x(b) with probability p_x(b). If a bounded function g and a number h satisfy

    g(b) - sum_x p_x(b) g(f_x(b)) = H(b) - h        for every belief b that occurs,

with H(b) the entropy of the next token, then h is the entropy rate: average both sides over the stationary distribution of
beliefs (Blackwell 1957). Where the equation is missed by a residual r(b), the rate is h plus the stationary average of r, so
it is missed by at most max |r|. We take g polynomial in the leading coordinates of the beliefs that occur, fit it by least
squares to a part of them, and measure the residual on others: an estimate of the error, not a proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.dynamics.cloud import forgetting
from hmmdsl.process.ensemble import SMALLEST_TOKEN, Ensemble, entropy_nats
from hmmdsl.process.process import Process

if TYPE_CHECKING:
    from jaxtyping import Float64

LARGEST_BASIS = 300
"""Most polynomials that g is made of."""

FITTED = 3
"""Beliefs fitted for each polynomial."""

LARGEST_MEAN = 4000
"""Most beliefs of one ensemble that the residual is averaged over."""

ROUNDING = 1e-13
"""Rounding error of a mean, in nats, that no difference shows."""

OUTSIDE = 1.5
"""Beliefs farther outside the box, in halves of its edge, count as at its border: polynomials grow without bounds there, and the
equation asks for no polynomial in particular."""

NEGLIGIBLE = 1e-9
"""A coordinate with a smaller share of the beliefs' spread is left out."""


DEVIATIONS = 4
"""The sample's error is so many standard errors."""


@dataclass(frozen=True)
class PoissonSolution:
    """`rate_nats`, with its estimated error; the degree and number of the polynomials; `drawn`, how many long-run beliefs the
    residual was averaged over, 0 where enumerated ensembles did better."""

    rate_nats: float
    error_nats: float
    degree: int
    polynomials: int
    drawn: int = 0


class _Basis:
    """Products of Chebyshev polynomials up to a total degree, in principal coordinates scaled to the beliefs' box."""

    def __init__(self, beliefs: Float64[np.ndarray, "belief state"], largest: int) -> None:
        self.centre = beliefs.mean(axis=0)
        _, spread, axes = np.linalg.svd(beliefs - self.centre, full_matrices=False)
        self.axes = axes[spread > NEGLIGIBLE * spread[0]].T
        coordinates = (beliefs - self.centre) @ self.axes
        low, high = coordinates.min(axis=0), coordinates.max(axis=0)
        self.middle, self.half = (low + high) / 2, (high - low) / 2
        d = self.axes.shape[1]
        self.degree = 1
        while comb(d + self.degree + 1, d) <= largest and self.degree < 60:
            self.degree += 1
        total = [
            [choice.count(axis) for axis in range(d)]
            for n in range(1, self.degree + 1)
            for choice in combinations_with_replacement(range(d), n)
        ]
        self.exponents = np.array(total)

    def __call__(self, beliefs: Float64[np.ndarray, "belief state"]) -> Float64[np.ndarray, "belief polynomial"]:
        z = np.clip(((beliefs - self.centre) @ self.axes - self.middle) / self.half, -OUTSIDE, OUTSIDE)
        values = np.ones((len(beliefs), len(self.exponents)))
        for axis in range(z.shape[1]):
            powers = np.empty((self.degree + 1, len(beliefs)))
            powers[0], powers[1] = 1.0, z[:, axis]
            for n in range(2, self.degree + 1):
                powers[n] = 2 * z[:, axis] * powers[n - 1] - powers[n - 2]
            values *= powers[self.exponents[:, axis]].T
        return values


def _thinned(ensembles: list[Ensemble], count: int) -> Float64[np.ndarray, "belief state"]:
    """About `count` beliefs, evenly from each ensemble, an equal number of each where they have so many."""
    share = max(1, count // len(ensembles))
    return np.concatenate([e.belief[:: -(-len(e.weight) // share)] for e in ensembles])


def _apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    """What two estimates of one number, each with its error, show of the error of either: nothing where they agree to within what
    both say; else one of them is wrong, and nobody knows which."""
    apart = abs(one[0] - other[0])
    return apart + other[1] if apart > one[1] + other[1] else 0.0


def solve_poisson(
    process: Process,
    upper: list[Ensemble],
    lower: list[Ensemble],
    settled: tuple[Ensemble, Ensemble],
    settled_depth: int,
    largest_basis: int = LARGEST_BASIS,
) -> PoissonSolution | None:
    """Fit the Poisson equation to the beliefs of two families of ensembles, by depth: from the start, and from a known first
    state; and to those of observers in the long run. `settled` are two coarse ensembles of great depth, the finer first.

    The residual's mean corrects the rate. There are three estimates of it: over the deepest ensembles of both families, over the
    settled ones, and over a sample of long-run beliefs (always the same). The residual varies far less than the entropy whose
    mean is wanted, so the sample is sharp: its error is four standard errors, and what the residual still depends on what
    observers knew long before. The error of an ensemble is how much it differs from its fellow, and, for the share of the past
    that is not forgotten after as many tokens, the largest residual in the long run. The best is returned that agrees with the
    sample; where another one disagrees with it by more than both say, its error is as much as that. None if the beliefs have no
    spread, so that there is nothing to fit, or observers can't be had.
    """
    pairs = forgetting(process) if process.start_kind == "stationary" else None
    if pairs is None:
        return None
    V, S = len(process.tokens), len(process.states)
    step = process.T.transpose(1, 0, 2).reshape(S, V * S)
    emission = process.emission
    families = [upper[len(upper) // 4 :], lower[len(lower) // 4 :]]
    count = FITTED * largest_basis
    ensembles = [_thinned([*families[0], *families[1]], count), _thinned(list(settled), count)]
    long_run = np.concatenate([pairs.passed, pairs.told[::2], pairs.plain[::2]])
    fitted = np.concatenate([*ensembles, long_run[:: -(-len(long_run) // count)]])
    if np.ptp(fitted, axis=0).max() < NEGLIGIBLE:
        return None
    basis = _Basis(fitted, min(largest_basis, len(fitted) // 2))

    def equation(
        beliefs: Float64[np.ndarray, "belief state"],
    ) -> tuple[Float64[np.ndarray, "belief polynomial"], Float64[np.ndarray, " belief"]]:
        """g - L g for each polynomial (and 1, for h), and H."""
        p = beliefs @ emission
        matrix = basis(beliefs)
        following = (beliefs @ step).reshape(-1, V, S)
        for x in range(V):
            seen = np.flatnonzero(p[:, x] > (SMALLEST_TOKEN if process.generalized else 0.0))
            matrix[seen] -= p[seen, x, None] * basis(following[seen, x] / p[seen, x, None])
        return np.concatenate([matrix, np.ones((len(beliefs), 1))], axis=1), entropy_nats(p)

    matrix, H = equation(fitted)
    solution = np.linalg.lstsq(matrix, H, rcond=1e-14)[0]

    def residual(beliefs: Float64[np.ndarray, "belief state"]) -> Float64[np.ndarray, " belief"]:
        matrix, H = equation(beliefs)
        return np.asarray(H - matrix @ solution)

    def mean_residual(ensemble: Ensemble) -> float:
        return float(ensemble.weight @ residual(ensemble.belief)) / float(ensemble.weight.sum())

    told = residual(pairs.told)
    plain = told if pairs.agree else residual(pairs.plain)
    of_pairs = told.reshape(-1, pairs.pairs).mean(axis=0)
    sampled = float(of_pairs.mean())
    scatter = DEVIATIONS * float(of_pairs.std(ddof=1)) / pairs.pairs**0.5 + float(np.abs(told - plain).mean())
    largest = float(np.abs(np.concatenate([told, plain]) - sampled).max())
    known = [[ensemble for ensemble in family if len(ensemble.weight) <= LARGEST_MEAN] for family in families]
    deepest = [[mean_residual(ensemble) for ensemble in family[-2:]] for family in known]
    depth = min(len(family) + len(all_of) // 4 for family, all_of in zip(known, (upper, lower), strict=True))
    coarse = [mean_residual(ensemble) for ensemble in settled]
    estimates = [
        ((deepest[0][-1] + deepest[1][-1]) / 2, max(map(max, deepest)) - min(map(min, deepest)) + pairs.left(depth) * largest),
        (coarse[0], abs(coarse[0] - coarse[1]) + pairs.left(settled_depth) * largest),
    ]
    agreeing = [each for each in estimates if abs(each[0] - sampled) <= each[1] + scatter]
    best = min([*agreeing, (sampled, scatter)], key=lambda found: found[1])
    drawn = len(told) if best == (sampled, scatter) else 0
    correction, error = best[0], max(best[1], *(_apart(best, other) for other in [*agreeing, (sampled, scatter)]))
    return PoissonSolution(float(solution[-1]) + correction, error + ROUNDING, basis.degree, len(basis.exponents), drawn)
