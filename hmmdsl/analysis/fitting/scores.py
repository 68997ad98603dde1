"""How well predictions fit: R² and mean squared error with weights, whole and by position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64

CONSTANT = 1e-12
"""A coordinate whose standard deviation is below this share of the target's largest value is constant: rounding is no variance.
A hidden state whose probability is within this of 0 or 1 is constant too."""


@dataclass(frozen=True)
class Scoring:
    """How a target is scored.

    `columns`: over how many coordinates the mse is averaged, where they are not those that are fitted (None). `state`: what is
    fitted are beliefs about a hidden state, and the state is what is scored.
    """

    columns: int | None = None
    state: bool = False


@dataclass(frozen=True)
class Score:
    """R² (None: the target is constant, or there is none) and mean squared error over target coordinates."""

    r2: float | None
    mse: float | None

    def results(self) -> dict[str, float | None]:
        """As results.json has them."""
        return {"r2": self.r2, "mse": self.mse}


@dataclass(frozen=True)
class StateScore(Score):
    """Scores of the hidden state, one coordinate for each, by predictions of the belief.

    `ceiling` is the R² of the belief itself, Var(belief) / Var(state). `accuracy` is the probability that the state predicted
    highest is the hidden one, `best_accuracy` that the most probable one is. None: the state, or for `r2_of_ceiling` the belief,
    is constant.
    """

    ceiling: float | None
    r2_of_ceiling: float | None
    accuracy: float | None
    best_accuracy: float | None

    def results(self) -> dict[str, float | None]:
        """As results.json has them."""
        return {
            "r2": self.r2,
            "ceiling": self.ceiling,
            "r2_of_ceiling": self.r2_of_ceiling,
            "accuracy": self.accuracy,
            "best_accuracy": self.best_accuracy,
            "mse": self.mse,
        }


@dataclass(frozen=True)
class Sums:
    """Sums over histories, weighted: of squared `errors`, of `squares` about the mean, of 1 (`weight`); the `mean` of each
    coordinate, and the `largest` absolute value of any. Of beliefs also the weight with which the state predicted highest is the
    hidden one (`hits`), and the most probable one is (`best`)."""

    errors: Float64[np.ndarray, " coordinate"]
    squares: Float64[np.ndarray, " coordinate"]
    weight: float
    mean: Float64[np.ndarray, " coordinate"]
    largest: float
    hits: float = 0.0
    best: float = 0.0

    def score(self, scoring: Scoring) -> Score:
        """The scores that they amount to."""
        if scoring.state:
            return self._state_score()
        varies = self._varies()
        r2 = 1.0 - float(self.errors[varies].sum() / self.squares[varies].sum()) if varies.any() else None
        columns = len(self.errors) if scoring.columns is None else scoring.columns
        return Score(r2, float(self.errors.sum() / columns / self.weight))

    def _varies(self) -> Bool[np.ndarray, " coordinate"]:
        return np.asarray(self.squares > self.weight * (CONSTANT * self.largest) ** 2)

    def _state_score(self) -> StateScore:
        """The state's variance is b (1 - b) where its mean is b; what the belief leaves of it is added to the errors."""
        states = self.weight * np.clip(self.mean * (1 - self.mean), 0.0, None)
        errors = self.errors + np.maximum(states - self.squares, 0.0)
        varies = states > self.weight * CONSTANT
        r2 = ceiling = of_ceiling = None
        if varies.any():
            r2 = 1.0 - float(errors[varies].sum() / states[varies].sum())
            known = varies & self._varies()
            ceiling = min(1.0, float(self.squares[known].sum() / states[varies].sum()))
            of_ceiling = r2 / ceiling if ceiling else None
        return StateScore(
            r2, float(errors.mean() / self.weight), ceiling, of_ceiling, self.hits / self.weight, self.best / self.weight
        )


def no_score(scoring: Scoring) -> Score:
    """What there is where there are no predictions."""
    return StateScore(None, None, None, None, None, None) if scoring.state else Score(None, None)


def score(
    true: Float64[np.ndarray, "history target"],
    predicted: Float64[np.ndarray, "history target"],
    weights: Float64[np.ndarray, " history"],
    scoring: Scoring = Scoring(),
) -> Score:
    """Scores of predictions for one target, as scikit-learn defines them with `sample_weight=weights`.

    r2 is `r2_score(multioutput="variance_weighted")`: 1 - sum of squared errors / sum of squares about the weighted mean, over
    the coordinates that vary. mse is `mean_squared_error`, the uniform average over all coordinates. Those of a hidden state are
    the same over rows (history, state) with weight times Pr(state | history), whose targets have a 1 for that state.
    """
    if not len(true):
        return no_score(scoring)
    errors = weights @ (true - predicted) ** 2
    mean = weights @ true / weights.sum()
    squares = weights @ (true - mean) ** 2
    largest = float(np.abs(true).max(initial=0.0))
    sums = Sums(errors, squares, float(weights.sum()), mean, largest)
    if scoring.state:
        hit, best = hits(true, predicted)
        sums = replace(sums, hits=float(weights @ hit), best=float(weights @ best))
    return sums.score(scoring)


def hits(
    belief: Float64[np.ndarray, "history state"], predicted: Float64[np.ndarray, "history state"]
) -> tuple[Float64[np.ndarray, " history"], Float64[np.ndarray, " history"]]:
    """For each history the probability of the state predicted highest, and of the most probable one."""
    chosen = np.take_along_axis(belief, predicted.argmax(axis=1)[:, None], axis=1)
    return chosen[:, 0], belief.max(axis=1)


def score_by_position(
    true: Float64[np.ndarray, "history target"],
    predicted: Float64[np.ndarray, "history target"],
    weights: Float64[np.ndarray, " history"],
    levels: Sequence[int],
    scoring: Scoring = Scoring(),
) -> list[Score]:
    """The same scores among the histories of each length: rows `levels[k] : levels[k + 1]` are those of the k-th."""
    return [score(true[a:b], predicted[a:b], weights[a:b], scoring) for a, b in pairwise(levels)]


def mean_results(draws: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """The mean of each score over draws of folds; None where it is undefined for any."""
    found = {name: [one[name] for one in draws] for name in draws[0]}
    return {name: None if None in values else float(np.mean(np.array(values))) for name, values in found.items()}


def sample_sd(values: Sequence[float | None]) -> float | None:
    """The standard deviation of values that are a sample, by n - 1; None of fewer than two, or where one is undefined."""
    defined = [value for value in values if value is not None]
    return float(np.std(defined, ddof=1)) if 2 <= len(defined) == len(values) else None


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
