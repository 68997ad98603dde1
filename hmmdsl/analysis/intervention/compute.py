"""The computation behind `intervention`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hmmdsl.analysis.fitting.least_squares import AffineMap
from hmmdsl.analysis.fitting.sampling_error import mean_error
from hmmdsl.analysis.fitting.scores import spread
from hmmdsl.analysis.intervention.record import written_point
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.reading.continuation import Continuation, divergence
from hmmdsl.analysis.reading.controls import RandomSubspace, Shuffled, Untrained
from hmmdsl.analysis.reading.histories import histories_of, in_words
from hmmdsl.analysis.reading.points import places
from hmmdsl.analysis.reading.result_path import ResultPath
from hmmdsl.analysis.regression.compute import belief_map
from hmmdsl.analysis.regression.record import Regression
from hmmdsl.process.history_tree import history_weights
from hmmdsl.process.notation import number_text
from hmmdsl.training.streams import generator

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float64, Int64

    from hmmdsl.analysis.intervention.record import Intervention
    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.process.process import Process
    from hmmdsl.training.trained import Trained


@dataclass(frozen=True)
class Setting:
    """What all parts of one intervention share. `place` is the probe's, `point` where the network is changed."""

    analysis: Intervention
    inputs: Inputs
    source: Regression
    source_name: str
    place: str
    point: str
    trained: Trained
    process: Process
    tree: HistoryTree

    def random(self, use: str) -> np.random.Generator:
        """The random numbers for one use: a stream of their own from the run's seed."""
        return generator(self.trained.train.seed, f"intervention {use}")


@dataclass(frozen=True)
class Bench:
    """One network (of checkpoint `step`, None: the last) with its probe, stopped at the point."""

    setting: Setting
    activations: Float[np.ndarray, "history d_model"]
    subspace: Subspace
    continuation: Continuation

    @staticmethod
    def of(setting: Setting, step: int | None) -> Bench:
        """Fit the probe and run up to the point."""
        x = setting.trained.activations(step, setting.tree)[setting.point]
        continuation = Continuation.of(setting.trained.network(step), setting.tree, setting.point, setting.analysis.positions)
        return Bench(setting, x, _subspace(setting, x, step), continuation)

    def change(self, new: Aim, subspace: Subspace | None = None) -> Float64[np.ndarray, "history d_model"]:
        """What `mode` adds to the activations, whole: at the strength 1 of the curve."""
        along = self.subspace if subspace is None else subspace
        old = self.setting.tree.belief if self.setting.analysis.mode.kind == "add" else along.reading(self.activations)
        change = along.change(new.belief - old)
        change[~new.defined] = 0
        return change

    def size(self, change: Float64[np.ndarray, "history d_model"], weights: Float64[np.ndarray, " history"]) -> float:
        """The mean length of the change as a share of the activation's."""
        lengths = np.linalg.norm(self.activations.astype(np.float64), axis=1)
        return float(weights @ np.divide(np.linalg.norm(change, axis=1), lengths, out=np.zeros_like(lengths), where=lengths > 0))


@dataclass(frozen=True)
class Measure:
    """Divergences from the optima of the old and the new belief, over the histories that have a new one."""

    tree: HistoryTree
    new: Aim
    weights: Float64[np.ndarray, " history"]

    @staticmethod
    def of(tree: HistoryTree, new: Aim) -> Measure:
        """Histories count as in the loss; those without a new belief count nothing, and the rest is scaled to sum to 1."""
        weights = np.where(new.defined, history_weights(tree), 0.0)
        return Measure(tree, new, weights / weights.sum() if weights.any() else weights)

    def both(self, log_probabilities: Float64[np.ndarray, "history token"]) -> dict[str, float | None]:
        """The mean divergences, in nats; None where no history has a new belief."""
        return {name: self._mean(values, slice(None)) for name, values in self._each(log_probabilities).items()}

    def by_position(self, log_probabilities: Float64[np.ndarray, "history token"]) -> list[dict[str, float | None]]:
        """The same among the histories of each length."""
        each = self._each(log_probabilities)
        return [
            {name: self._mean(values, slice(start, end)) for name, values in each.items()}
            for start, end in pairwise(self.tree.levels)
        ]

    def errors(self, log_probabilities: Float64[np.ndarray, "history token"]) -> dict[str, float]:
        """Standard errors of the mean divergences from drawing words."""
        return {name: mean_error(self.tree, values) for name, values in self._each(log_probabilities).items()}

    def _each(self, log_probabilities: Float64[np.ndarray, "history token"]) -> dict[str, Float64[np.ndarray, " history"]]:
        return {
            "old": divergence(self.tree.next_token, log_probabilities),
            "new": divergence(self.new.next_token, log_probabilities),
        }

    def _mean(self, values: Float64[np.ndarray, " history"], rows: slice) -> float | None:
        weights = self.weights[rows]
        total = float(weights.sum())
        return float(weights @ values[rows]) / total if total > 0 else None


def compute(analysis: Intervention, inputs: Inputs) -> Outcome:
    """All results of an intervention."""
    setting = _setting(analysis, inputs)
    bench = Bench.of(setting, None)
    # The prediction without a change goes the same way as those with one, so that rounding is no difference between them.
    before = bench.continuation.log_probabilities(np.zeros(bench.activations.shape))
    untrained = None
    if any(isinstance(control, Untrained) for control in analysis.controls):
        untrained = Bench.of(setting, 0)
    tree = setting.tree
    strength = analysis.mode.strength if analysis.mode.kind == "add" else 1.0
    results: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {"length": tree.length[np.array(tree.levels[:-1])]}
    facts: dict[str, Any] = {
        "histories": in_words(tree),
        "weights": "probability",
        "point": setting.point,
        "dimensions": bench.subspace.basis.shape[1],
    }
    for towards in analysis.aims:
        new = _aim(towards, setting)
        measure = Measure.of(tree, new)
        change = bench.change(new)
        after = bench.continuation.log_probabilities(strength * change)
        found: dict[str, Any] = {
            "before": measure.both(before),
            "after": measure.both(after),
            "size": bench.size(strength * change, measure.weights),
            "strength": [
                {"strength": float(share), **measure.both(bench.continuation.log_probabilities(share * change))}
                for share in analysis.strengths
            ],
            "position": [
                {"before": b, "after": a} for b, a in zip(measure.by_position(before), measure.by_position(after), strict=True)
            ],
        }
        for control in analysis.controls:
            match control:
                case Untrained():
                    assert untrained is not None
                    found[control.kind] = _steered(untrained, new, measure, strength)
                case RandomSubspace(repeats=repeats):
                    random = setting.random(f"{towards} random")
                    # The same lengths, and angles between histories, along other directions.
                    changes = (bench.subspace.elsewhere(change, random) for _ in range(repeats))
                    found[control.kind] = _spread(
                        [measure.both(bench.continuation.log_probabilities(strength * other)) for other in changes]
                    )
                case Shuffled(repeats=repeats):
                    random = setting.random(f"{towards} shuffled")
                    # A probe of permuted beliefs finds other directions; its changes get the lengths of the real ones, so that
                    # only where they point is compared.
                    others = (_subspace(setting, bench.activations, None, random) for _ in range(repeats))
                    changes = (scaled_like(bench.change(new, other), change) for other in others)
                    found[control.kind] = _spread(
                        [measure.both(bench.continuation.log_probabilities(strength * other)) for other in changes]
                    )
        results[towards] = found
        left_out = int((~new.defined).sum())
        if left_out:
            facts[f"without a {towards} belief"] = f"{left_out:,} histories, left out"
        if tree.source == "sampled":
            facts[f"standard error of {towards}"] = {k: f"{number_text(v, 2)} nats" for k, v in measure.errors(after).items()}
        arrays[f"{towards}.belief"] = new.belief.astype(np.float32)
        arrays[f"{towards}.predicted"] = np.exp(after).astype(np.float32)
        arrays[f"{towards}.optimum"] = new.next_token.astype(np.float32)
    return Outcome(results if analysis.nested else next(iter(results.values())), arrays, facts)


def _setting(analysis: Intervention, inputs: Inputs) -> Setting:
    path = ResultPath.of(analysis.probe)
    source = inputs.analyses[path.name]
    assert isinstance(source, Regression)
    trained, process, tree = histories_of(source, inputs)
    found = places(source.at, trained.model)
    place = next((one for one in found if path.below and one.name == path.below[-1]), found[0])
    return Setting(
        analysis=analysis,
        inputs=inputs,
        source=source,
        source_name=path.name,
        place=place.name,
        point=place.parts[0] if analysis.at is None else written_point(analysis),
        trained=trained,
        process=process,
        tree=tree,
    )


def _subspace(
    setting: Setting, x: Float[np.ndarray, "history d_model"], step: int | None, shuffled: np.random.Generator | None = None
) -> Subspace:
    """The probe's, with the network of checkpoint `step`."""
    probe = belief_map(setting.source, setting.inputs, setting.place, step, shuffled)
    return Subspace.of(probe, x, history_weights(setting.tree, setting.source.weights), setting.analysis.along)


def _aim(towards: str, setting: Setting) -> Aim:
    if towards == "mean":
        return mean_aim(setting.tree, history_weights(setting.tree), setting.process)
    known: Towards = towards  # type: ignore[assignment]
    return aim(known, setting.process, setting.tree, setting.random(towards))


def _steered(bench: Bench, new: Aim, measure: Measure, strength: float) -> dict[str, Any]:
    """The main results of one network."""
    change = strength * bench.change(new)
    return {
        "before": measure.both(bench.continuation.log_probabilities(np.zeros(change.shape))),
        "after": measure.both(bench.continuation.log_probabilities(change)),
        "size": bench.size(change, measure.weights),
    }


def _spread(repeats: list[dict[str, float | None]]) -> dict[str, Any]:
    """Divergences of a control, repeat by repeat."""
    if len(repeats) == 1:
        return dict(repeats[0])
    return {name: spread([one[name] for one in repeats]).results() for name in repeats[0]}


Towards = Literal["counterfactual", "history", "uniform"]


@dataclass(frozen=True)
class Aim:
    """A belief for each history and the next-token distribution that is optimal for it. Where there is none, `defined` is false
    and the belief is the history's own."""

    belief: Float64[np.ndarray, "history state"]
    next_token: Float64[np.ndarray, "history token"]
    defined: Bool[np.ndarray, " history"]


def aim(towards: Towards, process: Process, tree: HistoryTree, random: np.random.Generator) -> Aim:
    """counterfactual  the belief if the last token had been another one, drawn evenly among those that can stand there
    history         the belief after another history of the same length, drawn by probability
    uniform         a point of the simplex of hidden states, drawn evenly (the flat Dirichlet distribution)
    """
    if towards == "uniform":
        belief = random.dirichlet(np.ones(len(process.states)), len(tree))
        return Aim(belief, belief @ _emission(process), np.ones(len(tree), dtype=bool))
    other = _siblings(tree, random) if towards == "counterfactual" else _same_length(tree, random)
    return Aim(tree.belief[other], tree.next_token[other], other != np.arange(len(tree)))


def mean_aim(tree: HistoryTree, weights: Float64[np.ndarray, " history"], process: Process) -> Aim:
    """The mean belief, for all histories: what is left when the history's own is ablated."""
    belief = np.repeat((weights @ tree.belief)[None], len(tree), axis=0)
    return Aim(belief, belief @ _emission(process), np.ones(len(tree), dtype=bool))


def _emission(process: Process) -> Float64[np.ndarray, "state token"]:
    """Pr(next token | state), of a product without its joint matrices."""
    return reduce(np.kron, [factor.emission for factor in process.factors])


def _siblings(tree: HistoryTree, random: np.random.Generator) -> Int64[np.ndarray, " history"]:
    """For each history one that differs from it in the last token alone; itself where there is none. Siblings stand together."""
    first = np.concatenate([[True], tree.parent[1:] != tree.parent[:-1]])
    first[np.array(tree.levels[:-1])] = True  # without bos, all histories of length 1 have the parent -1
    family = np.cumsum(first) - 1
    starts = np.flatnonzero(first)
    size = np.diff(np.append(starts, len(tree)))[family]
    place = np.arange(len(tree)) - starts[family]
    shift = 1 + np.floor(random.random(len(tree)) * np.maximum(size - 1, 0)).astype(np.int64)
    return np.asarray(np.where(size > 1, starts[family] + (place + shift) % size, np.arange(len(tree))))


def _same_length(tree: HistoryTree, random: np.random.Generator) -> Int64[np.ndarray, " history"]:
    """For each history another of its length, drawn by probability; itself where there is none."""
    other = np.arange(len(tree))
    for start, end in pairwise(tree.levels):
        share = tree.probability[start:end]
        if end - start < 2:
            continue
        above = np.cumsum(share)
        below = above - share
        # A number below the total without the history's own share; what lies beyond its own place skips that share.
        drawn = random.random(end - start) * (above[-1] - share)
        drawn = np.where(drawn >= below, drawn + share, drawn)
        found = np.searchsorted(above, drawn, side="right").clip(0, end - start - 1)
        own = found == np.arange(end - start)  # rounding only
        other[start:end] = start + np.where(own, (found + 1) % (end - start), found)
    return other


# The subspace of activations that a probe reads, and moves along it.

FLAT = 1e-10
"""Eigenvalues of a covariance of readings below this share of the largest are zero: beliefs sum to one, so that one direction is
never read."""

Along = Literal["encoding", "weights"]


@dataclass(frozen=True)
class Subspace:
    """What a probe `b(x) = x W + c` reads.

    inverse  the change of x for a change of the reading: a right inverse of W on the readings there are
    basis    an orthonormal basis of the subspace that it spans
    """

    probe: AffineMap
    inverse: Float64[np.ndarray, "state d_model"]
    basis: Float64[np.ndarray, "d_model rank"]

    @staticmethod
    def of(
        probe: AffineMap, x: Float[np.ndarray, "history d_model"], weights: Float64[np.ndarray, " history"], along: Along
    ) -> Subspace:
        """encoding  (W' C W)^+ W' C with the covariance C of the activations: how they move with what is read (Haufe et al. 2014,
                     Eq. 6), which is the least change in units of how much they vary
        weights   W^+, the least change in plain length
        """
        W = probe.slope
        metric = np.eye(len(W)) if along == "weights" else np.cov(x.T.astype(np.float64), aweights=weights, ddof=0)
        towards = np.atleast_2d(metric) @ W
        values, vectors = np.linalg.eigh(W.T @ towards)
        seen = values > FLAT * max(values[-1], 0.0)
        inverse = (vectors[:, seen] / values[seen]) @ vectors[:, seen].T @ towards.T
        _, _, Vt = np.linalg.svd(inverse, full_matrices=False)
        return Subspace(probe, inverse, Vt[: int(seen.sum())].T)

    def reading(self, x: Float[np.ndarray, "history d_model"]) -> Float64[np.ndarray, "history state"]:
        """The beliefs that the probe reads."""
        return self.probe([x])

    def change(self, difference: Float64[np.ndarray, "history state"]) -> Float64[np.ndarray, "history d_model"]:
        """The change of the activations, within the subspace, by which the reading changes by `difference`: exactly so for a
        difference of two readings, or of a belief and a reading."""
        return np.asarray(difference @ self.inverse)

    def elsewhere(
        self, change: Float64[np.ndarray, "history d_model"], random: np.random.Generator
    ) -> Float64[np.ndarray, "history d_model"]:
        """The same changes in a random subspace of the same dimension: lengths and angles among them stay."""
        Q, _ = np.linalg.qr(random.standard_normal(self.basis.shape))
        return np.asarray((change @ self.basis) @ Q.T)


def scaled_like(
    change: Float64[np.ndarray, "history d_model"], like: Float64[np.ndarray, "history d_model"]
) -> Float64[np.ndarray, "history d_model"]:
    """Each history's change, in its own direction, with the length that `like` has there."""
    length = np.linalg.norm(change, axis=1, keepdims=True)
    wanted = np.linalg.norm(like, axis=1, keepdims=True)
    return np.asarray(change * np.divide(wanted, length, out=np.zeros_like(length), where=length > 0))
