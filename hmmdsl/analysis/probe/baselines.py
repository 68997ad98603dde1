"""The computation behind `baselines`: short memories, the probes and their controls, and the rival geometries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.analysis.options.by_place import nest
from hmmdsl.analysis.options.points import Place, places
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.probe.folds import draw_folds
from hmmdsl.analysis.probe.folds import in_words as fold_words
from hmmdsl.analysis.probe.fourier import with_fourier_features
from hmmdsl.analysis.probe.histories import histories_read, in_words
from hmmdsl.analysis.probe.last_tokens import markov_beliefs, markov_divergences, one_hot
from hmmdsl.analysis.probe.losses import by_position, divergences
from hmmdsl.analysis.probe.reading import HeldOutReading, Reading, Statistics, read
from hmmdsl.analysis.probe.rivals import rival_geometries
from hmmdsl.analysis.probe.scores import Score, score, spread
from hmmdsl.analysis.probe.setting import Features, Setting
from hmmdsl.analysis.probe.shuffled import score_by_fold, shuffle
from hmmdsl.process.history_tree import history_weights, optimal_losses
from hmmdsl.training.streams import generator

if TYPE_CHECKING:
    from hmmdsl.analysis.baselines import Baselines
    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.process.process import Process
    from hmmdsl.training.trained import Trained

NOT_DEFINED: dict[str, Any] = {"r2": None, "mse": None}


def baselines(analysis: Baselines, inputs: Inputs) -> Outcome:
    """All results of the analysis."""
    trained = inputs.trained[analysis.of]
    on = inputs.processes[analysis.on] if analysis.on is not None else None
    tree = histories_read(trained, on, analysis.histories)
    process = trained.process if on is None else on
    draws = draw_folds(tree, slice(None), analysis.by, analysis.folds, 1, trained.train.seed)
    weights = history_weights(tree, analysis.weights)
    setting = Setting([], {"belief": tree.belief}, weights, tree.levels, draws, True, "auto")
    markov = [_markov(process, tree, setting, k) for k in range(analysis.longest + 1)]
    results: dict[str, Any] = {
        "network": _network(trained, tree, [one["loss"] for one in markov]),
        "markov": markov,
        "tokens": [_tokens(tree, setting, k) for k in range(analysis.longest + 1)],
    }
    rivals = rival_geometries(process, tree, analysis.future)
    found = places(analysis.at, trained.model)
    by_place = {place.name: _place(analysis, trained, tree, setting, rivals, place) for place in found}
    facts = {
        "histories": in_words(tree),
        "weights": analysis.weights,
        "folds": fold_words(analysis.by, draws, tree.context),
    }
    return Outcome(results | nest(analysis.at, by_place), {"belief": tree.belief, "weights": weights}, facts)


def _random(trained: Trained, use: str) -> np.random.Generator:
    """The random numbers for one use: a stream of their own from the run's seed."""
    return generator(trained.train.seed, f"baselines {use}")


# ---------------------------------------------------------------- short memories


def _network(trained: Trained, tree: HistoryTree, markov: Sequence[float]) -> dict[str, float]:
    """The network's loss, and the longest memory that it beats, all shorter ones with it."""
    gap = float(by_position(tree, divergences(tree, trained.log_probabilities(None, tree))).mean())
    loss = float(optimal_losses(tree).mean()) + gap
    beaten = [loss < other for other in markov]
    order = beaten.index(False) - 1 if False in beaten else len(beaten) - 1
    return {"loss": loss, "gap": gap, "order": float(order)}


def _markov(process: Process, tree: HistoryTree, setting: Setting, k: int) -> dict[str, Any]:
    """The optimal observer of the last k tokens."""
    belief = markov_beliefs(process, tree, k)
    gap = float(by_position(tree, markov_divergences(process, tree, belief)).mean())
    loss = float(optimal_losses(tree).mean()) + gap
    return {"loss": loss, "gap": gap, **score(tree.belief, belief, setting.weights).results()}


def _tokens(tree: HistoryTree, setting: Setting, k: int) -> dict[str, Any]:
    """Beliefs by an affine map from the last k tokens."""
    columns = one_hot(tree, k) if k else np.zeros((len(tree), 1), dtype=np.float32)  # of no token nothing but the mean
    features = {"tokens": columns}
    place = Place("tokens", ("tokens",), features["tokens"].shape[1])
    return _both(read(features, replace(setting, places=[place]))["belief", "tokens"])


# ---------------------------------------------------------------- probes


def _place(
    analysis: Baselines,
    trained: Trained,
    tree: HistoryTree,
    setting: Setting,
    rivals: Mapping[str, np.ndarray],
    place: Place,
) -> dict[str, Any]:
    """The probes of one place, and the rival geometries there."""
    known = _joined(trained.activations(None, tree), place)
    before = _joined(trained.activations(0, tree), place)
    noise = _random(trained, f"noise {place.name}").standard_normal(known.shape, dtype=np.float32)
    sets = {"trained": known, "untrained": before, "noise": noise}

    return {
        "linear": _linear(analysis, trained, setting, place, sets),
        "nonlinear": _nonlinear(analysis, trained, setting, place, sets),
        "rivals": _rivals(known, before, setting, rivals),
    }


def _linear(
    analysis: Baselines, trained: Trained, setting: Setting, place: Place, sets: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """The affine map from each set of features, and from the trained network's to permuted targets."""
    scored: dict[str, dict[str, Any]] = {}
    for which, x in sets.items():
        features, asked = _one(x, setting)
        statistics = Statistics.of(features, asked)
        scored[which] = _both(read(features, asked, statistics)["belief", "x"])
        if which == "trained":
            random = _random(trained, f"shuffled {place.name}")
            several = shuffle(features, asked, statistics, analysis.repeats, random)["belief", "x"]
            scored["shuffled"] = {**_extremes(several.in_sample), "held_out": _extremes(several.held_out)}
    return {**scored.pop("trained"), **scored}


def _nonlinear(
    analysis: Baselines, trained: Trained, setting: Setting, place: Place, sets: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """The same with random Fourier features beside. Their scale is that of the histories of each fit alone."""
    scored: dict[str, dict[str, Any]] = {}
    for which, x in sets.items():

        def waves(fold: int | None, x: np.ndarray = x) -> Features:
            rows = slice(None) if fold is None else setting.folds != fold
            random = _random(trained, f"fourier {place.name}")
            return {"x": with_fourier_features(x, setting.weights, analysis.features, random, rows)}

        random = _random(trained, f"shuffled {place.name}")
        orders = [np.arange(len(x))]  # the targets as they are, and permuted ones for the trained network
        orders += [random.permutation(len(x)) for _ in range(analysis.repeats if which == "trained" else 0)]
        asked = replace(setting, places=[Place("x", ("x",), x.shape[1] + analysis.features)])
        (inside, outside), *permuted = score_by_fold(waves, asked, np.stack(orders, axis=1).astype(np.int32))
        scored[which] = {**inside.results(), "held_out": dict(NOT_DEFINED) if outside is None else outside.results()}
        if permuted:
            held_out = [score for _, score in permuted if score is not None]
            scored["shuffled"] = {**_extremes([score for score, _ in permuted]), "held_out": _extremes(held_out)}
    return {**scored.pop("trained"), **scored}


def _rivals(
    known: np.ndarray, before: np.ndarray, setting: Setting, rivals: Mapping[str, np.ndarray]
) -> dict[str, dict[str, Any]]:
    """Every geometry that is defined, read off the trained and the untrained network."""
    defined = {name: target for name, target in rivals.items() if np.isfinite(target).all()}
    found = {name: {**_both(None), "untrained": _both(None)} for name in rivals}
    for which, x in (("trained", known), ("untrained", before)):
        features, asked = _one(x, replace(setting, targets=defined))
        for (name, _), reading in read(features, asked).items():
            if which == "trained":
                found[name] |= _both(reading)
            else:
                found[name]["untrained"] = _both(reading)
    return found


def _joined(activations: Features, place: Place) -> np.ndarray:
    return np.concatenate([activations[part] for part in place.parts], axis=1)


def _one(x: np.ndarray, setting: Setting) -> tuple[Features, Setting]:
    """Features of one place, called x."""
    return {"x": x}, replace(setting, places=[Place("x", ("x",), x.shape[1])])


def _both(reading: Reading | None) -> dict[str, Any]:
    """Scores in sample and held out."""
    held_out: HeldOutReading | None = reading.held_out[0] if reading is not None and reading.held_out else None
    return {
        **(reading.score.results() if reading is not None else NOT_DEFINED),
        "held_out": held_out.score.results() if held_out is not None else dict(NOT_DEFINED),
    }


def _extremes(scores: Sequence[Score]) -> dict[str, dict[str, float | None]]:
    """Mean and maximum of each score over the permutations."""
    spreads = {"r2": spread([one.r2 for one in scores]), "mse": spread([one.mse for one in scores])}
    return {name: {"mean": one.mean, "max": one.max} for name, one in spreads.items()}
