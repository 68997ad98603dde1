"""Read targets off activations: fits in sample, predictions for held-out histories, and their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.analysis.fitting.factors import Factor, fold_factors, leave_one_out, union
from hmmdsl.analysis.fitting.least_squares import AffineMap, least_squares
from hmmdsl.analysis.fitting.moments import Moments, fold_moments, of_factor, total
from hmmdsl.analysis.fitting.projection import Projection, Projections, projections, unprojected
from hmmdsl.analysis.fitting.ridge import choose_penalties, choose_penalty, ridge_path
from hmmdsl.analysis.fitting.scores import Score, score, score_by_position
from hmmdsl.analysis.fitting.setting import Features, Ridge, Setting
from hmmdsl.analysis.reading.points import Place

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64


@dataclass(frozen=True)
class HeldOutReading:
    """Predictions of fits that never saw the history, of one draw of folds. `by_fold` is the R² of each; `penalties` are those
    chosen, one for each fold (empty: plain least squares)."""

    predicted: Float64[np.ndarray, "history target"]
    score: Score
    by_position: list[Score]
    by_fold: list[float | None]
    penalties: tuple[float, ...]


@dataclass(frozen=True)
class Reading:
    """What the activations at one place tell of one target; `held_out` for each draw of folds."""

    predicted: Float64[np.ndarray, "history target"]
    rank: int
    score: Score
    by_position: list[Score]
    held_out: tuple[HeldOutReading, ...]


@dataclass(frozen=True)
class Statistics:
    """What one pass over the features leaves: factors for the plain fit, moments for ridge, by fold; columns by place; and what
    is projected out at each place."""

    factors: list[Factor]
    widths: dict[str, int]
    projections: dict[str, Projections]

    @staticmethod
    def of(features: Features, setting: Setting) -> Statistics:
        """Read the features once."""
        blocks = [features[part] for part in setting.parts]
        widths = {part: features[part].shape[1] for part in setting.parts}
        factors = fold_factors(blocks, setting.stacked, setting.weights, setting.folds)
        if setting.left_out:
            return Statistics(factors, widths, projections(features, setting, factors))
        return Statistics(factors, widths, {place.name: unprojected(setting) for place in setting.places})


def read(features: Features, setting: Setting, statistics: Statistics | None = None) -> dict[tuple[str, str], Reading]:
    """A reading for each (target, place). Given statistics are those of the first draw of folds."""
    known = statistics if statistics is not None else Statistics.of(features, setting)
    everything = union(known.factors)
    moments = [of_factor(factor) for factor in known.factors]
    found: dict[tuple[str, str], Reading] = {}
    for place in setting.places:
        columns = setting.columns(place, known.widths)
        blocks = [features[part] for part in place.parts]
        selected = [one.select(columns) for one in moments]
        left = known.projections[place.name].whole
        if isinstance(setting.ridge, float):
            penalties = np.full(setting.stacked.shape[1], setting.ridge)
            fit = _ridge_map(left.of_moments(total(selected)), penalties, setting.intercept)
        else:
            fit = least_squares(left.of_factor(everything.select(columns)), setting.intercept)
        predicted = left.of_map(fit)(blocks)
        for name, where in setting.slices.items():
            true, guess, scoring = setting.targets[name], predicted[:, where], setting.scoring(name)
            found[name, place.name] = Reading(
                predicted=guess,
                rank=fit.rank,
                score=score(true, guess, setting.weights, scoring),
                by_position=score_by_position(true, guess, setting.weights, setting.levels, scoring),
                held_out=(),
            )
    for draw in range(len(setting.draws)):
        one = setting.of_draw(draw)
        if draw and (setting.ridge == "none" or setting.left_out):
            known = Statistics.of(features, one)
            moments = [of_factor(factor) for factor in known.factors]
        elif draw:  # a penalty hides what moments lose, and they are a product where a factor is many reflections
            blocks = [features[part] for part in setting.parts]
            moments = fold_moments(blocks, setting.stacked, setting.weights, one.folds)
            known = Statistics([], known.widths, {place.name: unprojected(one) for place in setting.places})
        for place in setting.places:
            selected = [each.select(setting.columns(place, known.widths)) for each in moments]
            for name, held_out in _held_out(features, one, place, known, selected).items():
                before = found[name, place.name]
                found[name, place.name] = replace(before, held_out=(*before.held_out, held_out))
    return found


def fitted(features: Features, setting: Setting) -> AffineMap:
    """The map fitted in sample at the setting's only place, to all of its targets side by side."""
    (place,) = setting.places
    known = Statistics.of(features, setting)
    columns = setting.columns(place, known.widths)
    left = known.projections[place.name].whole
    if isinstance(setting.ridge, float):
        moments = left.of_moments(total([of_factor(factor).select(columns) for factor in known.factors]))
        return left.of_map(_ridge_map(moments, np.full(setting.stacked.shape[1], setting.ridge), setting.intercept))
    return left.of_map(least_squares(left.of_factor(union(known.factors).select(columns)), setting.intercept))


def _ridge_map(training: Moments, penalties: Float64[np.ndarray, " target"], intercept: bool) -> AffineMap:
    path = ridge_path(training, intercept)
    affine = path.map_each(penalties)
    return AffineMap(affine[1:], affine[0], int((path.spectrum > 0).sum()))


def fold_penalties(
    ridge: Ridge,
    moments: Sequence[Moments],
    groups: Int64[np.ndarray, " target"],
    intercept: bool,
    left: Sequence[Projection],
) -> Float64[np.ndarray, "fold target"] | None:
    """The ridge penalty for each fold and target: chosen inside the other folds, the same everywhere if the spec gives a number,
    None for plain least squares. `left` is what each fold's prediction reads of the features."""
    if ridge == "none":
        return None
    if ridge == "auto" and any(one.P is not None for one in left):
        chosen = [choose_penalty([one.of_moments(fold) for fold in moments], k, groups, intercept) for k, one in enumerate(left)]
        return np.stack(chosen)
    if ridge == "auto":
        return choose_penalties(moments, groups, intercept)
    return np.full((len(moments), len(groups)), ridge)


def _held_out(
    features: Features, setting: Setting, place: Place, statistics: Statistics, moments: Sequence[Moments]
) -> dict[str, HeldOutReading]:
    """Each fold is predicted by the fit to all others."""
    columns = setting.columns(place, statistics.widths)
    left = statistics.projections[place.name].folds
    penalties = fold_penalties(setting.ridge, moments, setting.groups, setting.intercept, left)
    fold = setting.folds
    predicted = np.empty_like(setting.stacked)
    others = leave_one_out([factor.select(columns) for factor in statistics.factors]) if penalties is None else None
    for k in range(len(moments)):
        rows = np.flatnonzero(fold == k)
        if others is not None:
            fit = least_squares(left[k].of_factor(next(others)), setting.intercept)
        elif penalties is not None:
            training = total([one for i, one in enumerate(moments) if i != k])
            fit = _ridge_map(left[k].of_moments(training), penalties[k], setting.intercept)
        predicted[rows] = left[k].of_map(fit)([features[part][rows] for part in place.parts])
    found = {}
    for name, where in setting.slices.items():
        true, guess, scoring = setting.targets[name], predicted[:, where], setting.scoring(name)
        within = [np.flatnonzero(fold == k) for k in range(len(moments))]
        by_fold = [score(true[rows], guess[rows], setting.weights[rows], scoring).r2 for rows in within]
        chosen = tuple(float(value) for value in penalties[:, where.start]) if penalties is not None else ()
        found[name] = HeldOutReading(
            predicted=guess,
            score=score(true, guess, setting.weights, scoring),
            by_position=score_by_position(true, guess, setting.weights, setting.levels, scoring),
            by_fold=by_fold,
            penalties=chosen,
        )
    return found
