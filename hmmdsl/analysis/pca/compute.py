"""The computation behind `pca`: variances of principal components, from triangular factors of the activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.analysis.fitting.factors import Factor, fold_factors, leave_one_out, singular, union
from hmmdsl.analysis.fitting.folds import draw_folds
from hmmdsl.analysis.fitting.least_squares import RANK_TOLERANCE
from hmmdsl.analysis.fitting.sampling_error import group_shares, jackknife
from hmmdsl.analysis.fitting.setting import Features
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.pca.theory import theory
from hmmdsl.analysis.reading.by_place import nest
from hmmdsl.analysis.reading.controls import HeldOut, Untrained
from hmmdsl.analysis.reading.histories import histories_of, in_words
from hmmdsl.analysis.reading.points import Place, places
from hmmdsl.process.history_tree import history_weights
from hmmdsl.training.streams import generator

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

    from hmmdsl.analysis.pca.record import Pca


@dataclass(frozen=True)
class Spectrum:
    """`variances` of the components, largest first; None where nothing varies. They sum to `total`."""

    variances: Float64[np.ndarray, " component"] | None
    total: float

    @property
    def cumulative(self) -> Float64[np.ndarray, " component"] | None:
        """The share of the variance in the components up to each."""
        return None if self.variances is None else np.cumsum(self.variances) / self.total

    @property
    def participation_ratio(self) -> float | None:
        """Squared sum over sum of squares: as many equal variances would give the same."""
        return None if self.variances is None else float(self.total**2 / (self.variances**2).sum())

    def dimensions(self, thresholds: Sequence[float]) -> list[float | None]:
        """For each share, the least number of components that hold it."""
        cumulative = self.cumulative
        if cumulative is None:
            return [None] * len(thresholds)
        below = np.searchsorted(cumulative, np.array(thresholds) * (1 - 1e-12))
        return [float(min(count + 1, len(cumulative))) for count in below]


def spectrum(factor: Factor) -> Spectrum:
    """The variances of the principal components of a factor's rows, about their weighted mean.

    With the column of ones first, the rows of R below its first are the factor of the centred columns, so the variances are its
    squared singular values over the total weight. Where the spread is within the rounding of float32, nothing varies.
    """
    weight = float(factor.R[0, 0] ** 2)
    columns = slice(1, 1 + factor.features)
    values = np.linalg.svd(factor.R[1:, columns], compute_uv=False)
    size = float(np.linalg.norm(factor.R[:, columns]))
    if weight == 0 or float(np.linalg.norm(values)) <= RANK_TOLERANCE * size:
        return Spectrum(None, 0.0)
    variances = values**2 / weight
    return Spectrum(variances, float(variances.sum()))


def held_out_cumulative(folds: Sequence[Factor]) -> Float64[np.ndarray, " component"] | None:
    """The share of the variance of each fold, about the mean of the others, in the components of the others: summed over folds,
    by number of components. None where nothing varies."""
    explained, total = np.zeros(folds[0].features), 0.0
    for k, fold in enumerate(folds):
        others = union([one for i, one in enumerate(folds) if i != k])
        p = others.features
        mean = others.R[0, 1 : 1 + p] / others.R[0, 0]
        _, _, directions = singular(others.R[1 : 1 + p, 1 : 1 + p])
        rows = fold.R[:, 1 : 1 + p] - np.outer(fold.R[:, 0], mean)
        explained += ((rows @ directions.T) ** 2).sum(axis=0)
        total += float((rows**2).sum())
    size = sum(float(np.linalg.norm(fold.R[:, 1:]) ** 2) for fold in folds)
    return np.cumsum(explained) / total if total > RANK_TOLERANCE**2 * size else None


def _mean_cumulative(draws: Sequence[Sequence[Factor]]) -> Float64[np.ndarray, " component"] | None:
    """The mean of the held-out shares over draws of folds; None where nothing varies, or there are no folds."""
    found = [one for folds in draws if (one := held_out_cumulative(folds)) is not None]
    return np.asarray(np.mean(found, axis=0)) if found else None


def compute(analysis: Pca, inputs: Inputs) -> Outcome:
    """Spectra at each point, of the trained network and of the controls, beside the theory's dimensions."""
    trained, process, tree = histories_of(analysis, inputs)
    weights = history_weights(tree, analysis.weights)
    found = places(analysis.at, trained.model)
    known = theory(process, tree).by_name(process)
    position = np.repeat(np.arange(tree.positions), np.diff(tree.levels))
    features = trained.activations(None, tree)
    # Factors by position: united they are those of all histories, and single ones give the spectra of `by_position` for nothing.
    factors = _factors(features, found, weights, position)
    controls = {control.kind: control for control in analysis.controls}
    untrained: dict[str, list[Factor]] = {}
    if "untrained" in controls:
        untrained = _factors(trained.activations(0, tree), found, weights, np.zeros_like(position))
    held_out: list[dict[str, list[Factor]]] = []
    for control in analysis.controls:
        if isinstance(control, HeldOut):
            draws = draw_folds(tree, slice(None), control.by, control.folds, control.repeats, trained.train.seed)
            held_out = [_factors(features, found, weights, fold) for fold in draws]
    drawn: list[dict[str, Factor]] = []
    if tree.words is not None and analysis.weights == "probability":
        random = generator(trained.train.seed, "pca groups")
        drawn = [_of_group(features, found, weights * share) for share in group_shares(tree, random)]
    by_place: dict[str, dict[str, Any]] = {}
    arrays: dict[str, np.ndarray] = {}
    for place in found:
        results = _report(analysis, spectrum(union(factors[place.name])), known, place.width, arrays, place.name)
        # Drawn words that do not count by probability: an error there is, but nothing known of it.
        if tree.words is not None and not drawn:
            without: list[Spectrum | None] = [None, None]
        else:
            groups = [one[place.name] for one in drawn]
            without = [spectrum(one) for one in leave_one_out(groups)] if groups else []
        results["standard_error"] = _errors(analysis, without, known, place.width)
        for kind, control in controls.items():
            if isinstance(control, Untrained):
                first = spectrum(union(untrained[place.name]))
                results[kind] = _report(analysis, first, known, place.width, arrays, f"{place.name}.{kind}")
            else:
                cumulative = _mean_cumulative([draw[place.name] for draw in held_out])
                results[kind] = _shares(analysis, cumulative, known, place.width)
                if cumulative is not None:
                    arrays[f"{place.name}.{kind}"] = cumulative
        if analysis.by_position:
            results["position"] = [_few(analysis, spectrum(factor)) for factor in factors[place.name]]
        by_place[place.name] = results
    numbers = {name: None if value is None else float(value) for name, value in known.items()}
    facts = {"histories": in_words(tree), "weights": analysis.weights}
    return Outcome({**nest(analysis.at, by_place), "theory": numbers}, arrays, facts)


def _errors(analysis: Pca, without: Sequence[Spectrum | None], known: dict[str, int | None], width: int) -> dict[str, Any]:
    """Standard errors of a spectrum from those without each group of words."""
    shares = [_shares(analysis, None if one is None else one.cumulative, known, width)["captured"] for one in without]
    return {
        "variance": jackknife([None if one is None else one.total for one in without]),
        "participation_ratio": jackknife([None if one is None else one.participation_ratio for one in without]),
        "captured": {name: jackknife([one[name] for one in shares]) for name in known},
    }


def _of_group(features: Features, found: Sequence[Place], weights: Float64[np.ndarray, " history"]) -> dict[str, Factor]:
    """By place, a factor of the histories that count."""
    own = np.flatnonzero(weights)
    rows = {part: features[part][own] for place in found for part in place.parts}
    return {name: one[0] for name, one in _factors(rows, found, weights[own], np.zeros(len(own), dtype=np.int64)).items()}


def _factors(
    features: Features,
    found: Sequence[Place],
    weights: Float64[np.ndarray, " history"],
    fold: Int64[np.ndarray, " history"],
) -> dict[str, list[Factor]]:
    """By place, a factor for each fold, of one pass over the features."""
    parts = tuple(dict.fromkeys(part for place in found for part in place.parts))
    blocks = [features[part] for part in parts]
    ends = np.cumsum([0, *(block.shape[1] for block in blocks)])
    where = {part: np.arange(a, b) for part, a, b in zip(parts, ends, ends[1:], strict=False)}
    whole = fold_factors(blocks, np.empty((len(weights), 0)), weights, fold)
    return {place.name: [one.select(np.concatenate([where[part] for part in place.parts])) for one in whole] for place in found}


def _few(analysis: Pca, found: Spectrum) -> dict[str, Any]:
    return {
        "variance": found.total,
        "participation_ratio": found.participation_ratio,
        "dimensions": found.dimensions(analysis.thresholds),
    }


def _report(
    analysis: Pca, found: Spectrum, known: dict[str, int | None], width: int, arrays: dict[str, np.ndarray], name: str
) -> dict[str, Any]:
    """The results of one spectrum, whose whole cumulative curve is kept in `arrays`."""
    shown = min(analysis.components, width)
    cumulative = found.cumulative
    if found.variances is None or cumulative is None:
        explained: list[float | None] = [None] * shown
    else:
        explained = [float(value) for value in found.variances[:shown] / found.total]
        arrays[name] = cumulative
    return {**_few(analysis, found), "explained": explained, **_shares(analysis, cumulative, known, width)}


def _shares(
    analysis: Pca, cumulative: Float64[np.ndarray, " component"] | None, known: dict[str, int | None], width: int
) -> dict[str, Any]:
    """The cumulative shares that are reported, and those in the theory's numbers of components."""
    shown = min(analysis.components, width)

    def captured(count: int | None) -> float | None:
        if cumulative is None or count is None:
            return None
        return float(cumulative[min(count, len(cumulative)) - 1]) if count else 0.0

    return {
        "cumulative": [None] * shown if cumulative is None else [float(value) for value in cumulative[:shown]],
        "captured": {name: captured(count) for name, count in known.items()},
    }
