"""Laws of decay, fitted as straight lines to logarithms: exponential over the length, power over its logarithm.

Both have two parameters and the same response, so that their AIC and their held-out errors can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64

FEWEST = 3
"""Points that a line's standard errors need."""

ROUNDING = 1e-24
"""Mean squared errors below this are those of rounding."""


@dataclass(frozen=True)
class Law:
    """`amplitude * exp(-decay * x)` with standard errors; AIC and held-out error are those of the logarithm."""

    decay: float
    decay_se: float
    amplitude: float
    amplitude_se: float
    aic: float
    held_out: float

    def at(self, x: Float64[np.ndarray, " point"]) -> Float64[np.ndarray, " point"]:
        """The law's values."""
        return np.asarray(self.amplitude * np.exp(-self.decay * x))


@dataclass(frozen=True)
class Laws:
    """Both laws of one curve, None where too few points lie above the floor."""

    exponential: Law | None
    power: Law | None
    points: int


def fit_laws(length: Float64[np.ndarray, " point"], excess: Float64[np.ndarray, " point"], floor: float) -> Laws:
    """The laws of `excess` over `length`, of the points above `floor`."""
    kept = excess > floor
    x, y = length[kept].astype(np.float64), np.log(excess[kept])
    if len(x) < FEWEST:
        return Laws(None, None, len(x))
    return Laws(fit_law(x, y), fit_law(np.log(x), y), len(x))


def fit_law(x: Float64[np.ndarray, " point"], y: Float64[np.ndarray, " point"]) -> Law:
    """Ordinary least squares of y = log amplitude - decay x.

    Standard errors are the usual ones with n - 2 degrees of freedom, that of the amplitude by the delta method; AIC is
    n log(RSS / n) + 4 up to a constant; held out is the mean square of r_i / (1 - leverage_i), the errors of the fits that leave
    one point out.
    """
    n = len(x)
    X = np.stack([np.ones(n), -x], axis=1)
    inverse = np.linalg.inv(X.T @ X)
    intercept, decay = inverse @ (X.T @ y)
    residual = y - X @ np.array([intercept, decay])
    leverage = np.einsum("ij,jk,ik->i", X, inverse, X)
    rss = float(residual @ residual)
    se = np.sqrt(np.diag(inverse) * rss / (n - 2))
    amplitude = float(np.exp(intercept))
    held_out = float(np.mean((residual / (1 - leverage)) ** 2))
    aic = n * float(np.log(max(rss / n, ROUNDING))) + 4
    return Law(float(decay), float(se[1]), amplitude, amplitude * float(se[0]), aic, max(held_out, ROUNDING))
