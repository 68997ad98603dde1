"""The affine map that fits best: rank-revealing least squares from a triangular factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import solve_triangular

from hmmdsl.analysis.fitting.factors import Factor, singular, triangle

if TYPE_CHECKING:
    from jaxtyping import Float, Float64

RANK_TOLERANCE = 1e-6
"""Singular values below this share of the largest count as zero. Activations are float32, whose rounding is 6e-8 of a value: what
lies below is rounding, not a feature. It is also the default of scikit-learn's LinearRegression (its `tol`)."""


@dataclass(frozen=True)
class AffineMap:
    """`x @ slope + offset`. `rank` is the number of independent directions of the features that it reads."""

    slope: Float64[np.ndarray, "feature target"]
    offset: Float64[np.ndarray, " target"]
    rank: int

    def __call__(self, features: Sequence[Float[np.ndarray, "history width"]]) -> Float64[np.ndarray, "history target"]:
        """The predictions from features given side by side, in float64."""
        predicted = np.repeat(self.offset[None, :], len(features[0]), axis=0)
        start = 0
        for block in features:
            predicted += block.astype(np.float64) @ self.slope[start : start + block.shape[1]]
            start += block.shape[1]
        return predicted


@dataclass(frozen=True)
class Decomposition:
    """The features of a factor, as `U diag(singular) V^T` of its rows, small directions left out.

    V         the directions, in feature space
    singular  their singular values, of rows weighted by sqrt(w)
    UtY       U^T Y: what of the targets each direction explains
    mean_x, mean_y  weighted means (zeros without intercept)
    """

    V: Float64[np.ndarray, "feature rank"]
    singular: Float64[np.ndarray, " rank"]
    UtY: Float64[np.ndarray, "rank target"]
    mean_x: Float64[np.ndarray, " feature"]
    mean_y: Float64[np.ndarray, " target"]


def decompose(factor: Factor, intercept: bool = True) -> Decomposition:
    """Singular values and directions of the (centred, if `intercept`) features of a factor.

    With the column of ones first, the rows of R below its first are the factor of the centred columns.
    """
    p = factor.features
    if intercept:
        mean = factor.R[0, 1:] / factor.R[0, 0]
        rest = factor.R[1:, 1:]
    else:
        mean = np.zeros(factor.R.shape[1] - 1)
        rest = triangle(factor.R[:, 1:])
    U, values, Vt = singular(rest[:p, :p])
    rank = int((values > RANK_TOLERANCE * values[0]).sum()) if p else 0
    return Decomposition(Vt[:rank].T, values[:rank], U[:, :rank].T @ rest[:p, p:], mean[:p], mean[p:])


SURE = 1e-10
"""The share of the largest squared singular value that the smallest must exceed for a rank to be beyond doubt: a hundred times
the square of the tolerance."""


def full_rank(R: Float64[np.ndarray, "feature feature"]) -> bool:
    """Whether a triangular factor certainly has no singular value near the tolerance: R^T R less a multiple of one is positive
    definite. Where it says no, the singular values themselves decide."""
    gram = R.T @ R
    most = float(min(np.trace(gram), np.abs(gram).sum(axis=0).max(initial=0.0)))
    try:
        np.linalg.cholesky(gram - SURE * most * np.eye(len(gram)))
    except np.linalg.LinAlgError:
        return False
    return most > 0


def least_squares(factor: Factor, intercept: bool = True) -> AffineMap:
    """The map of least weighted squared error; of least norm among those, where the features are dependent. Where they certainly
    are not, it is solved for by substitution."""
    p = factor.features
    if intercept and p and full_rank(factor.R[1 : 1 + p, 1 : 1 + p]):
        mean = factor.R[0, 1:] / factor.R[0, 0]
        slope = solve_triangular(factor.R[1 : 1 + p, 1 : 1 + p], factor.R[1 : 1 + p, 1 + p :])
        return AffineMap(slope, mean[p:] - mean[:p] @ slope, p)
    parts = decompose(factor, intercept)
    slope = parts.V @ (parts.UtY / parts.singular[:, None])
    return AffineMap(slope, parts.mean_y - parts.mean_x @ slope, len(parts.singular))
