"""The shuffled control: the same fits to targets that are permuted over histories, all repeats at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.analysis.probe.factors import ROWS, Factor, union
from hmmdsl.analysis.probe.least_squares import Decomposition, decompose
from hmmdsl.analysis.probe.moments import Moments, of_factor, total, with_other_targets
from hmmdsl.analysis.probe.reading import Statistics, fold_penalties
from hmmdsl.analysis.probe.ridge import ridge_path
from hmmdsl.analysis.probe.scores import Score, Sums, hits
from hmmdsl.analysis.probe.setting import Features, Setting

if TYPE_CHECKING:
    from jaxtyping import Float, Float64

COLUMNS = 1024
"""Target coordinates fitted at a time, which bounds the memory that many repeats of wide targets take."""


@dataclass(frozen=True)
class ShuffledScores:
    """Scores of each repeat, in sample and held out (empty where nothing is held out)."""

    in_sample: list[Score]
    held_out: list[Score]


def shuffle(
    features: Features, setting: Setting, statistics: Statistics, repeats: int, random: np.random.Generator
) -> dict[tuple[str, str], ShuffledScores]:
    """Scores of every repeat for each (target, place). Weights stay with the features."""
    found: dict[tuple[str, str], ShuffledScores] = {
        (name, place.name): ShuffledScores([], []) for name in setting.targets for place in setting.places
    }
    histories, width = setting.stacked.shape
    at_once = max(1, COLUMNS // width)
    for start in range(0, repeats, at_once):
        orders = [random.permutation(histories) for _ in range(start, min(start + at_once, repeats))]
        permuted = {f"{r} {name}": target[order] for r, order in enumerate(orders) for name, target in setting.targets.items()}
        scored = {f"{r} {name}": setting.scoring(name) for r in range(len(orders)) for name in setting.targets}
        several = replace(setting, targets=permuted, scored=scored)
        names = [name for _ in orders for name in setting.targets]
        for place_name, scores in _scores(features, several, statistics).items():
            for name, (in_sample, held_out) in zip(names, scores, strict=True):
                found[name, place_name].in_sample.append(in_sample)
                if held_out is not None:
                    found[name, place_name].held_out.append(held_out)
    return found


def _scores(features: Features, setting: Setting, statistics: Statistics) -> dict[str, list[tuple[Score, Score | None]]]:
    """By place, in sample and held out, for each of the setting's targets; the statistics are those of the unpermuted targets."""
    plain = [of_factor(factor) for factor in statistics.factors]
    blocks = [features[part] for part in setting.parts]
    moments = with_other_targets(plain, blocks, setting.stacked, setting.weights, setting.folds)
    found = {}
    for place in setting.places:
        columns = setting.columns(place, statistics.widths)
        selected = [one.select(columns) for one in moments]
        factors = [factor.select(columns) for factor in statistics.factors]
        inside = _in_sample(factors, total(selected), setting)
        outside = _held_out(factors, selected, setting) if setting.fold is not None else None
        of_place = [features[part] for part in place.parts]
        in_sample_hits = _hits(of_place, setting, inside.maps)
        held_out_hits = _hits(of_place, setting, outside.maps) if outside is not None else {}
        scores: list[tuple[Score, Score | None]] = []
        for name in setting.targets:
            held_out = _score(setting, name, outside.errors, held_out_hits) if outside is not None else None
            scores.append((_score(setting, name, inside.errors, in_sample_hits), held_out))
        found[place.name] = scores
    return found


def _score(
    setting: Setting, name: str, errors: Float64[np.ndarray, " target"], hits_by_name: dict[str, tuple[float, float]]
) -> Score:
    """The score of one target from the squared errors of all. Its squares are summed about the mean, not taken from moments: a
    difference of those would be rounding where the target is constant."""
    true, weight = setting.targets[name], float(setting.weights.sum())
    mean = setting.weights @ true / weight
    squares = setting.weights @ (true - mean) ** 2
    hit, best = hits_by_name.get(name, (0.0, 0.0))
    sums = Sums(errors[setting.slices[name]], squares, weight, mean, float(np.abs(true).max()), hit, best)
    return sums.score(setting.scoring(name))


@dataclass(frozen=True)
class _Fit:
    """Weighted squared errors for each target coordinate, and the affine maps, offset first, by fold."""

    errors: Float64[np.ndarray, " target"]
    maps: Sequence[Float64[np.ndarray, "one_and_feature target"]]


def _in_sample(factors: Sequence[Factor], moments: Moments, setting: Setting) -> _Fit:
    """The fit to all histories, which is every fold's."""
    if isinstance(setting.ridge, float):
        map = ridge_path(moments, setting.intercept).map_each(np.full(setting.stacked.shape[1], setting.ridge))
        return _Fit(moments.errors(map), [map] * len(factors))
    parts = decompose(union(factors), setting.intercept)
    map = _least_squares(parts, moments, setting.intercept)
    return _Fit(_least_errors(parts, moments, setting.intercept), [map] * len(factors))


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


def _held_out(factors: Sequence[Factor], moments: Sequence[Moments], setting: Setting) -> _Fit:
    """Squared errors over all folds, each by the fit to the others."""
    penalties = fold_penalties(setting, moments)
    errors = np.zeros(setting.stacked.shape[1])
    maps = []
    for k, fold in enumerate(moments):
        training = total([one for i, one in enumerate(moments) if i != k])
        if penalties is None:
            parts = decompose(union([one for i, one in enumerate(factors) if i != k]), setting.intercept)
            map = _least_squares(parts, training, setting.intercept)
        else:
            map = ridge_path(training, setting.intercept).map_each(penalties[k])
        errors += fold.errors(map)
        maps.append(map)
    return _Fit(errors, maps)


def _hits(
    blocks: Sequence[Float[np.ndarray, "history width"]],
    setting: Setting,
    maps: Sequence[Float64[np.ndarray, "one_and_feature target"]],
) -> dict[str, tuple[float, float]]:
    """For each hidden state among the targets, the weight with which the state that the history's fold predicts highest is the
    hidden one, and with which the most probable one is. No predictions are made where there is no such target."""
    slices = {name: where for name, where in setting.slices.items() if setting.scoring(name).state}
    found = dict.fromkeys(slices, (0.0, 0.0))
    for k, map in enumerate(maps) if slices else ():
        rows = np.flatnonzero(setting.folds == k)
        for start in range(0, len(rows), ROWS):
            chosen = rows[start : start + ROWS]
            x = np.concatenate([block[chosen].astype(np.float64) for block in blocks], axis=1)
            predicted = x @ map[1:] + map[0]
            for name, where in slices.items():
                hit, best = (
                    float(setting.weights[chosen] @ one) for one in hits(setting.targets[name][chosen], predicted[:, where])
                )
                found[name] = found[name][0] + hit, found[name][1] + best
    return found
