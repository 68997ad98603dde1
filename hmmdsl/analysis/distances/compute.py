"""The computation behind `distances`: centres of mass of represented beliefs, pairs, correlations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.analysis.fitting.scores import mean_results, sample_sd, spread
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.reading.controls import HeldOut, Noise, Planted, Shuffled, Untrained
from hmmdsl.analysis.reading.points import Place, has_segment, places
from hmmdsl.analysis.reading.result_path import ResultPath
from hmmdsl.analysis.reading.targets import FutureTarget, target_name
from hmmdsl.analysis.regression.compute import controlled_prediction, held_out_array, map_at_checkpoint
from hmmdsl.analysis.regression.record import Regression
from hmmdsl.process.distinct import centres, distinct
from hmmdsl.process.generalized import future_coordinates, observability_index
from hmmdsl.training.streams import generator, stream

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

    from hmmdsl.analysis.distances.record import Distances
    from hmmdsl.analysis.regression.record import Regression
    from hmmdsl.process.process import Process

MOST_PAIRS = 1_000_000
"""Beyond this, a random sample of so many pairs is compared."""

KEPT_PAIRS = 20_000
"""Pairs kept for the figure."""

CONSTANT = 1e-12
"""Distances whose standard deviation is below this share of their largest are all the same: nothing to correlate."""


@dataclass(frozen=True)
class Correlation:
    """Squared correlation (None: one side does not vary) and its standard error from sampling the pairs (0: all pairs)."""

    r2: float | None
    standard_error: float | None
    pairs: int

    def results(self) -> dict[str, float | None]:
        """As results.json has them."""
        return {"r2": self.r2, "pairs": float(self.pairs), "standard_error": self.standard_error}


def compute(analysis: Distances, inputs: Inputs, step: int | None = None) -> Outcome:
    """Distances between represented beliefs against those between true beliefs, next-token distributions, or both; at checkpoint
    `step` with the regression repeated there."""
    path = ResultPath.of(analysis.of)
    source = inputs.analyses[path.name]
    assert isinstance(source, Regression)
    trained = inputs.trained[source.of]
    place = _place(source, path, places(source.at, trained.model))
    known = inputs.outcomes[path.name] if step is None else map_at_checkpoint(source, inputs, step, "belief", place)
    arrays = known.arrays
    process = inputs.processes[source.on] if source.on is not None else trained.process
    # A basis of a generalized HMM's beliefs is arbitrary, and so are distances in it: those of what is predicted are not.
    metric = future_coordinates(process) if process.generalized else np.eye(len(process.states))
    label = distinct(arrays["belief"])
    represented = centres(arrays[f"belief.{place}.predicted"].astype(np.float64), arrays["weights"], label) @ metric
    _, first = np.unique(label, return_index=True)
    true = {
        target_name(one): _compared(one, process, arrays["belief"][first], arrays["next_token"][first], metric)
        for one in analysis.against_each
    }
    left, right, all_pairs = _pairs(len(first), generator(trained.train.seed, "distances pairs"))
    here = _lengths(represented, left, right)
    controls = (
        {control.kind: list(_control(control, source, inputs, place, arrays, label)) for control in analysis.controls}
        if step is None
        else {}
    )
    results: dict[str, Any] = {}
    kept = np.linspace(0, len(left) - 1, min(KEPT_PAIRS, len(left))).astype(np.int64)
    found = {"represented": here[kept].astype(np.float32)}
    for name in analysis.against_names:
        there = _lengths(true[name], left, right)
        results[name] = correlate(here, there, all_pairs).results()
        for kind, drawn in controls.items():
            scores = [correlate(_lengths(one @ metric, left, right), there, all_pairs).r2 for one in drawn]
            if kind == "held_out":
                results[name][kind] = {**mean_results([{"r2": score} for score in scores]), "sd": sample_sd(scores)}
            else:
                results[name][kind] = {"r2": spread(scores).results() if len(scores) > 1 else scores[0]}
        found[name] = there[kept].astype(np.float32)
    facts = {
        "histories": str(known.facts["histories"]),
        "weights": source.weights,
        "beliefs": len(first),
        "metric": _metric(process),
        "pairs": f"all {len(left):,}" if all_pairs else f"{len(left):,} drawn of {len(first) * (len(first) - 1) // 2:,}",
    }
    return Outcome(results if isinstance(analysis.against, tuple) else results[analysis.against_names[0]], found, facts)


def _control(
    control: HeldOut | Untrained | Shuffled | Noise | Planted,
    source: Regression,
    inputs: Inputs,
    place: str,
    arrays: Mapping[str, np.ndarray],
    label: Int64[np.ndarray, " history"],
) -> Iterator[Float64[np.ndarray, "belief coordinate"]]:
    """The centres of represented beliefs of each repeat of a control, or of each draw of folds."""
    weights = arrays["weights"]
    match control:
        case HeldOut():
            names = (held_out_array("belief", place, draw) for draw in range(_draws(source)))
            draws = [key for key in names if key in arrays]
            for key in draws:
                yield centres(arrays[key].astype(np.float64), weights, label)
            if not draws:  # too few histories for folds leave no predictions
                yield centres(np.zeros_like(arrays[f"belief.{place}.predicted"], dtype=np.float64), weights, label)
        case Untrained():
            predicted = map_at_checkpoint(source, inputs, 0, "belief", place).arrays[f"belief.{place}.predicted"]
            yield centres(predicted.astype(np.float64), weights, label)
        case Shuffled(repeats=repeats) | Noise(repeats=repeats) | Planted(repeats=repeats):
            for r in range(repeats):
                seed = stream(inputs.trained[source.of].train.seed, f"distances {control.kind} {r}")
                predicted, order = controlled_prediction(source, inputs, place, control, seed)
                # A history's representation is then that of the belief which was put in its place.
                yield centres(predicted, weights, label if order is None else label[order])


def _draws(source: Regression) -> int:
    """How often the regression draws its folds."""
    held_out = source.held_out()
    return held_out.repeats if held_out is not None else 0


def _compared(
    against: FutureTarget | str,
    process: Process,
    belief: Float64[np.ndarray, "belief state"],
    next_token: Float64[np.ndarray, "belief token"],
    metric: Float64[np.ndarray, "state coordinate"],
) -> Float64[np.ndarray, "belief coordinate"]:
    """What each distinct belief stands for, in coordinates whose distances are compared."""
    if against == "next_token":
        return next_token
    coordinates = future_coordinates(process, against.k) if isinstance(against, FutureTarget) else metric
    return np.asarray(belief @ coordinates)


def _metric(process: Process) -> str:
    """What distances are between, in words."""
    if not process.generalized:
        return "beliefs"
    tokens = observability_index(process)
    return "the next token" if tokens == 1 else f"the next {tokens} tokens"


def _place(source: Regression, path: ResultPath, found: list[Place]) -> str:
    """The name of the place that the path leads to; its validity was checked before the run."""
    return path.below[-1] if has_segment(source.at) else found[0].name


def correlate(a: Float64[np.ndarray, " pair"], b: Float64[np.ndarray, " pair"], all_pairs: bool = True) -> Correlation:
    """The squared correlation r². If the pairs are a sample, its standard error by the delta method: 2 |r| times that of r, whose
    influence at standardized (u, v) is `u v - r (u² + v²) / 2`."""
    if len(a) < 2 or any(x.std() <= CONSTANT * np.abs(x).max() for x in (a, b)):
        return Correlation(None, None, len(a))
    u, v = ((x - x.mean()) / x.std() for x in (a, b))
    r = float((u * v).mean())
    error = 0.0 if all_pairs else 2 * abs(r) * float((u * v - r * (u**2 + v**2) / 2).std()) / len(a) ** 0.5
    return Correlation(r**2, error, len(a))


def _pairs(beliefs: int, random: np.random.Generator) -> tuple[Int64[np.ndarray, " pair"], Int64[np.ndarray, " pair"], bool]:
    """All pairs of different beliefs, or as many drawn at random as are compared at most; whether they are all."""
    if beliefs * (beliefs - 1) // 2 <= MOST_PAIRS:
        left, right = np.triu_indices(beliefs, 1)
        return left, right, True
    left = random.integers(0, beliefs, MOST_PAIRS)
    right = (left + random.integers(1, beliefs, MOST_PAIRS)) % beliefs
    return left, right, False


def _lengths(
    points: Float64[np.ndarray, "belief coordinate"], left: Int64[np.ndarray, " pair"], right: Int64[np.ndarray, " pair"]
) -> Float64[np.ndarray, " pair"]:
    """Euclidean distance of each pair."""
    squares = np.zeros(len(left))
    for column in points.T:
        squares += (column[left] - column[right]) ** 2
    return np.sqrt(squares)
