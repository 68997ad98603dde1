"""Ridge regression on standardized features, and the choice of its penalty inside the folds.

The penalty λ is added to the mean squared error for each squared coefficient of a standardized feature (weighted mean 0, standard
deviation 1): minimize `sum w (y - f(x))^2 / sum w + λ |slope|^2`. That is scikit-learn's `Ridge(alpha = λ sum w)` behind a
StandardScaler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.analysis.fitting.moments import Moments, total

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

PENALTIES = tuple(10.0 ** (k / 2) for k in range(-16, 5))
"""What `ridge = auto` chooses from: two a decade from 1e-8, next to none, to 100, next to the mean."""

CONSTANT = 1e-6
"""A feature whose standard deviation is below this share of its root mean square is constant but for float32 rounding."""


@dataclass(frozen=True)
class RidgePath:
    """All ridge fits to one set of histories: one eigendecomposition serves every penalty and target.

    The slope for λ is `V ((VtC) / (spectrum + λ))`, where V has the scale of each feature divided out.
    """

    V: Float64[np.ndarray, "feature feature"]
    spectrum: Float64[np.ndarray, " feature"]
    VtC: Float64[np.ndarray, "feature target"]
    mean_x: Float64[np.ndarray, " feature"]
    mean_y: Float64[np.ndarray, " target"]

    def maps(self, penalties: Float64[np.ndarray, " penalty"]) -> Float64[np.ndarray, "one_and_feature target penalty"]:
        """The affine maps, offset first, for every target and penalty."""
        shrunk = self.VtC[:, :, None] / (self.spectrum[:, None, None] + penalties)
        return self._affine(shrunk)

    def map_each(self, penalties: Float64[np.ndarray, " target"]) -> Float64[np.ndarray, "one_and_feature target"]:
        """The affine map, offset first, with a penalty of its own for each target."""
        return self._affine((self.VtC / (self.spectrum[:, None] + penalties))[:, :, None])[:, :, 0]

    def _affine(
        self, shrunk: Float64[np.ndarray, "feature target penalty"]
    ) -> Float64[np.ndarray, "one_and_feature target penalty"]:
        rank, targets, penalties = shrunk.shape
        slope = (self.V @ shrunk.reshape(rank, -1)).reshape(len(self.V), targets, penalties)
        offset = self.mean_y[:, None] - np.einsum("i,itp->tp", self.mean_x, slope)
        return np.concatenate([offset[None], slope])


def ridge_path(moments: Moments, intercept: bool = True) -> RidgePath:
    """Decompose the standardized features of some histories. Without intercept features are scaled by their root mean square, and
    not centred. Features that are constant get no coefficient."""
    weight = moments.weight
    mean = moments.zz[0, 1:] / weight if intercept else np.zeros(len(moments.zz) - 1)
    mean_y = moments.zy[0] / weight if intercept else np.zeros(moments.zy.shape[1])
    covariance = moments.zz[1:, 1:] / weight - np.outer(mean, mean)
    cross = moments.zy[1:] / weight - np.outer(mean, mean_y)
    variance = covariance.diagonal()
    varies = variance > CONSTANT**2 * moments.zz.diagonal()[1:] / weight
    scale = np.where(varies, 1 / np.sqrt(np.where(varies, variance, 1.0)), 0.0)
    spectrum, V = np.linalg.eigh(covariance * np.outer(scale, scale))
    return RidgePath(V * scale[:, None], np.maximum(spectrum, 0.0), V.T @ (cross * scale[:, None]), mean, mean_y)


def choose_penalties(
    folds: Sequence[Moments], groups: Int64[np.ndarray, " target"], intercept: bool = True
) -> Float64[np.ndarray, "fold target"]:
    """For each fold the penalties with which the other folds predict one another best.

    `groups` numbers the targets whose coordinates share a penalty. For each outer fold k and each inner fold j, the map is fitted
    to all but k and j and scored on j: the fit of a pair serves both its turns.
    """
    grid = np.array(PENALTIES)
    errors = np.zeros((len(folds), int(groups.max()) + 1, len(grid)))
    for k, j in combinations(range(len(folds)), 2):
        training = total([one for i, one in enumerate(folds) if i not in (k, j)])
        maps = ridge_path(training, intercept).maps(grid)
        for outer, inner in ((k, j), (j, k)):
            np.add.at(errors[outer], groups, folds[inner].errors(maps))
    chosen: Float64[np.ndarray, "fold target"] = grid[errors.argmin(axis=2)][:, groups]
    return chosen


def choose_penalty(
    folds: Sequence[Moments], left: int, groups: Int64[np.ndarray, " target"], intercept: bool = True
) -> Float64[np.ndarray, " target"]:
    """The same for the one fold `left`, where the features of each fold's training are others."""
    grid = np.array(PENALTIES)
    errors = np.zeros((int(groups.max()) + 1, len(grid)))
    for j in (j for j in range(len(folds)) if j != left):
        training = total([one for i, one in enumerate(folds) if i not in (left, j)])
        np.add.at(errors, groups, folds[j].errors(ridge_path(training, intercept).maps(grid)))
    chosen: Float64[np.ndarray, " target"] = grid[errors.argmin(axis=1)][groups]
    return chosen
