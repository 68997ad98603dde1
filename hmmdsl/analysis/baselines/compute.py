"""The computation behind `baselines`: short memories, the probes and their controls, and the rival geometries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.analysis.fitting.fits import HeldOutReading, Reading, Statistics, read
from hmmdsl.analysis.fitting.folds import draw_folds
from hmmdsl.analysis.fitting.folds import in_words as fold_words
from hmmdsl.analysis.fitting.ridge import CONSTANT
from hmmdsl.analysis.fitting.scores import Score, score, spread
from hmmdsl.analysis.fitting.setting import Features, Setting
from hmmdsl.analysis.fitting.shuffled import score_by_fold, shuffle
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.reading.by_place import nest
from hmmdsl.analysis.reading.histories import histories_of, in_words
from hmmdsl.analysis.reading.losses import by_position, divergences
from hmmdsl.analysis.reading.points import Place, places
from hmmdsl.analysis.reading.targets import FutureTarget, target_values
from hmmdsl.process.history_tree import history_weights, optimal_losses
from hmmdsl.training.streams import generator

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float32, Float64, Int64

    from hmmdsl.analysis.baselines.record import Baselines
    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.process.process import Process
    from hmmdsl.training.trained import Trained

NOT_DEFINED: dict[str, Any] = {"r2": None, "mse": None}


def compute(analysis: Baselines, inputs: Inputs) -> Outcome:
    """All results of the analysis."""
    trained, process, tree = histories_of(analysis, inputs)
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


def rival_geometries(process: Process, tree: HistoryTree, future: int) -> dict[str, Float64[np.ndarray, "history coordinate"]]:
    """By name: `belief`; `log_belief`, its logarithm, NaN where some history rules a state out (and for a generalized HMM, whose
    beliefs may be negative); `unnormalized`, eta T_w, which shrinks with each token; `next_token`; `future`, the joint
    distribution of the next `future` tokens in its own coordinates."""
    positive = not process.generalized and bool((tree.belief > 0).all())
    return {
        "belief": tree.belief,
        "log_belief": np.log(tree.belief) if positive else np.full_like(tree.belief, np.nan),
        "unnormalized": tree.belief * word_probabilities(process, tree)[:, None],
        "next_token": tree.next_token,
        "future": target_values(process, tree, FutureTarget(k=future)),
    }


def word_probabilities(process: Process, tree: HistoryTree) -> Float64[np.ndarray, " history"]:
    """Pr(word) of every history from the process itself, where a drawn tree has its share of the drawn words."""
    found = np.ones(len(tree))
    first = process.eta @ process.emission
    for k, (start, end) in enumerate(zip(tree.levels, tree.levels[1:], strict=False)):
        token = tree.token[start:end]
        if k:
            parent = tree.parent[start:end]
            found[start:end] = found[parent] * tree.next_token[parent, token]
        elif not tree.bos:
            found[start:end] = first[token]
    return found


def with_fourier_features(
    x: Float[np.ndarray, "history width"],
    weights: Float64[np.ndarray, " history"],
    count: int,
    random: np.random.Generator,
    rows: Bool[np.ndarray, " history"] | slice = slice(None),
) -> Float32[np.ndarray, "history width_and_count"]:
    """The features x, and beside them cos(z w + b), with z the standardized x, w normal with variance 1 / width, b uniform.

    Their products approximate the Gaussian kernel exp(-|z - z'|^2 / (2 width)), whose scale is that of typical distances: ridge
    regression on them is kernel ridge regression, and what is linear in x stays so. Only the histories `rows` standardize: the
    others are to be predicted, and nothing of them may be known.
    """
    x = np.asarray(x, dtype=np.float64)
    share, known = weights[rows] / weights[rows].sum(), x[rows]
    mean = share @ known
    sd = np.sqrt(np.maximum(share @ (known - mean) ** 2, 0.0))
    varies = sd > CONSTANT * np.sqrt(share @ known**2)
    z = (x - mean) * np.where(varies, 1 / np.where(varies, sd, 1.0), 0.0)
    directions = random.standard_normal((x.shape[1], count)) / np.sqrt(x.shape[1])
    waves = np.cos(z @ directions + random.uniform(0, 2 * np.pi, count))
    return np.concatenate([x, waves], axis=1).astype(np.float32)


# Observers of the last k tokens: what they know exactly, and their tokens as features.


def last_tokens(tree: HistoryTree, k: int) -> Int64[np.ndarray, "history k"]:
    """The last k tokens of each history, the last one last; -1 where it has fewer, and for bos."""
    found = np.full((len(tree), k), -1, dtype=np.int64)
    node = np.arange(len(tree))
    for back in range(min(k, tree.context)):
        known = (node >= 0) & (tree.length[node] > 0)
        found[known, k - 1 - back] = tree.token[node[known]]
        node = np.where(known, tree.parent[node], -1)
    return found


def one_hot(tree: HistoryTree, k: int) -> Float32[np.ndarray, "history k_token"]:
    """The last k tokens as features: a 1 in the column of each token at each place, zeros where there is none."""
    tokens = last_tokens(tree, k)
    columns = np.zeros((len(tree), k, tree.vocabulary), dtype=np.float32)
    history, place = np.nonzero(tokens >= 0)
    columns[history, place, tokens[history, place]] = 1.0
    return columns.reshape(len(tree), -1)


def markov_beliefs(process: Process, tree: HistoryTree, k: int) -> Float64[np.ndarray, "history state"]:
    """Pr(state | position, last k tokens): what is known after l tokens of which only the last k were seen.

    The state before those k has the distribution eta T^(l-k), so the belief is eta T^(l-k) T[x1] … T[xk], normalized; for
    l <= k it is the belief itself. From a stationary start it depends on the last k tokens only, and its next-token
    distribution is that of the order-k Markov approximation.
    """
    tokens = last_tokens(tree, k)
    T = process.T.sum(axis=0)
    belief = np.array(tree.belief)
    before = process.eta
    for length in range(k + 1, tree.context + 1):
        before = before @ T
        nodes = np.flatnonzero(tree.length == length)
        known = np.repeat(before[None], len(nodes), axis=0)
        for place in range(k):
            for x in range(tree.vocabulary):
                of_x = np.flatnonzero(tokens[nodes, place] == x)
                known[of_x] = known[of_x] @ process.T[x]
            known /= (known @ process.r)[:, None]
        belief[nodes] = known / (known @ process.r)[:, None]
    return belief


def markov_divergences(
    process: Process, tree: HistoryTree, belief: Float64[np.ndarray, "history state"]
) -> Float64[np.ndarray, " history"]:
    """The KL divergence of the next-token distribution of `belief` from the true one after each history, in nats. Where a token
    can follow a history it can follow the belief of any shorter memory, so it is finite."""
    predicted = belief @ process.emission
    return divergences(tree, np.log(np.where(tree.next_token > 0, predicted, 1.0)))
