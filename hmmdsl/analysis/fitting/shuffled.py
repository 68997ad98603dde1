"""The shuffled control: the same fits to targets that are permuted over histories, all repeats at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.analysis.fitting.factors import ROWS, Factor, leave_one_out, union
from hmmdsl.analysis.fitting.fits import Statistics, fold_penalties
from hmmdsl.analysis.fitting.least_squares import Decomposition, decompose
from hmmdsl.analysis.fitting.moments import Moments, of_factor, total
from hmmdsl.analysis.fitting.projection import Projection
from hmmdsl.analysis.fitting.ridge import choose_penalty, ridge_path
from hmmdsl.analysis.fitting.scores import Score, Sums, hits
from hmmdsl.analysis.fitting.setting import Features, Setting

if TYPE_CHECKING:
    from jaxtyping import Float, Float64, Int32, Int64

COLUMNS = 1024
"""Most target coordinates fitted at a time."""

CHUNK = 512
"""Histories whose permuted targets are made at a time: those of a hundred permutations stay in the processor's cache."""


@dataclass(frozen=True)
class ShuffledScores:
    """Scores of each repeat, in sample and held out (empty where nothing is held out)."""

    in_sample: list[Score]
    held_out: list[Score]


@dataclass(frozen=True)
class Permuted:
    """A setting's targets, permuted over histories in several orders. They are made a few rows at a time, since memory for all
    of them costs more than the fits; coordinate c of repeat r stands in column r * width + c."""

    setting: Setting
    orders: Int32[np.ndarray, "history repeat"]

    @property
    def width(self) -> int:
        """Target coordinates of one repeat."""
        return int(self.setting.stacked.shape[1])

    @property
    def repeats(self) -> int:
        """How many orders there are."""
        return int(self.orders.shape[1])

    @property
    def columns(self) -> int:
        """Target coordinates of all repeats."""
        return self.width * self.repeats

    @property
    def groups(self) -> Int64[np.ndarray, " target"]:
        """The number of the target, repeat by repeat, that each column belongs to."""
        first = np.arange(self.repeats) * len(self.setting.targets)
        return np.asarray((first[:, None] + self.setting.groups).reshape(-1))

    def rows(
        self, chosen: Int64[np.ndarray, " row"], of: Float64[np.ndarray, "history target"]
    ) -> Float64[np.ndarray, "row target"]:
        """What stands in the place of some histories of `of`, such as the targets, in each order."""
        found: Float64[np.ndarray, "row target"] = of.take(self.orders[chosen].reshape(-1), axis=0, mode="clip")
        return found.reshape(len(chosen), -1)

    def where(self, repeat: int, name: str) -> slice:
        """The columns of one target of one repeat."""
        here, first = self.setting.slices[name], repeat * self.width
        return slice(first + here.start, first + here.stop)


def shuffle(
    features: Features, setting: Setting, statistics: Statistics, repeats: int, random: np.random.Generator
) -> dict[tuple[str, str], ShuffledScores]:
    """Scores of every repeat for each (target, place). Weights stay with the features. All repeats have the first draw of folds:
    to permute the targets is to draw anew which of them are held out together. `statistics` are those of that draw."""
    one = setting.of_draw(0)
    found: dict[tuple[str, str], ShuffledScores] = {
        (name, place.name): ShuffledScores([], []) for name in setting.targets for place in setting.places
    }
    histories, width = setting.stacked.shape
    # Repeats side by side are columns of one product with the features, as many as memory takes.
    at_once = max(1, COLUMNS // width)
    for start in range(0, repeats, at_once):
        orders = np.empty((histories, min(at_once, repeats - start)), dtype=np.int32)
        for r in range(orders.shape[1]):
            orders[:, r] = random.permutation(histories)
        for key, scores in _scores(features, Permuted(one, orders), statistics).items():
            for in_sample, held_out in scores:
                found[key].in_sample.append(in_sample)
                if held_out is not None:
                    found[key].held_out.append(held_out)
    return found


def score_by_fold(
    features_of: Callable[[int | None], Features], setting: Setting, orders: Int32[np.ndarray, "history repeat"]
) -> list[tuple[Score, Score | None]]:
    """Scores in sample and held out, for each order of the targets, where features are made from histories: for the fit in sample
    (None) from all, for the prediction of a fold from all others. One target is read at one place; penalties are chosen."""
    (place,), (name,) = setting.places, setting.targets
    plain = replace(setting, draws=())
    features = features_of(None)
    in_sample = _scores(features, Permuted(plain, orders), Statistics.of(features, plain))[name, place.name]
    if not setting.draws:
        return in_sample
    permuted, largest = Permuted(setting, orders), float(np.abs(setting.targets[name]).max())
    errors = np.zeros(permuted.columns)
    for k in range(int(setting.folds.max()) + 1):
        features = features_of(k)
        moments, spread = _read(features, permuted, [of_factor(one) for one in Statistics.of(features, setting).factors])
        penalties = choose_penalty(moments, k, permuted.groups, setting.intercept)
        training = total([one for i, one in enumerate(moments) if i != k])
        errors += moments[k].errors(ridge_path(training, setting.intercept).map_each(penalties))
    found: list[tuple[Score, Score | None]] = []
    for repeat, (inside, _) in enumerate(in_sample):
        where = permuted.where(repeat, name)
        sums = Sums(errors[where], spread.squares[where], spread.weight, spread.mean[where], largest)
        found.append((inside, sums.score(setting.scoring(name))))
    return found


def _scores(
    features: Features, permuted: Permuted, statistics: Statistics
) -> dict[tuple[str, str], list[tuple[Score, Score | None]]]:
    """By target and place, in sample and held out, for each repeat; the statistics are those of the unpermuted targets."""
    setting = permuted.setting
    moments, spread = _read(features, permuted, [of_factor(factor) for factor in statistics.factors])
    found: dict[tuple[str, str], list[tuple[Score, Score | None]]] = {}
    for place in setting.places:
        columns = setting.columns(place, statistics.widths)
        selected = [one.select(columns) for one in moments]
        factors = [factor.select(columns) for factor in statistics.factors]
        left = statistics.projections[place.name]
        fits = [_in_sample(factors, total(selected), setting, left.whole)]
        if setting.draws:
            fits.append(_held_out(factors, selected, permuted, left.folds))
        of_place = [features[part] for part in place.parts]
        known = [_hits(of_place, permuted, fit.maps) for fit in fits]
        for name in setting.targets:
            found[name, place.name] = []
            for repeat in range(permuted.repeats):
                where = permuted.where(repeat, name)
                scores: list[Score] = []
                for fit, hit in zip(fits, known, strict=True):
                    hit_weight, best = hit.get((repeat, name), (0.0, 0.0))
                    sums = Sums(
                        fit.errors[where],
                        spread.squares[where],
                        spread.weight,
                        spread.mean[where],
                        float(np.abs(setting.targets[name]).max()),
                        hit_weight,
                        best,
                    )
                    scores.append(sums.score(setting.scoring(name)))
                found[name, place.name].append((scores[0], scores[1] if len(scores) > 1 else None))
    return found


@dataclass(frozen=True)
class _Spread:
    """Weighted mean of each column, and its weighted sum of squares about it."""

    mean: Float64[np.ndarray, " target"]
    squares: Float64[np.ndarray, " target"]
    weight: float


def _read(features: Features, permuted: Permuted, plain: Sequence[Moments]) -> tuple[list[Moments], _Spread]:
    """The moments of each fold with the permuted targets, and their spread: one pass over the features. Targets are read about
    their centre, not squares taken from moments: a difference of those would be rounding where a target is constant."""
    setting = permuted.setting
    blocks = [features[part] for part in setting.parts]
    middle = setting.stacked.mean(axis=0)
    centred, centre = setting.stacked - middle, np.tile(middle, permuted.repeats)
    shift, squares = np.zeros(permuted.columns), np.zeros(permuted.columns)
    read = []
    for k, known in enumerate(plain):
        rows = np.flatnonzero(setting.folds == k)
        zy, yy = np.zeros((len(known.zz), permuted.columns)), np.zeros(permuted.columns)
        for start in range(0, len(rows), CHUNK):
            chosen = rows[start : start + CHUNK]
            w, y = setting.weights[chosen], permuted.rows(chosen, centred)
            z = np.concatenate([np.ones((len(chosen), 1)), *(block[chosen] for block in blocks)], axis=1)
            z *= w[:, None]
            zy += z.T @ y
            np.square(y, out=y)
            yy += w @ y
        shift += zy[0]
        squares += yy
        yy += centre * (2 * zy[0] + centre * known.weight)
        zy += np.outer(known.zz[:, 0], centre)
        read.append(Moments(known.zz, zy, yy))
    weight = float(setting.weights.sum())
    return read, _Spread(centre + shift / weight, np.maximum(squares - shift**2 / weight, 0.0), weight)


@dataclass(frozen=True)
class _Fit:
    """Weighted squared errors for each target coordinate, and the affine maps, offset first, by fold."""

    errors: Float64[np.ndarray, " target"]
    maps: Sequence[Float64[np.ndarray, "one_and_feature target"]]


def _in_sample(factors: Sequence[Factor], moments: Moments, setting: Setting, left: Projection) -> _Fit:
    """The fit to all histories, which is every fold's."""
    moments = left.of_moments(moments)
    if isinstance(setting.ridge, float):
        affine = ridge_path(moments, setting.intercept).map_each(np.full(len(moments.yy), setting.ridge))
        return _Fit(moments.errors(affine), [left.of_maps(affine)] * len(factors))
    parts = decompose(left.of_factor(union(factors)), setting.intercept)
    affine = left.of_maps(_least_squares(parts, moments, setting.intercept))
    return _Fit(_least_errors(parts, moments, setting.intercept), [affine] * len(factors))


def _least_squares(parts: Decomposition, moments: Moments, intercept: bool) -> Float64[np.ndarray, "one_and_feature target"]:
    """The affine maps of least squared error, offset first."""
    mean_y = moments.zy[0] / moments.weight if intercept else np.zeros(moments.zy.shape[1])
    cross = moments.zy[1:] - np.outer(parts.mean_x, moments.zy[0])
    slope = parts.V @ (parts.V.T @ cross / parts.singular[:, None] ** 2)
    return np.concatenate([(mean_y - parts.mean_x @ slope)[None], slope])


def _least_errors(parts: Decomposition, moments: Moments, intercept: bool) -> Float64[np.ndarray, " target"]:
    """Squared errors of the best fits: what the targets have less what the features' directions explain of it."""
    cross = moments.zy[1:] - np.outer(parts.mean_x, moments.zy[0])
    explained = parts.V.T @ cross / parts.singular[:, None]
    there = moments.squares() if intercept else moments.yy
    errors: Float64[np.ndarray, " target"] = np.maximum(there - (explained**2).sum(axis=0), 0.0)
    return errors


def _held_out(factors: Sequence[Factor], moments: Sequence[Moments], permuted: Permuted, left: Sequence[Projection]) -> _Fit:
    """Squared errors over all folds, each by the fit to the others."""
    setting = permuted.setting
    penalties = fold_penalties(setting.ridge, moments, permuted.groups, setting.intercept, left)
    errors = np.zeros(permuted.columns)
    maps = []
    # Plain fits keep the precision of factors; with a penalty moments are exact enough, and cheaper.
    others = leave_one_out(factors) if penalties is None else iter(())
    for k, fold in enumerate(moments):
        training = left[k].of_moments(total([one for i, one in enumerate(moments) if i != k]))
        if penalties is None:
            parts = decompose(left[k].of_factor(next(others)), setting.intercept)
            affine = _least_squares(parts, training, setting.intercept)
        else:
            affine = ridge_path(training, setting.intercept).map_each(penalties[k])
        affine = left[k].of_maps(affine)
        errors += fold.errors(affine)
        maps.append(affine)
    return _Fit(errors, maps)


def _hits(
    blocks: Sequence[Float[np.ndarray, "history width"]],
    permuted: Permuted,
    maps: Sequence[Float64[np.ndarray, "one_and_feature target"]],
) -> dict[tuple[int, str], tuple[float, float]]:
    """For each repeat and hidden state among the targets, the weight with which the state that the history's fold predicts
    highest is the hidden one, and with which the most probable one is. No predictions are made where there is no such target."""
    setting = permuted.setting
    states = [name for name in setting.targets if setting.scoring(name).state]
    slices = {(r, name): permuted.where(r, name) for r in range(permuted.repeats) for name in states}
    found = dict.fromkeys(slices, (0.0, 0.0))
    for k, affine in enumerate(maps) if slices else ():
        rows = np.flatnonzero(setting.folds == k)
        for start in range(0, len(rows), ROWS):
            chosen = rows[start : start + ROWS]
            x = np.concatenate([block[chosen].astype(np.float64) for block in blocks], axis=1)
            predicted, true = x @ affine[1:] + affine[0], permuted.rows(chosen, setting.stacked)
            for key, where in slices.items():
                hit, best = (float(setting.weights[chosen] @ one) for one in hits(true[:, where], predicted[:, where]))
                found[key] = found[key][0] + hit, found[key][1] + best
    return found
