"""The shuffled control: the same fits to targets that are permuted over histories, all repeats at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.analysis.probe.factors import Factor, union
from hmmdsl.analysis.probe.least_squares import decompose
from hmmdsl.analysis.probe.moments import Moments, of_factor, total, with_other_targets
from hmmdsl.analysis.probe.reading import Statistics, fold_penalties
from hmmdsl.analysis.probe.ridge import ridge_path
from hmmdsl.analysis.probe.scores import Score, of_sums
from hmmdsl.analysis.probe.setting import Features, Setting

if TYPE_CHECKING:
    from jaxtyping import Float64

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
        several = replace(setting, targets=permuted)
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
    largest = np.abs(setting.stacked).max(axis=0)
    summed = total(moments)
    squares, weight = summed.squares(), summed.weight
    found = {}
    for place in setting.places:
        columns = setting.columns(place, statistics.widths)
        selected = [one.select(columns) for one in moments]
        factors = [factor.select(columns) for factor in statistics.factors]
        everything = total(selected)
        if isinstance(setting.ridge, float):
            penalties = np.full(len(largest), setting.ridge)
            errors = everything.errors(ridge_path(everything, setting.intercept).map_each(penalties))
        else:
            errors = _least_errors(factors, everything, setting.intercept)
        outside = _held_out_errors(factors, selected, setting) if setting.fold is not None else None
        found[place.name] = [
            (
                of_sums(errors[where], squares[where], largest[where], weight),
                of_sums(outside[where], squares[where], largest[where], weight) if outside is not None else None,
            )
            for where in setting.slices.values()
        ]
    return found


def _least_errors(factors: Sequence[Factor], moments: Moments, intercept: bool) -> Float64[np.ndarray, " target"]:
    """Squared errors of the best fits: what the targets have less what the features' directions explain of it."""
    parts = decompose(union(factors), intercept)
    cross = moments.zy[1:] - np.outer(parts.mean_x, moments.zy[0])
    explained = parts.V.T @ cross / parts.singular[:, None]
    there = moments.squares() if intercept else moments.yy
    errors: Float64[np.ndarray, " target"] = np.maximum(there - (explained**2).sum(axis=0), 0.0)
    return errors


def _held_out_errors(factors: Sequence[Factor], moments: Sequence[Moments], setting: Setting) -> Float64[np.ndarray, " target"]:
    """Squared errors over all folds, each by the fit to the others."""
    penalties = fold_penalties(setting, moments)
    errors = np.zeros(setting.stacked.shape[1])
    for k, fold in enumerate(moments):
        training = total([one for i, one in enumerate(moments) if i != k])
        if penalties is None:
            parts = decompose(union([one for i, one in enumerate(factors) if i != k]), setting.intercept)
            mean_y = training.zy[0] / training.weight if setting.intercept else np.zeros_like(errors)
            cross = training.zy[1:] - np.outer(parts.mean_x, training.zy[0])
            slope = parts.V @ (parts.V.T @ cross / parts.singular[:, None] ** 2)
            map = np.concatenate([(mean_y - parts.mean_x @ slope)[None], slope])
        else:
            map = ridge_path(training, setting.intercept).map_each(penalties[k])
        errors += fold.errors(map)
    return errors
