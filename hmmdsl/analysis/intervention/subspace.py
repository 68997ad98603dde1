"""The subspace of activations that a probe reads, and moves along it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from hmmdsl.analysis.fitting.least_squares import AffineMap

if TYPE_CHECKING:
    from jaxtyping import Float, Float64

FLAT = 1e-10
"""Eigenvalues of a covariance of readings below this share of the largest are zero: beliefs sum to one, so that one direction is
never read."""

Along = Literal["encoding", "weights"]


@dataclass(frozen=True)
class Subspace:
    """What a probe `b(x) = x W + c` reads.

    inverse  the change of x for a change of the reading: a right inverse of W on the readings there are
    basis    an orthonormal basis of the subspace that it spans
    """

    probe: AffineMap
    inverse: Float64[np.ndarray, "state d_model"]
    basis: Float64[np.ndarray, "d_model rank"]

    @staticmethod
    def of(
        probe: AffineMap, x: Float[np.ndarray, "history d_model"], weights: Float64[np.ndarray, " history"], along: Along
    ) -> Subspace:
        """encoding  (W' C W)^+ W' C with the covariance C of the activations: how they move with what is read (Haufe et al. 2014,
                     Eq. 6), which is the least change in units of how much they vary
        weights   W^+, the least change in plain length
        """
        W = probe.slope
        metric = np.eye(len(W)) if along == "weights" else np.cov(x.T.astype(np.float64), aweights=weights, ddof=0)
        towards = np.atleast_2d(metric) @ W
        values, vectors = np.linalg.eigh(W.T @ towards)
        seen = values > FLAT * max(values[-1], 0.0)
        inverse = (vectors[:, seen] / values[seen]) @ vectors[:, seen].T @ towards.T
        _, _, Vt = np.linalg.svd(inverse, full_matrices=False)
        return Subspace(probe, inverse, Vt[: int(seen.sum())].T)

    def reading(self, x: Float[np.ndarray, "history d_model"]) -> Float64[np.ndarray, "history state"]:
        """The beliefs that the probe reads."""
        return self.probe([x])

    def change(self, difference: Float64[np.ndarray, "history state"]) -> Float64[np.ndarray, "history d_model"]:
        """The change of the activations, within the subspace, by which the reading changes by `difference`: exactly so for a
        difference of two readings, or of a belief and a reading."""
        return np.asarray(difference @ self.inverse)

    def elsewhere(
        self, change: Float64[np.ndarray, "history d_model"], random: np.random.Generator
    ) -> Float64[np.ndarray, "history d_model"]:
        """The same changes in a random subspace of the same dimension: lengths and angles among them stay."""
        Q, _ = np.linalg.qr(random.standard_normal(self.basis.shape))
        return np.asarray((change @ self.basis) @ Q.T)


def scaled_like(
    change: Float64[np.ndarray, "history d_model"], like: Float64[np.ndarray, "history d_model"]
) -> Float64[np.ndarray, "history d_model"]:
    """Each history's change, in its own direction, with the length that `like` has there."""
    length = np.linalg.norm(change, axis=1, keepdims=True)
    wanted = np.linalg.norm(like, axis=1, keepdims=True)
    return np.asarray(change * np.divide(wanted, length, out=np.zeros_like(length), where=length > 0))
