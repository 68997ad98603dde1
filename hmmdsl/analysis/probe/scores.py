"""How well predictions fit: R² and mean squared error with weights, whole and by position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64

CONSTANT = 1e-12
"""A target coordinate whose standard deviation is below this share of its largest value is constant: rounding is no variance."""


@dataclass(frozen=True)
class Score:
    """R² (None: the target is constant, or there is none) and mean squared error over target coordinates."""

    r2: float | None
    mse: float | None

    def results(self) -> dict[str, float | None]:
        """As results.json has them."""
        return {"r2": self.r2, "mse": self.mse}


NO_SCORE = Score(None, None)


def score(
    true: Float64[np.ndarray, "history target"],
    predicted: Float64[np.ndarray, "history target"],
    weights: Float64[np.ndarray, " history"],
) -> Score:
    """Scores of predictions for one target, as scikit-learn defines them with `sample_weight=weights`.

    r2 is `r2_score(multioutput="variance_weighted")`: 1 - sum of squared errors / sum of squares about the weighted mean, over
    the coordinates that vary. mse is `mean_squared_error`, the uniform average over all coordinates.
    """
    if not len(true):
        return NO_SCORE
    errors = weights @ (true - predicted) ** 2
    mean = weights @ true / weights.sum()
    squares = weights @ (true - mean) ** 2
    largest = np.abs(true).max(axis=0, initial=0.0)
    return of_sums(errors, squares, largest, float(weights.sum()))


def of_sums(
    errors: Float64[np.ndarray, " target"],
    squares: Float64[np.ndarray, " target"],
    largest: Float64[np.ndarray, " target"],
    weight: float,
) -> Score:
    """Scores from weighted sums: squared errors, squares about the mean, the largest absolute value, the total weight."""
    varies = squares > weight * (CONSTANT * largest) ** 2
    r2 = 1.0 - float(errors[varies].sum() / squares[varies].sum()) if varies.any() else None
    return Score(r2, float(errors.mean() / weight))


def score_by_position(
    true: Float64[np.ndarray, "history target"],
    predicted: Float64[np.ndarray, "history target"],
    weights: Float64[np.ndarray, " history"],
    levels: Sequence[int],
) -> list[Score]:
    """The same scores among the histories of each length: rows `levels[k] : levels[k + 1]` are those of the k-th."""
    return [score(true[a:b], predicted[a:b], weights[a:b]) for a, b in pairwise(levels)]


@dataclass(frozen=True)
class Spread:
    """How a score varies over folds or repeats; all None where no value is defined. `sd` divides by the number of values."""

    mean: float | None
    sd: float | None
    min: float | None
    max: float | None

    def results(self) -> dict[str, float | None]:
        """As results.json has them."""
        return {"mean": self.mean, "sd": self.sd, "min": self.min, "max": self.max}


def spread(values: Sequence[float | None]) -> Spread:
    """Mean, standard deviation and extremes of the values that are defined."""
    defined = np.array([value for value in values if value is not None])
    if not len(defined):
        return Spread(None, None, None, None)
    return Spread(float(defined.mean()), float(defined.std()), float(defined.min()), float(defined.max()))
