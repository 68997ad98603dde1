"""The computation behind `information`: what histories tell of the next tokens, and what affine readers find of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.analysis.fitting.fits import read
from hmmdsl.analysis.fitting.folds import draw_folds
from hmmdsl.analysis.fitting.folds import in_words as fold_words
from hmmdsl.analysis.fitting.sampling_error import mean_error
from hmmdsl.analysis.fitting.setting import Setting
from hmmdsl.analysis.information.softmax import fit_path, principal_axes
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.reading.by_place import nest
from hmmdsl.analysis.reading.histories import histories_of, in_words
from hmmdsl.analysis.reading.points import Place, places
from hmmdsl.process.complexity import complexity
from hmmdsl.process.ensemble import entropy_nats
from hmmdsl.process.entropies import LN2, entropy_rate, followed_beliefs, myopic_entropies
from hmmdsl.process.futures import future_space, word_vectors
from hmmdsl.process.history_tree import history_weights
from hmmdsl.training.streams import generator

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

    from hmmdsl.analysis.information.record import Information
    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.process.process import Process
    from hmmdsl.training.trained import Trained

MIXED = (0.1, 0.03, 0.01, 0.003, 1e-3, 1e-4, 1e-5)
"""Shares of the mean distribution that a regression's predictions may be mixed with, so that none is zero."""


@dataclass(frozen=True)
class Futures:
    """The distribution of the next k tokens after each history, in all columns and in the coordinates they need; weights and
    folds of the histories (None: too few), and the tree that they stand in."""

    future: Float64[np.ndarray, "history word"]
    coordinates: Float64[np.ndarray, "history coordinate"]
    words: Float64[np.ndarray, "coordinate word"]
    weights: Float64[np.ndarray, " history"]
    fold: Int64[np.ndarray, " history"] | None
    tree: HistoryTree

    @property
    def mean(self) -> Float64[np.ndarray, " word"]:
        """The distribution of the next k tokens when nothing is known."""
        mean: Float64[np.ndarray, " word"] = self.weights @ self.future
        return mean

    def history_bits(self, rows: slice = slice(None)) -> float:
        """The mutual information between history (and its length, if there are several) and the next k tokens."""
        share = self.weights[rows] / self.weights[rows].sum()
        mean = share @ self.future[rows]
        return float(entropy_nats(mean) - share @ entropy_nats(self.future[rows])) / LN2

    def error(self, log_probabilities: Float64[np.ndarray, "history word"]) -> float:
        """Standard error of `read_bits` from drawing words, the reader as it is (by the delta method: a history adds what its
        prediction gains over the mean distribution); 0 on an exact tree."""
        gain = (self.future * (log_probabilities - np.log(np.maximum(self.mean, 1e-300)))).sum(axis=1)
        return mean_error(self.tree, gain) / LN2

    def read_bits(self, log_probabilities: Float64[np.ndarray, "history word"], rows: slice = slice(None)) -> float:
        """Entropy less expected cross-entropy of predictions: a lower bound of what they know, maybe below zero."""
        share = self.weights[rows] / self.weights[rows].sum()
        mean = share @ self.future[rows]
        lost = -float(share @ (self.future[rows] * log_probabilities[rows]).sum(axis=1))
        return (float(entropy_nats(mean)) - lost) / LN2


def compute(analysis: Information, inputs: Inputs) -> Outcome:
    """All results of the analysis, in bits."""
    trained, process, tree = histories_of(analysis, inputs)
    space = future_space(process, analysis.k)
    # Of a generalized HMM, rounding may leave a probability just below zero.
    future = np.maximum(tree.belief @ word_vectors(process, analysis.k), 0.0)
    future /= future.sum(axis=1, keepdims=True)
    draws = draw_folds(tree, slice(None), analysis.by, analysis.folds, 1, trained.train.seed)
    fold = draws[0] if draws else None
    known = Futures(future, tree.belief @ space.coordinates, space.words, history_weights(tree), fold, tree)
    results: dict[str, Any] = {
        "future_entropy": float(entropy_nats(known.mean)) / LN2,
        "history": known.history_bits(),
        "history_standard_error": known.error(np.log(np.maximum(known.future, 1e-300))),
        **_whole_past(process, analysis.k),
        "position": [{"history": known.history_bits(slice(a, b))} for a, b in pairwise(tree.levels)],
    }
    found = places(analysis.at, trained.model)
    after, before = trained.activations(None, tree), trained.activations(0, tree)
    by_place = {place.name: _place(analysis, trained, known, place, after, before) for place in found}
    facts = {
        "histories": in_words(tree),
        "weights": "probability",
        "folds": fold_words(analysis.by, draws, tree.context),
    }
    length = tree.length[np.array(tree.levels[:-1])]
    return Outcome(results | nest(analysis.at, by_place), {"length": length}, facts)


def _whole_past(process: Process, k: int) -> dict[str, float | None]:
    """The excess entropy, and its part about the next k tokens: H(k) - k h of the stationary process. Both are None where the
    process does not start so, the finite one also where words are too many."""
    settled = process.start_kind == "stationary"
    if not settled and not process.generalized:
        try:
            settled = bool(np.allclose(process.eta @ process.T.sum(axis=0), process.eta, atol=1e-12))
        except ValueError:
            settled = False
    if not settled:
        return {"finite_excess_entropy": None, "excess_entropy": None}
    presentation = followed_beliefs(process)
    rate = entropy_rate(process, presentation)
    block = myopic_entropies(process, k).block_bits
    return {
        "finite_excess_entropy": max(0.0, block[-1] - k * rate.value_bits) if len(block) == k else None,
        "excess_entropy": complexity(process, rate, presentation).excess_entropy.bits,
    }


def _place(
    analysis: Information,
    trained: Trained,
    known: Futures,
    place: Place,
    after: Any,
    before: Any,
) -> dict[str, Any]:
    """What is found at one place, and what the controls find."""
    x = np.concatenate([after[part] for part in place.parts], axis=1)
    results, held_out = _read(known, x)
    results["read"] = [
        {"bits": known.read_bits(held_out, slice(a, b)) if held_out is not None else None} for a, b in pairwise(known.tree.levels)
    ]
    for control in analysis.controls:
        random = generator(trained.train.seed, f"information {control} {place.name}")
        if control == "untrained":
            other = np.concatenate([before[part] for part in place.parts], axis=1)
        elif control == "shuffled":
            other = x[random.permutation(len(x))]
        else:
            other = random.standard_normal(x.shape, dtype=np.float32)
        results[control], _ = _read(known, other)
    return results


def _read(known: Futures, x: np.ndarray) -> tuple[dict[str, Any], Float64[np.ndarray, "history word"] | None]:
    """Both bounds, in sample and held out, and the held-out log probabilities of the better reader."""
    inside, outside = _regression(known, x)
    in_sample, held_out = _classification(known, x)
    results = _scores(known, in_sample, inside)
    if outside is None or held_out is None:
        return results | {"held_out": dict.fromkeys(results)}, None
    return results | {"held_out": _scores(known, held_out, outside)}, _better(known, held_out, outside)


def _better(known: Futures, classified: np.ndarray, regressed: np.ndarray) -> np.ndarray:
    """The log probabilities that lose less."""
    return classified if known.read_bits(classified) >= known.read_bits(regressed) else regressed


def _scores(known: Futures, classified: np.ndarray, regressed: np.ndarray) -> dict[str, Any]:
    """As results.json has them; of a future that no history tells anything of there is no share."""
    classification, regression, history = known.read_bits(classified), known.read_bits(regressed), known.history_bits()
    bits = max(classification, regression)
    share = bits / history if history > 1e-12 else None
    error = known.error(_better(known, classified, regressed))
    return {
        "bits": bits,
        "share": share,
        "classification": classification,
        "regression": regression,
        "standard_error": error,
    }


def _regression(known: Futures, x: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Log probabilities of the words by affine maps to them, in sample and held out. What is below zero is cut off, and a share
    of the mean distribution is mixed in: of each fold the one with which the other folds predict one another best, by the
    penalty that was chosen among them."""
    place = Place("x", ("x",), x.shape[1])
    draws = () if known.fold is None else (known.fold,)
    setting = Setting([place], {"future": known.coordinates}, known.weights, known.tree.levels, draws, True, "auto")
    reading = read({"x": x}, setting)["future", "x"]
    everyone = np.ones(len(x), dtype=bool)
    inside = _mixed(known, reading.predicted, everyone, _best_share(known, reading.predicted, everyone))
    if known.fold is None:
        return inside, None
    (held_out,) = reading.held_out
    outside = np.empty_like(known.future)
    for k, penalty in enumerate(held_out.penalties):
        others = known.fold != k
        _, again = np.unique(known.fold[others], return_inverse=True)
        among = replace(
            setting,
            targets={"future": known.coordinates[others]},
            weights=known.weights[others],
            levels=(0, int(others.sum())),
            draws=(again,),
            ridge=penalty,
        )
        predicted = np.zeros_like(held_out.predicted)
        predicted[others] = read({"x": x[others]}, among)["future", "x"].held_out[0].predicted
        share = _best_share(known, predicted, others)
        outside[~others] = _mixed(known, held_out.predicted, others, share)[~others]
    return inside, outside


def _best_share(known: Futures, predicted: np.ndarray, rows: np.ndarray) -> float:
    """The share of the mean distribution with which these predictions of the histories `rows` lose least."""

    def lost(share: float) -> float:
        mixed = _mixed(known, predicted, rows, share)[rows]
        return -float(known.weights[rows] @ (known.future[rows] * mixed).sum(axis=1))

    return min(MIXED, key=lost)


def _mixed(known: Futures, predicted: np.ndarray, rows: np.ndarray, share: float) -> Float64[np.ndarray, "history word"]:
    """Log probabilities of predictions, with a share of the mean distribution of the histories `rows` mixed in."""
    q = np.maximum(predicted @ known.words, 0.0)
    q /= np.maximum(q.sum(axis=1, keepdims=True), 1e-300)
    mean = known.weights[rows] @ known.future[rows] / known.weights[rows].sum()
    return np.asarray(np.log((1 - share) * q + share * np.maximum(mean, 1e-300)))


def _classification(known: Futures, x: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Log probabilities of the words by softmax, in sample and held out. Each fold's penalty is that with which the fits to all
    folds but it and the next predict the next."""
    axes = principal_axes(x, known.weights)
    inside = fit_path(axes, known.future, known.weights, slice(None))[-1].log_probabilities(axes.z)
    if known.fold is None:
        return inside, None
    # Axes are those of the histories of each fit alone: what is predicted is not standardized with what predicts it.
    outside = np.empty_like(known.future)
    folds = int(known.fold.max()) + 1
    for k in range(folds):
        inner = (k + 1) % folds
        validation, test = known.fold == inner, known.fold == k
        inner_axes = principal_axes(x, known.weights, ~validation & ~test)
        lost = [
            -float(
                known.weights[validation]
                @ (known.future[validation] * one.log_probabilities(inner_axes.z[validation])).sum(axis=1)
            )
            for one in fit_path(inner_axes, known.future, known.weights, ~validation & ~test)
        ]
        axes = principal_axes(x, known.weights, ~test)
        fitted = fit_path(axes, known.future, known.weights, ~test)[int(np.argmin(lost))]
        outside[test] = fitted.log_probabilities(axes.z[test])
    return inside, outside
