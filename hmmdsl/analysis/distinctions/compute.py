"""The computation behind `distinctions`: scatter between classes, distances of pairs, and pairs worth following."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.analysis.distinctions import history_pairs
from hmmdsl.analysis.distinctions.history_pairs import Pairs, pairs_within
from hmmdsl.analysis.fitting.least_squares import RANK_TOLERANCE
from hmmdsl.analysis.fitting.scores import spread
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.reading.by_place import nest
from hmmdsl.analysis.reading.controls import Noise, Shuffled, Untrained
from hmmdsl.analysis.reading.histories import histories_of, in_words
from hmmdsl.analysis.reading.points import Place, places
from hmmdsl.process.distinct import distinct
from hmmdsl.process.history_tree import history_weights, word_text, words_of
from hmmdsl.process.words import read_word
from hmmdsl.training.streams import generator

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

    from hmmdsl.analysis.distinctions.record import Distinctions
    from hmmdsl.analysis.fitting.setting import Features
    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.process.process import Process

CONTROL_PAIRS = 20_000
"""Most pairs that each repeat of a control compares."""

ABSENT = -1
"""The node of a history that is not in the tree."""

SHOWN = 3
"""Pairs of each kind that are followed where the spec names none."""


@dataclass(frozen=True)
class Classes:
    """Histories by what an optimal observer knows after them.

    `stratum` is which histories are compared at all: 0 for all, or the number of the history's length. Classes of `belief` and
    `next_token` are counted within strata.
    """

    weights: Float64[np.ndarray, " history"]
    stratum: Int64[np.ndarray, " history"]
    belief: Int64[np.ndarray, " history"]
    next_token: Int64[np.ndarray, " history"]

    def degenerate(self, most: int, random: np.random.Generator) -> Pairs:
        """Pairs with equal next-token distributions and different beliefs."""
        return pairs_within(self.weights, self.next_token, self.belief, most, random)

    def same_belief(self, most: int, random: np.random.Generator) -> Pairs:
        """Pairs with one belief."""
        return pairs_within(self.weights, self.belief, np.arange(len(self.belief)), most, random)


def classes_of(tree: HistoryTree, weights: Float64[np.ndarray, " history"], same_position: bool) -> Classes:
    """The classes of a tree's histories, exact but for rounding."""
    stratum = tree.length - tree.length.min() if same_position else np.zeros(len(tree), dtype=np.int64)
    belief, next_token = distinct(tree.belief), distinct(tree.next_token)
    return Classes(weights, stratum, _within(stratum, belief), _within(stratum, next_token))


def _within(stratum: Int64[np.ndarray, " history"], label: Int64[np.ndarray, " history"]) -> Int64[np.ndarray, " history"]:
    return np.asarray(np.unique(stratum * (label.max() + 1) + label, return_inverse=True)[1])


@dataclass(frozen=True)
class Cloud:
    """Activations at one place about the mean of their stratum, over the typical distance: the root of the mean squared distance
    of two histories of a stratum drawn by their weights, which is that of twice the variance. None where they don't vary."""

    points: Float64[np.ndarray, "history width"] | None

    @staticmethod
    def of(features: Features, place: Place, classes: Classes) -> Cloud:
        """The cloud of one place; spread within the rounding of float32 is none."""
        points = np.concatenate([features[part] for part in place.parts], axis=1).astype(np.float64)
        w = classes.weights
        size = float(w @ (points**2).sum(axis=1))
        points -= _means(points, w, classes.stratum)[classes.stratum]
        variance = float(w @ (points**2).sum(axis=1))
        if variance <= RANK_TOLERANCE**2 * size:
            return Cloud(None)
        return Cloud(points / np.sqrt(2 * variance))

    def between(self, classes: Classes, label: Int64[np.ndarray, " history"]) -> float | None:
        """The share of the variance between the classes: `sum_c w_c |m_c|^2` over `sum_h w_h |x_h|^2`, means taken off. None
        where each history is a class of its own, or there is but one class."""
        count, strata = int(label.max()) + 1, len(np.unique(classes.stratum))
        if self.points is None or count in (strata, len(label)):
            return None
        means = _means(self.points, classes.weights, label)
        mass = np.bincount(label, classes.weights)
        return 2 * float(mass @ (means**2).sum(axis=1))


def _means(
    points: Float64[np.ndarray, "history width"], weights: Float64[np.ndarray, " history"], label: Int64[np.ndarray, " history"]
) -> Float64[np.ndarray, "class width"]:
    """The weighted mean of each class."""
    order = np.argsort(label, kind="stable")
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    sums = np.add.reduceat(points[order] * weights[order, None], starts)
    return np.asarray(sums / np.add.reduceat(weights[order], starts)[:, None])


def compute(analysis: Distinctions, inputs: Inputs) -> Outcome:
    """Scatter and distances at each place, those of the controls, and pairs followed through the places."""
    trained, process, tree = histories_of(analysis, inputs)
    classes = classes_of(tree, history_weights(tree, analysis.weights), analysis.positions == "same")

    def random(use: str) -> np.random.Generator:
        return generator(trained.train.seed, f"distinctions {use}")

    found = places(analysis.at, trained.model)
    features = trained.activations(None, tree)
    most = history_pairs.MOST_PAIRS
    degenerate, same = classes.degenerate(most, random("degenerate pairs")), classes.same_belief(most, random("same pairs"))
    few = classes.degenerate(CONTROL_PAIRS, random("control pairs")), classes.same_belief(CONTROL_PAIRS, random("control same"))
    first = trained.activations(0, tree) if any(isinstance(one, Untrained) for one in analysis.controls) else features
    named = [(_index(tree, process, first), _index(tree, process, second)) for first, second in analysis.follow]
    far = np.empty((len(found), len(degenerate))), np.empty((len(found), len(same)))
    followed = np.empty((len(found), len(named)))
    by_place: dict[str, dict[str, Any]] = {}
    for k, place in enumerate(found):
        cloud = Cloud.of(features, place, classes)
        results = _measures(cloud, classes, degenerate, same, analysis.threshold)
        if cloud.points is not None:
            far[0][k], far[1][k] = degenerate.distances(cloud.points), same.distances(cloud.points)
            followed[k] = [np.nan if ABSENT in (a, b) else np.linalg.norm(cloud.points[a] - cloud.points[b]) for a, b in named]
        else:
            far[0][k], far[1][k], followed[k] = np.nan, np.nan, np.nan
        if analysis.follow:
            results["followed"] = [None if np.isnan(one) else float(one) for one in followed[k]]
        for control in analysis.controls:
            if isinstance(control, Untrained):
                results[control.kind] = _measures(Cloud.of(first, place, classes), classes, degenerate, same, analysis.threshold)
            else:
                clouds = _control_clouds(control, features, place, classes, random(f"{control.kind} {place.name}"))
                results[control.kind] = _spread([_measures(one, classes, *few, analysis.threshold) for one in clouds])
        by_place[place.name] = results
    texts = list(analysis.follow)
    if not named:
        picked = _separating(far[0], degenerate, classes), _collapsing(far[1], same, classes)
        named = [
            (int(pairs.left[i]), int(pairs.right[i])) for pairs, at in zip((degenerate, same), picked, strict=True) for i in at
        ]
        followed = np.concatenate([distance[:, at] for distance, at in zip(far, picked, strict=True)], axis=1)
        words = words_of(tree)
        texts = [(word_text(process.tokens, words[a]), word_text(process.tokens, words[b])) for a, b in named]
    count = {
        "beliefs": float(distinct(tree.belief).max() + 1),
        "next_tokens": float(distinct(tree.next_token).max() + 1),
        "degenerate_pairs": float(len(degenerate)),
        "same_belief_pairs": float(len(same)),
    }
    facts = {
        "histories": in_words(tree),
        "weights": analysis.weights,
        "pairs": f"{_many(degenerate)} degenerate, {_many(same)} of one belief",
        "followed": [[_kind(classes, *pair), *words] for pair, words in zip(named, texts, strict=True)],
    }
    return Outcome({**nest(analysis.at, by_place), "count": count}, {"followed": followed}, facts)


def _many(pairs: Pairs) -> str:
    return f"{'all' if pairs.complete else 'a sample of'} {len(pairs):,}"


def _kind(classes: Classes, a: int, b: int) -> str:
    """What two histories share."""
    if ABSENT in (a, b):
        return "not drawn"
    if classes.belief[a] == classes.belief[b]:
        return "same belief"
    return "same next token" if classes.next_token[a] == classes.next_token[b] else "different next token"


def _index(tree: HistoryTree, process: Process, text: str) -> int:
    """The node of a word, `ABSENT` if it is not among the tree's histories, as may be where they are drawn."""
    word = read_word(process.tokens, text)
    node = 0 if tree.bos else -1
    for length, token in enumerate(word, start=0 if not tree.bos else 1):
        start, end = tree.levels[length : length + 2]
        child = start + np.flatnonzero((tree.parent[start:end] == node) & (tree.token[start:end] == token))
        if not len(child):
            return ABSENT
        node = int(child[0])
    return node


def _measures(cloud: Cloud, classes: Classes, degenerate: Pairs, same: Pairs, threshold: float) -> dict[str, Any]:
    """The results of one cloud."""
    belief, next_token = cloud.between(classes, classes.belief), cloud.between(classes, classes.next_token)
    apart, together = _distances(cloud, degenerate, threshold), _distances(cloud, same, threshold)
    near, far = together["distance"], apart["distance"]
    return {
        "scatter": {
            "next_token": next_token,
            "belief": belief,
            "beyond": belief - next_token if belief is not None and next_token is not None else None,
            "within": 1 - belief if belief is not None else None,
        },
        "degenerate": {**apart, "ratio": far / near if far is not None and near else None},
        "same_belief": together,
    }


def _distances(cloud: Cloud, pairs: Pairs, threshold: float) -> dict[str, float | None]:
    if cloud.points is None or not len(pairs):
        return {"distance": None, "standard_error": None, "separated": None}
    distances = pairs.distances(cloud.points)
    return {
        "distance": pairs.mean(distances),
        "standard_error": pairs.standard_error(distances),
        "separated": pairs.mean(distances > threshold),
    }


def _control_clouds(
    control: Shuffled | Noise, features: Features, place: Place, classes: Classes, random: np.random.Generator
) -> Iterator[Cloud]:
    """The cloud of each repeat: activations permuted over histories, or Gaussian numbers."""
    for _ in range(control.repeats):
        if isinstance(control, Shuffled):
            rows = random.permutation(len(classes.weights))
            drawn = {part: features[part][rows] for part in place.parts}
        else:
            drawn = {part: random.standard_normal(features[part].shape) for part in place.parts}
        yield Cloud.of(drawn, place, classes)


def _spread(repeats: Sequence[Mapping[str, Any]]) -> Any:
    """Results of repeats: each number's spread, or the number itself where there is one repeat."""
    if len(repeats) == 1:
        return repeats[0]
    first = repeats[0]
    return {
        name: _spread([one[name] for one in repeats])
        if isinstance(first[name], Mapping)
        else spread([one[name] for one in repeats]).results()
        for name in first
        if name != "standard_error"
    }


def _separating(far: Float64[np.ndarray, "place pair"], pairs: Pairs, classes: Classes) -> list[int]:
    """Degenerate pairs whose distance grows most from the first place on, no two of the same beliefs."""
    a, b = classes.belief[pairs.left], classes.belief[pairs.right]
    count = int(classes.belief.max()) + 1
    return _most(_peaks(far) - far[0], np.minimum(a, b) * count + np.maximum(a, b))


def _collapsing(far: Float64[np.ndarray, "place pair"], pairs: Pairs, classes: Classes) -> list[int]:
    """Pairs of one belief whose distance falls most from its peak to the last place, no two of the same belief."""
    return _most(_peaks(far) - far[-1], classes.belief[pairs.left])


def _peaks(far: Float64[np.ndarray, "place pair"]) -> Float64[np.ndarray, " pair"]:
    return np.asarray(np.max(far, axis=0, initial=-np.inf, where=np.isfinite(far)))


def _most(change: Float64[np.ndarray, " pair"], label: Int64[np.ndarray, " pair"]) -> list[int]:
    """The pairs that change most, in that order, one for each label; of equal ones the first."""
    change = np.where(np.isfinite(change), change, -np.inf)
    order = np.argsort(-change, kind="stable")
    _, first = np.unique(label[order], return_index=True)
    return [int(order[i]) for i in sorted(first)[:SHOWN] if change[order[i]] > 0]
