"""Weighted second moments of features and targets: they add over folds, and tell the error of any affine map.

Moments lose half the digits that a triangular factor keeps. Ridge regression does not need those digits, as its penalty hides
what small directions do, and sums and differences of moments cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.analysis.fitting.factors import ROWS, Factor

if TYPE_CHECKING:
    from jaxtyping import Float, Float64, Int64


@dataclass(frozen=True)
class Moments:
    """Sums over histories, weighted by w, of products of z = [1, x] and y: `zz` = z^T w z, `zy` = z^T w y, `yy` = y w y for each
    target by itself."""

    zz: Float64[np.ndarray, "one_and_feature one_and_feature"]
    zy: Float64[np.ndarray, "one_and_feature target"]
    yy: Float64[np.ndarray, " target"]

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.zz + other.zz, self.zy + other.zy, self.yy + other.yy)

    def select(self, features: Int64[np.ndarray, " feature"]) -> Moments:
        """The moments of only these features."""
        kept = np.concatenate([[0], 1 + features])
        return Moments(self.zz[np.ix_(kept, kept)], self.zy[kept], self.yy)

    @property
    def weight(self) -> float:
        """The total weight of the histories."""
        return float(self.zz[0, 0])

    def squares(self) -> Float64[np.ndarray, " target"]:
        """For each target the weighted sum of squares about its mean."""
        squares: Float64[np.ndarray, " target"] = np.maximum(self.yy - self.zy[0] ** 2 / self.weight, 0.0)
        return squares

    def errors(self, affine_map: Float64[np.ndarray, "one_and_feature target ..."]) -> Float64[np.ndarray, "target ..."]:
        """The weighted sum of squared errors of affine maps, offset first: one for each target, or several along further axes."""
        flat = affine_map.reshape(len(affine_map), -1)
        quadratic = np.einsum("ij,ij->j", flat, self.zz @ flat).reshape(affine_map.shape[1:])
        linear = np.einsum("it...,it->t...", affine_map, self.zy)
        errors: Float64[np.ndarray, "target ..."] = quadratic - 2 * linear + self.yy.reshape(-1, *[1] * (affine_map.ndim - 2))
        return errors


def fold_moments(
    features: Sequence[Float[np.ndarray, "history width"]],
    targets: Float64[np.ndarray, "history target"],
    weights: Float64[np.ndarray, " history"],
    fold: Int64[np.ndarray, " history"],
) -> list[Moments]:
    """The moments of each fold, of the features of all points side by side: one product for each chunk of histories."""
    width = 1 + sum(block.shape[1] for block in features)
    found = []
    for k in range(int(fold.max()) + 1):
        zz, zy, yy = np.zeros((width, width)), np.zeros((width, targets.shape[1])), np.zeros(targets.shape[1])
        rows = np.flatnonzero(fold == k)
        for start in range(0, len(rows), ROWS):
            chosen = rows[start : start + ROWS]
            root = np.sqrt(weights[chosen])[:, None]
            z = np.concatenate([np.ones((len(chosen), 1)), *(block[chosen] for block in features)], axis=1) * root
            y = targets[chosen] * root
            zz += z.T @ z
            zy += z.T @ y
            yy += (y**2).sum(axis=0)
        found.append(Moments(zz, zy, yy))
    return found


def total(moments: Sequence[Moments]) -> Moments:
    """The moments of all histories of several."""
    result = moments[0]
    for one in moments[1:]:
        result = result + one
    return result


def of_factor(factor: Factor) -> Moments:
    """The moments that a triangular factor stands for."""
    features, targets = factor.R[:, : 1 + factor.features], factor.R[:, 1 + factor.features :]
    return Moments(features.T @ features, features.T @ targets, np.einsum("ij,ij->j", targets, targets))
