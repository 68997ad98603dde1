"""The computation behind `intervention`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.analysis.options.controls import RandomSubspace, Shuffled, Untrained
from hmmdsl.analysis.options.points import places
from hmmdsl.analysis.options.result_path import ResultPath
from hmmdsl.analysis.options.steered_probe import written_point
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.probe.histories import histories_read, in_words
from hmmdsl.analysis.probe.regress import belief_map
from hmmdsl.analysis.probe.sampling_error import mean_error
from hmmdsl.analysis.probe.scores import spread
from hmmdsl.analysis.steering.aims import Aim, Towards, aim, mean_aim
from hmmdsl.analysis.steering.continuation import Continuation
from hmmdsl.analysis.steering.subspace import Subspace, scaled_like
from hmmdsl.process.history_tree import history_weights
from hmmdsl.spec.notation import number_text
from hmmdsl.training.streams import generator

if TYPE_CHECKING:
    from jaxtyping import Float, Float64

    from hmmdsl.analysis.intervention import Intervention
    from hmmdsl.analysis.regression import Regression
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


def divergence(
    p: Float64[np.ndarray, "history token"], log_q: Float64[np.ndarray, "history token"]
) -> Float64[np.ndarray, " history"]:
    """KL(p || q) for each history, in nats. Terms are `p log(p / q)` as such, so that small divergences are no differences."""
    occurs = p > 0
    return np.asarray(np.where(occurs, p * (np.log(np.where(occurs, p, 1.0)) - log_q), 0.0).sum(axis=1))


def steer(analysis: Intervention, inputs: Inputs) -> Outcome:
    """All results of an intervention."""
    setting = _setting(analysis, inputs)
    bench = Bench.of(setting, None)
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
                    changes = (bench.subspace.elsewhere(change, random) for _ in range(repeats))
                    found[control.kind] = _spread(
                        [measure.both(bench.continuation.log_probabilities(strength * other)) for other in changes]
                    )
                case Shuffled(repeats=repeats):
                    random = setting.random(f"{towards} shuffled")
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
    from hmmdsl.analysis.regression import Regression

    path = ResultPath.of(analysis.probe)
    source = inputs.analyses[path.name]
    assert isinstance(source, Regression)
    trained = inputs.trained[source.of]
    found = places(source.at, trained.model)
    place = next((one for one in found if path.below and one.name == path.below[-1]), found[0])
    other = inputs.processes[source.on] if source.on is not None else None
    return Setting(
        analysis=analysis,
        inputs=inputs,
        source=source,
        source_name=path.name,
        place=place.name,
        point=place.parts[0] if analysis.at is None else written_point(analysis),
        trained=trained,
        process=trained.process if other is None else other,
        tree=histories_read(trained, other, source.histories),
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
