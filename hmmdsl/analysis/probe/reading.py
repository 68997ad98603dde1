"""Read targets off activations: fits in sample, predictions for held-out histories, and their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.analysis.options.points import Place
from hmmdsl.analysis.probe.factors import Factor, fold_factors, union
from hmmdsl.analysis.probe.least_squares import AffineMap, least_squares
from hmmdsl.analysis.probe.moments import Moments, of_factor, total
from hmmdsl.analysis.probe.ridge import choose_penalties, ridge_path
from hmmdsl.analysis.probe.scores import Score, Spread, score, score_by_position, spread
from hmmdsl.analysis.probe.setting import Features, Setting

if TYPE_CHECKING:
    from jaxtyping import Float64


@dataclass(frozen=True)
class HeldOutReading:
    """Predictions of fits that never saw the history. `over_folds` is the spread of R² from fold to fold; `penalties` are those
    chosen, one for each fold (empty: plain least squares)."""

    predicted: Float64[np.ndarray, "history target"]
    score: Score
    over_folds: Spread
    penalties: tuple[float, ...]


@dataclass(frozen=True)
class Reading:
    """What the activations at one place tell of one target."""

    predicted: Float64[np.ndarray, "history target"]
    rank: int
    score: Score
    by_position: list[Score]
    held_out: HeldOutReading | None


@dataclass(frozen=True)
class Statistics:
    """What one pass over the features leaves: factors for the plain fit, moments for ridge, by fold; columns by place."""

    factors: list[Factor]
    widths: dict[str, int]

    @staticmethod
    def of(features: Features, setting: Setting) -> Statistics:
        """Read the features once."""
        blocks = [features[part] for part in setting.parts]
        widths = {part: features[part].shape[1] for part in setting.parts}
        return Statistics(fold_factors(blocks, setting.stacked, setting.weights, setting.folds), widths)


def read(features: Features, setting: Setting, statistics: Statistics | None = None) -> dict[tuple[str, str], Reading]:
    """A reading for each (target, place)."""
    known = statistics if statistics is not None else Statistics.of(features, setting)
    everything = union(known.factors)
    moments = [of_factor(factor) for factor in known.factors]
    found: dict[tuple[str, str], Reading] = {}
    for place in setting.places:
        columns = setting.columns(place, known.widths)
        blocks = [features[part] for part in place.parts]
        selected = [one.select(columns) for one in moments]
        if isinstance(setting.ridge, float):
            fit = _ridge_map(total(selected), np.full(setting.stacked.shape[1], setting.ridge), setting.intercept)
        else:
            fit = least_squares(everything.select(columns), setting.intercept)
        predicted = fit(blocks)
        held_out: dict[str, HeldOutReading] = {}
        if setting.fold is not None:
            held_out = _held_out(features, setting, place, known, selected)
        for name, where in setting.slices.items():
            true, guess, scoring = setting.targets[name], predicted[:, where], setting.scoring(name)
            found[name, place.name] = Reading(
                predicted=guess,
                rank=fit.rank,
                score=score(true, guess, setting.weights, scoring),
                by_position=score_by_position(true, guess, setting.weights, setting.levels, scoring),
                held_out=held_out.get(name),
            )
    return found


def _ridge_map(training: Moments, penalties: Float64[np.ndarray, " target"], intercept: bool) -> AffineMap:
    path = ridge_path(training, intercept)
    map = path.map_each(penalties)
    return AffineMap(map[1:], map[0], int((path.spectrum > 0).sum()))


def fold_penalties(setting: Setting, moments: Sequence[Moments]) -> Float64[np.ndarray, "fold target"] | None:
    """The ridge penalty for each fold and target: chosen inside the other folds, the same everywhere if the spec gives a number,
    None for plain least squares."""
    if setting.ridge == "none":
        return None
    if setting.ridge == "auto":
        return choose_penalties(moments, setting.groups, setting.intercept)
    return np.full((len(moments), setting.stacked.shape[1]), setting.ridge)


def _held_out(
    features: Features, setting: Setting, place: Place, statistics: Statistics, moments: Sequence[Moments]
) -> dict[str, HeldOutReading]:
    """Each fold is predicted by the fit to all others."""
    columns = setting.columns(place, statistics.widths)
    penalties = fold_penalties(setting, moments)
    fold = setting.folds
    predicted = np.empty_like(setting.stacked)
    for k in range(len(moments)):
        rows = np.flatnonzero(fold == k)
        if penalties is None:
            training = union([one for i, one in enumerate(statistics.factors) if i != k])
            fit = least_squares(training.select(columns), setting.intercept)
        else:
            fit = _ridge_map(total([one for i, one in enumerate(moments) if i != k]), penalties[k], setting.intercept)
        predicted[rows] = fit([features[part][rows] for part in place.parts])
    found = {}
    for name, where in setting.slices.items():
        true, guess, scoring = setting.targets[name], predicted[:, where], setting.scoring(name)
        within = [np.flatnonzero(fold == k) for k in range(len(moments))]
        by_fold = [score(true[rows], guess[rows], setting.weights[rows], scoring).r2 for rows in within]
        chosen = tuple(float(value) for value in penalties[:, where.start]) if penalties is not None else ()
        found[name] = HeldOutReading(guess, score(true, guess, setting.weights, scoring), spread(by_fold), chosen)
    return found
