"""The computation behind `regression`: features from a network, the fits, the controls, and their results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hmmdsl.analysis.options.controls import HeldOut, Noise, Shuffled, Untrained
from hmmdsl.analysis.options.points import Place, places
from hmmdsl.analysis.options.targets import FutureTarget, target_name, target_values
from hmmdsl.analysis.outcome import Inputs, Outcome, UndefinedTargetError
from hmmdsl.analysis.probe.folds import assign_folds
from hmmdsl.analysis.probe.histories import histories_read, in_words
from hmmdsl.analysis.probe.least_squares import AffineMap
from hmmdsl.analysis.probe.reading import Reading, Statistics, fitted, read
from hmmdsl.analysis.probe.sampling_error import r2_error
from hmmdsl.analysis.probe.scores import Score, Scoring, no_score, spread
from hmmdsl.analysis.probe.setting import Features, Setting
from hmmdsl.analysis.probe.shuffled import shuffle
from hmmdsl.process.futures import future_space
from hmmdsl.process.history_tree import history_weights
from hmmdsl.training.streams import stream

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

    from hmmdsl.analysis.regression import Regression
    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.process.process import Process
    from hmmdsl.training.trained import Trained

Readings = Mapping[tuple[str, str], Reading]


def regress(analysis: Regression, inputs: Inputs, step: int | None = None) -> Outcome:
    """All results of a regression. At a given checkpoint `step`, only those without controls."""
    trained = inputs.trained[analysis.of]
    process = inputs.processes[analysis.on] if analysis.on is not None else None
    tree = histories_read(inputs.name, trained, process, analysis.histories)
    setting, rows = _setting(analysis, inputs.name, trained, process, tree, controls=step is None)
    features = _activations(trained, step, tree, rows)
    statistics = Statistics.of(features, setting)
    readings = read(features, setting, statistics)
    names = [place.name for place in setting.places]
    if step is not None:
        results = analysis.nest(lambda target, place: readings[target, place].score.results(), names)
        return Outcome(results, _arrays(readings, setting, tree, rows), {"histories": _in_words(tree, rows)})
    no_scores = {
        (target, place.name): no_score(setting.scoring(target)) for target in setting.targets for place in setting.places
    }
    controls: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
    asked = any(isinstance(control, HeldOut) for control in analysis.controls)
    for control in analysis.controls:
        match control:
            case HeldOut():
                controls[control.kind] = {key: _held_out(reading, no_scores[key]) for key, reading in readings.items()}
            case Untrained():
                controls[control.kind] = _repeated([read(_activations(trained, 0, tree, rows), setting)], asked, no_scores)
            case Noise(repeats=repeats):
                draws = (_noise(features, setting, _random(trained, inputs.name, f"noise {r}")) for r in range(repeats))
                controls[control.kind] = _repeated([read(drawn, setting) for drawn in draws], asked, no_scores)
            case Shuffled(repeats=repeats):
                shuffled = shuffle(features, setting, statistics, repeats, _random(trained, inputs.name, "shuffled"))
                controls[control.kind] = {
                    key: _with_held_out(scores.in_sample, scores.held_out, asked, no_scores[key])
                    for key, scores in shuffled.items()
                }

    def of_one(target: str, place: str) -> dict[str, Any]:
        reading = readings[target, place]
        return {
            **reading.score.results(),
            "position": [one.results() for one in reading.by_position],
            **{kind: values[target, place] for kind, values in controls.items()},
        }

    facts = _facts(analysis, readings, setting, tree, rows)
    arrays = _arrays(readings, setting, tree, rows) | _words(analysis, trained.process if process is None else process)
    return Outcome(analysis.nest(of_one, names), arrays, facts)


def map_at_checkpoint(analysis: Regression, inputs: Inputs, step: int, target: str, place: str) -> Outcome:
    """The arrays of one of a regression's maps at checkpoint `step`, without its scores."""
    trained = inputs.trained[analysis.of]
    process = inputs.processes[analysis.on] if analysis.on is not None else None
    tree = histories_read(inputs.name, trained, process, analysis.histories)
    whole, rows = _setting(analysis, inputs.name, trained, process, tree, controls=False)
    chosen = [one for one in whole.places if one.name == place]
    setting = replace(whole, places=chosen, targets={target: whole.targets[target]})
    readings = read(_activations(trained, step, tree, rows), setting)
    return Outcome({}, _arrays(readings, setting, tree, rows), {"histories": _in_words(tree, rows)})


def belief_map(
    analysis: Regression, inputs: Inputs, place: str, step: int | None = None, shuffled: np.random.Generator | None = None
) -> AffineMap:
    """The map to beliefs that a regression fits in sample at one place, with the network of checkpoint `step`; to beliefs
    permuted over histories where `shuffled` says how. `inputs.name` is the regression's own name."""
    trained = inputs.trained[analysis.of]
    process = inputs.processes[analysis.on] if analysis.on is not None else None
    tree = histories_read(inputs.name, trained, process, analysis.histories)
    whole, rows = _setting(analysis, inputs.name, trained, process, tree, controls=False)
    belief = whole.targets["belief"]
    if shuffled is not None:
        belief = belief[shuffled.permutation(len(belief))]
    chosen = [one for one in whole.places if one.name == place]
    setting = replace(whole, places=chosen, targets={"belief": belief}, scored={})
    return fitted(_activations(trained, step, tree, rows), setting)


def controlled_prediction(
    analysis: Regression, inputs: Inputs, place: str, kind: Literal["shuffled", "noise"], seed: int
) -> tuple[Float64[np.ndarray, "history state"], Int64[np.ndarray, " history"] | None]:
    """What the map to beliefs predicts in sample at one place where beliefs are permuted over histories, with the permutation, or
    where Gaussian numbers stand for the activations. `inputs.name` is the regression's own name."""
    trained = inputs.trained[analysis.of]
    process = inputs.processes[analysis.on] if analysis.on is not None else None
    tree = histories_read(inputs.name, trained, process, analysis.histories)
    whole, rows = _setting(analysis, inputs.name, trained, process, tree, controls=False)
    random, belief = np.random.default_rng(seed), whole.targets["belief"]
    order = random.permutation(len(belief)) if kind == "shuffled" else None
    chosen = [one for one in whole.places if one.name == place]
    setting = replace(whole, places=chosen, targets={"belief": belief if order is None else belief[order]}, scored={})
    features = _activations(trained, None, tree, rows)
    if kind == "noise":
        features = _noise(features, setting, random)
    return fitted(features, setting)([features[part] for part in setting.parts]), order


Rows = np.ndarray | slice
"""The histories that are read: all, or those after which every target is defined."""


def _setting(
    analysis: Regression, name: str, trained: Trained, on: Process | None, tree: HistoryTree, controls: bool
) -> tuple[Setting, Rows]:
    """What is asked, and of which histories."""
    process = trained.process if on is None else on
    targets = {target_name(target): target_values(process, tree, target) for target in analysis.targets}
    scored = {"state": Scoring(state=True)} if "state" in targets else {}
    for target in analysis.targets:
        if isinstance(target, FutureTarget):
            scored[target_name(target)] = Scoring(columns=len(process.tokens) ** target.k)
    defined = np.all([np.isfinite(values).all(axis=1) for values in targets.values()], axis=0)
    if not defined.any():
        raise UndefinedTargetError(
            f"`{name}` has nothing to read: none of its histories leaves all of {', '.join(targets)} defined"
        )
    rows: Rows = slice(None) if defined.all() else np.flatnonzero(defined)
    weights = history_weights(tree, analysis.weights)[rows]
    count = len(weights)
    held_out = next((control for control in analysis.controls if isinstance(control, HeldOut)), None)
    fold = None
    if held_out is not None and controls and count >= 3:
        fold = assign_folds(count, held_out.folds, _random(trained, name, "held_out"))
    setting = Setting(
        places=places(analysis.at, trained.model),
        targets={target: values[rows] for target, values in targets.items()},
        weights=weights if isinstance(rows, slice) else weights / weights.sum(),
        levels=tree.levels if isinstance(rows, slice) else tuple(np.searchsorted(rows, tree.levels).tolist()),
        fold=fold,
        intercept=analysis.intercept,
        ridge=analysis.ridge,
        scored=scored,
    )
    return setting, rows


def _activations(trained: Trained, step: int | None, tree: HistoryTree, rows: Rows) -> Features:
    found = trained.activations(step, tree)
    return found if isinstance(rows, slice) else {part: values[rows] for part, values in found.items()}


def _in_words(tree: HistoryTree, rows: Rows) -> str:
    """Which histories were read."""
    left_out = 0 if isinstance(rows, slice) else len(tree) - len(rows)
    return in_words(tree) + (f", {left_out:,} of them left out, where a target is undefined" if left_out else "")


def _random(trained: Trained, name: str, use: str) -> np.random.Generator:
    """The random numbers for one use by one analysis: a stream of their own from the run's seed."""
    return np.random.default_rng(stream(trained.train.seed, f"{name} {use}"))


def _noise(features: Features, setting: Setting, random: np.random.Generator) -> Features:
    """Gaussian numbers in place of all activations that are read."""
    return {part: random.standard_normal(features[part].shape, dtype=np.float32) for part in setting.parts}


def _repeated(
    repeats: list[dict[tuple[str, str], Reading]], asked: bool, no_scores: Mapping[tuple[str, str], Score]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Scores of a control, repeat by repeat."""
    return {
        key: _with_held_out(
            [one[key].score for one in repeats],
            [held_out.score for one in repeats if (held_out := one[key].held_out) is not None],
            asked,
            no_scores[key],
        )
        for key in repeats[0]
    }


def _with_held_out(in_sample: list[Score], held_out: list[Score], asked: bool, nothing: Score) -> dict[str, Any]:
    """Held-out scores are undefined where they are asked for and there are too few histories for folds."""
    results = _scores(in_sample)
    return results | {"held_out": _scores(held_out or [nothing] * len(in_sample))} if asked else results


def _scores(scores: list[Score]) -> dict[str, Any]:
    found = [one.results() for one in scores]
    if len(found) == 1:
        return found[0]
    return {name: spread([one[name] for one in found]).results() for name in found[0]}


def _held_out(reading: Reading, nothing: Score) -> dict[str, Any]:
    held_out = reading.held_out
    if held_out is None:
        return {**nothing.results(), "folds": {"r2": spread([]).results()}}
    return {**held_out.score.results(), "folds": {"r2": held_out.over_folds.results()}}


def _arrays(readings: Readings, setting: Setting, tree: HistoryTree, rows: Rows) -> dict[str, np.ndarray]:
    """True and predicted targets of every history, for figures, distances and readers of the run folder."""
    arrays = {"weights": setting.weights, "length": tree.length[rows]}
    # A product's joint beliefs are made only for what reads them: a map onto them, and distances between them.
    if len(tree.factors) == 1 or "belief" in setting.targets:
        arrays = {"belief": tree.belief_of(rows), "next_token": tree.next_token_of(rows), **arrays}
    for (target, place), reading in readings.items():
        arrays[f"{target}.{place}.predicted"] = reading.predicted.astype(np.float32)
        if reading.held_out is not None:
            arrays[f"{target}.{place}.held_out"] = reading.held_out.predicted.astype(np.float32)
    return arrays


def _words(analysis: Regression, process: Process) -> dict[str, np.ndarray]:
    """For each `future(k)` the matrix that turns its coordinates, those of the predictions, into probabilities of words."""
    return {
        f"{target_name(target)}.words": future_space(process, target.k).words
        for target in analysis.targets
        if isinstance(target, FutureTarget)
    }


def _facts(analysis: Regression, readings: Readings, setting: Setting, tree: HistoryTree, rows: Rows) -> dict[str, Any]:
    """How it was computed, in words."""
    widths: dict[str, Place] = {place.name: place for place in setting.places}
    facts: dict[str, Any] = {
        "histories": _in_words(tree, rows),
        "weights": analysis.weights,
        "fit": "least squares" if not isinstance(analysis.ridge, float) else f"ridge, penalty {analysis.ridge:g}",
        "rank": {
            place: f"{readings[target, place].rank} of {widths[place].width} features"
            for target, place in readings
            if target == analysis.target_names[0]
        },
    }
    if tree.source == "sampled" and analysis.weights == "probability" and isinstance(rows, slice):
        facts["standard error of R²"] = {
            f"{target}.{place}": r2_error(tree, setting.targets[target], reading.predicted, setting.scoring(target).state)
            for (target, place), reading in readings.items()
        }
    if setting.fold is not None:
        facts["folds"] = f"{int(setting.fold.max()) + 1} over histories"
        facts["held-out penalties"] = {
            f"{target}.{place}": [f"{value:.1e}" for value in reading.held_out.penalties]
            for (target, place), reading in readings.items()
            if reading.held_out is not None and reading.held_out.penalties
        }
    return facts
