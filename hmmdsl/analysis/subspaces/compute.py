"""The computation behind `subspaces`: the span of each probe, the angles between them, and the controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.analysis.fitting.factors import Factor, fold_factors, leave_one_out, union
from hmmdsl.analysis.fitting.folds import assign_folds
from hmmdsl.analysis.fitting.sampling_error import group_shares, jackknife
from hmmdsl.analysis.fitting.scores import spread
from hmmdsl.analysis.fitting.spans import overlap, principal_angles, random_span, span, span_of_covariance
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.reading.by_place import gathered
from hmmdsl.analysis.reading.controls import Shuffled, Untrained
from hmmdsl.analysis.reading.histories import histories_of, in_words
from hmmdsl.analysis.reading.targets import target_name, target_values
from hmmdsl.analysis.subspaces.probes import Compared, Probe, by_place, compared, pair_names
from hmmdsl.process.history_tree import history_weights
from hmmdsl.training.streams import generator

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

    from hmmdsl.analysis.fitting.setting import Features
    from hmmdsl.analysis.subspaces.record import Subspaces
    from hmmdsl.process.history_tree import HistoryTree

Span = np.ndarray
"""An orthonormal basis, of shape (feature, dimension)."""


@dataclass(frozen=True)
class Material:
    """What one probe is fitted to: the target and weight of the histories `rows` in which the target is defined."""

    probe: Probe
    tree: HistoryTree
    rows: Int64[np.ndarray, " history"]
    target: Float64[np.ndarray, "history target"]
    weights: Float64[np.ndarray, " history"]

    @cached_property
    def halves(self) -> Int64[np.ndarray, " history"]:
        """Which half of the histories each one stands in, at random and always the same."""
        return assign_folds(np.arange(len(self.rows)), self.tree.length[self.rows], 2, generator(0, "halves"))

    def factors(self, features: Features) -> list[Factor]:
        """A triangular factor of features and target for each half."""
        blocks = [features[part][self.rows] for part in self.probe.place.parts]
        return fold_factors(blocks, self.target, self.weights, self.halves)

    def groups(self, features: Features, random: np.random.Generator) -> list[Factor]:
        """A triangular factor for each group of drawn words, of the histories that it reads; none on an exact tree."""
        found = []
        for share in group_shares(self.tree, random):
            own = np.flatnonzero(share[self.rows])
            rows = self.rows[own]
            blocks = [features[part][rows] for part in self.probe.place.parts]
            weights = self.weights[own] * share[rows]
            found += fold_factors(blocks, self.target[own], weights, np.zeros(len(own), dtype=np.int64))
        return found

    def permuted_covariance(self, features: Features, random: np.random.Generator) -> Float64[np.ndarray, "feature target"]:
        """Weighted covariance of features with the target permuted over histories; weights stay with the features."""
        target = self.target[random.permutation(len(self.rows))]
        if self.probe.source.intercept:
            target = target - self.weights @ target
        weighted = (target * self.weights[:, None]).astype(np.float32)
        found = [features[part][self.rows].T @ weighted for part in self.probe.place.parts]
        return np.concatenate(found).astype(np.float64)


def compute(analysis: Subspaces, inputs: Inputs) -> Outcome:
    """Angles and overlaps of all pairs of probes, at each point, beside the controls."""
    around = inputs.surroundings()
    groups = compared(analysis.between, around)
    results: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    activations = _Activations(inputs)
    tree = None
    for group in groups:
        name = group.place if group.place is not None else group.probes[0].place.name
        random = generator(_seed(inputs, group), f"subspaces {name}")
        material = [_material(probe, inputs) for probe in group.probes]
        tree = material[0].tree
        results[name] = _one_group(analysis, material, activations, random, arrays, name)
    probe = groups[0].probes[0]
    facts = {
        "histories": in_words(tree) if tree is not None else "",
        "weights": probe.source.weights,
        "targets": [one.target for one in groups[0].probes],
        "places": list(results),
    }
    whole = gathered(results) if by_place(analysis.between, around.analyses) else next(iter(results.values()))
    return Outcome(whole, arrays, facts)


def _seed(inputs: Inputs, group: Compared) -> int:
    return inputs.trained[group.probes[0].source.of].train.seed


@dataclass(frozen=True)
class _Activations:
    """Activations by regression and step, each computed once."""

    inputs: Inputs

    @cached_property
    def _known(self) -> dict[tuple[str, int | None], Features]:
        return {}

    def of(self, material: Material, step: int | None) -> Features:
        key = (material.probe.name, step)
        if key not in self._known:
            self._known[key] = self.inputs.trained[material.probe.source.of].activations(step, material.tree)
        return self._known[key]


def _material(probe: Probe, inputs: Inputs) -> Material:
    source = probe.source
    _trained, process, tree = histories_of(source, inputs)
    named = next(one for one in source.targets if target_name(one) == probe.target)
    target = target_values(process, tree, named)
    rows = np.flatnonzero(np.isfinite(target).all(axis=1))
    weights = history_weights(tree, source.weights)[rows]
    return Material(probe, tree, rows, target[rows], weights / weights.sum())


def _one_group(
    analysis: Subspaces,
    material: Sequence[Material],
    activations: _Activations,
    random: np.random.Generator,
    arrays: dict[str, np.ndarray],
    name: str,
) -> dict[str, Any]:
    factors = [one.factors(activations.of(one, None)) for one in material]
    spans = [_span(analysis, one, union(halves)) for one, halves in zip(material, factors, strict=True)]
    names = pair_names([one.probe for one in material])
    results = _pairs(spans, names)
    _keep(arrays, name, spans, results)
    width = material[0].probe.place.width
    drawn = [_mean_overlap([random_span(width, one.shape[1], random) for one in spans]) for _ in range(analysis.repeats)]
    results["random"] = {"overlap": spread(drawn).results()}
    again = [
        overlap(principal_angles(*(_span(analysis, one, half) for half in halves)))
        for one, halves in zip(material, factors, strict=True)
        if len(halves) == 2
    ]
    results["halves"] = {"overlap": _mean(again)}
    results["standard_error"] = _error(analysis, material, activations, random)
    for control in analysis.controls:
        match control:
            case Untrained():
                first = [_span(analysis, one, union(one.factors(activations.of(one, 0)))) for one in material]
                results[control.kind] = _pairs(first, names)
                _keep(arrays, f"{name}.untrained", first, results[control.kind])
            case Shuffled(repeats=repeats):
                whole = [union(halves) for halves in factors]
                shuffled = [
                    _mean_overlap(
                        [
                            span_of_covariance(
                                factor,
                                one.permuted_covariance(activations.of(one, None), random),
                                analysis.directions,
                                one.probe.source.intercept,
                            )
                            for one, factor in zip(material, whole, strict=True)
                        ]
                    )
                    for _ in range(repeats)
                ]
                results[control.kind] = {"overlap": spread(shuffled).results()}
    return results


def _error(
    analysis: Subspaces, material: Sequence[Material], activations: _Activations, random: np.random.Generator
) -> float | None:
    """Standard error of the mean overlap, a group of the drawn words of every probe left out at a time."""
    if any(one.tree.words is not None and one.probe.source.weights != "probability" for one in material):
        return None
    # Probes of the same drawn words leave out the same of them: each is given the same random numbers.
    seed = int(random.integers(2**63))
    groups = [one.groups(activations.of(one, None), np.random.default_rng(seed)) for one in material]
    if not all(groups):
        return 0.0
    without = zip(*(list(leave_one_out(one)) for one in groups), strict=False)
    return jackknife([_mean_overlap([_span(analysis, *each) for each in zip(material, one, strict=True)]) for one in without])


def _span(analysis: Subspaces, material: Material, factor: Factor) -> Span:
    source = material.probe.source
    return span(factor, analysis.directions, source.intercept, source.ridge)


def _pairs(spans: Sequence[Span], names: Sequence[str]) -> dict[str, Any]:
    """The results of all pairs of subspaces."""
    angles = [principal_angles(a, b) for a, b in combinations(spans, 2)]
    overlaps = [overlap(one) for one in angles]
    known = [one for one in overlaps if one is not None]
    return {
        "overlap": _mean(overlaps),
        "largest_overlap": max(known) if len(known) == len(overlaps) else None,
        "dimension": [float(one.shape[1]) for one in spans],
        "pair": {
            name: {"overlap": one, "angle": [float(value) for value in np.degrees(found)]}
            for name, one, found in zip(names, overlaps, angles, strict=True)
        },
    }


def _mean_overlap(spans: Sequence[Span]) -> float | None:
    return _mean([overlap(principal_angles(a, b)) for a, b in combinations(spans, 2)])


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean; None where any is undefined, or there is none."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None


def _keep(arrays: dict[str, np.ndarray], name: str, spans: Sequence[Span], results: dict[str, Any]) -> None:
    """The bases for readers of the run folder, the angles for the figure."""
    for i, basis in enumerate(spans):
        arrays[f"{name}.basis[{i}]"] = basis.astype(np.float32)
    for k, pair in enumerate(results["pair"].values()):
        arrays[f"{name}.angle[{k}]"] = np.array(pair["angle"])
