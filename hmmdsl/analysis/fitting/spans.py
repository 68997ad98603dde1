"""The subspaces of probes, as orthonormal bases, and how two of them lie to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.linalg import subspace_angles

from hmmdsl.analysis.fitting.factors import Factor, triangle
from hmmdsl.analysis.fitting.least_squares import RANK_TOLERANCE, decompose
from hmmdsl.analysis.fitting.moments import of_factor
from hmmdsl.analysis.fitting.ridge import ridge_path

if TYPE_CHECKING:
    from jaxtyping import Float64

    from hmmdsl.analysis.fitting.setting import Ridge

FLAT = 1e-9
"""A target varies in no direction in which its spread is below this share of its size."""


def span(
    factor: Factor, directions: Literal["encoding", "readout"], intercept: bool, ridge: Ridge
) -> Float64[np.ndarray, "feature dimension"]:
    """An orthonormal basis of the subspace of a probe; no columns where the target or the activations don't vary.

    `encoding`: the column space of Cov(x, y), which the regression of activations x on the target y spans. `readout`: that of the
    slope of the regression of y on x. In both, y is brought to unit variance in each of its own directions first, so that the
    basis comes in the order of how strongly each is represented, and its dimension is that of the target.
    """
    x, y = centred(factor, intercept)
    whitening = _whitening(y, float(np.linalg.norm(factor.R[:, 1 + factor.features :])))
    if directions == "encoding":
        return column_basis(x.T @ (y @ whitening), float(np.linalg.norm(factor.R[:, : 1 + factor.features])))
    if isinstance(ridge, float):
        slope = ridge_path(of_factor(factor), intercept).map_each(np.full(factor.targets, ridge))[1:]
    else:
        parts = decompose(factor, intercept)
        slope = parts.V @ (parts.UtY / parts.singular[:, None])
    return column_basis(slope @ whitening)


def span_of_covariance(
    factor: Factor,
    covariance: Float64[np.ndarray, "feature target"],
    directions: Literal["encoding", "readout"],
    intercept: bool,
) -> Float64[np.ndarray, "feature dimension"]:
    """The same where Cov(x, y) is another than the factor's, as with a permuted target, without ridge."""
    _, y = centred(factor, intercept)
    whitening = _whitening(y, float(np.linalg.norm(factor.R[:, 1 + factor.features :])))
    if directions == "readout":
        parts = decompose(factor, intercept)
        covariance = parts.V @ ((parts.V.T @ covariance) / parts.singular[:, None] ** 2)
    return column_basis(covariance @ whitening)


def centred(factor: Factor, intercept: bool) -> tuple[Float64[np.ndarray, "row feature"], Float64[np.ndarray, "row target"]]:
    """Rows with the Gram matrix of the features and targets, centred with `intercept`."""
    rest = factor.R[1:, 1:] if intercept else triangle(factor.R[:, 1:])
    return rest[:, : factor.features], rest[:, factor.features :]


def _whitening(y: Float64[np.ndarray, "row target"], size: float) -> Float64[np.ndarray, "target dimension"]:
    """Coordinates in which the target has unit variance, in the directions in which it varies."""
    _, spread, directions = np.linalg.svd(y, full_matrices=False)
    rank = int((spread > FLAT * size).sum())
    return np.asarray(directions[:rank].T / spread[:rank])


def column_basis(
    matrix: Float64[np.ndarray, "feature dimension"], size: float | None = None
) -> Float64[np.ndarray, "feature dimension"]:
    """An orthonormal basis of the columns, those below a millionth of `size` (None: of the largest) left out."""
    left, strength, _ = np.linalg.svd(matrix, full_matrices=False)
    largest = size if size is not None else float(strength.max(initial=0.0))
    return np.asarray(left[:, : int((strength > RANK_TOLERANCE * largest).sum())])


def principal_angles(
    a: Float64[np.ndarray, "feature dimension"], b: Float64[np.ndarray, "feature other"]
) -> Float64[np.ndarray, " angle"]:
    """Principal angles between two subspaces in radians, from the smallest; as many as the smaller one has dimensions."""
    if not a.shape[1] or not b.shape[1]:
        return np.empty(0)
    return np.asarray(subspace_angles(a, b)[::-1])


def overlap(angles: Float64[np.ndarray, " angle"]) -> float | None:
    """The mean squared cosine; None where there are no angles. Random subspaces of dimensions d <= e in n have e / n."""
    return float((np.cos(angles) ** 2).mean()) if len(angles) else None


def random_span(width: int, dimension: int, random: np.random.Generator) -> Float64[np.ndarray, "feature dimension"]:
    """A basis of a subspace drawn uniformly."""
    return np.asarray(np.linalg.qr(random.standard_normal((width, dimension)))[0])
