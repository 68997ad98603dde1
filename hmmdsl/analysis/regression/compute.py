"""The computation behind `regression`: features from a network, the fits, the controls, and their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.analysis.fitting.fits import Reading, Statistics, fitted, read
from hmmdsl.analysis.fitting.folds import Rows, Sharing, draw_folds, sharing, sharing_words
from hmmdsl.analysis.fitting.folds import in_words as fold_words
from hmmdsl.analysis.fitting.least_squares import AffineMap
from hmmdsl.analysis.fitting.sampling_error import r2_error
from hmmdsl.analysis.fitting.scores import CONSTANT, Score, Scoring, mean_results, no_score, sample_sd, spread
from hmmdsl.analysis.fitting.setting import Features, LeftOut, Setting
from hmmdsl.analysis.fitting.shuffled import shuffle
from hmmdsl.analysis.outcome import Inputs, Outcome, UndefinedTargetError
from hmmdsl.analysis.reading.controls import HeldOut, Noise, Planted, Shuffled, Untrained
from hmmdsl.analysis.reading.histories import histories_of, in_words
from hmmdsl.analysis.reading.points import Place, places
from hmmdsl.analysis.reading.targets import FutureTarget, target_name, target_values
from hmmdsl.analysis.regression.record import LeftOutProbe, left_out
from hmmdsl.process.futures import future_space
from hmmdsl.process.history_tree import distinct_beliefs, history_weights
from hmmdsl.process.notation import number_text
from hmmdsl.training.streams import generator

if TYPE_CHECKING:
    from jaxtyping import Float32, Float64, Int64

    from hmmdsl.analysis.regression.record import Regression
    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.process.process import Process
    from hmmdsl.training.trained import Trained

Readings = Mapping[tuple[str, str], Reading]


def compute(analysis: Regression, inputs: Inputs, step: int | None = None) -> Outcome:
    """All results of a regression. At a given checkpoint `step`, only those without controls."""
    trained, process, tree = histories_of(analysis, inputs)
    setting, rows = _setting(analysis, inputs, trained, process, tree, controls=step is None)
    features = _activations(trained, step, tree, rows)
    # One pass over the activations: fits in sample, held out and to permuted targets all come from these factors.
    statistics = Statistics.of(features, setting)
    readings = read(features, setting, statistics)
    names = [place.name for place in setting.places]
    # `emergence` asks for many checkpoints, and for the scores in sample alone.
    if step is not None:
        results = analysis.nest(lambda target, place: readings[target, place].score.results(), names)
        return Outcome(results, _arrays(readings, setting, tree, rows), {"histories": _in_words(analysis, tree, rows)})
    no_scores = {
        (target, place.name): no_score(setting.scoring(target)) for target in setting.targets for place in setting.places
    }
    controls: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
    held_out = analysis.held_out()
    shared = sharing(distinct_beliefs(tree, rows), setting.draws) if setting.draws else Sharing(None, None, None)
    random = partial(generator, trained.train.seed)
    for control in analysis.controls:
        match control:
            case HeldOut():
                controls[control.kind] = {
                    key: _held_out(control, reading, no_scores[key], len(setting.levels) - 1) | {"beliefs": shared.results()}
                    for key, reading in readings.items()
                }
            case Untrained():
                controls[control.kind] = _repeated([read(_activations(trained, 0, tree, rows), setting)], held_out, no_scores)
            case Noise(repeats=repeats):
                draws = (_noise(features, setting, random(f"regression noise {r}")) for r in range(repeats))
                controls[control.kind] = _repeated([read(drawn, setting) for drawn in draws], held_out, no_scores)
            case Planted(noise=noise, repeats=repeats):
                several = [_planted(features, setting, noise, random(f"regression planted {r}")) for r in range(repeats)]
                controls[control.kind] = _repeated(several, held_out, no_scores)
            case Shuffled(repeats=repeats):
                # Permuted targets leave the features alone, so their factors serve all repeats at once.
                shuffled = shuffle(features, setting, statistics, repeats, random("regression shuffled"))
                controls[control.kind] = {
                    key: _with_held_out(scores.in_sample, [[one] for one in scores.held_out], held_out, no_scores[key])
                    for key, scores in shuffled.items()
                }

    def of_one(target: str, place: str) -> dict[str, Any]:
        reading = readings[target, place]
        return {
            **reading.score.results(),
            "position": [one.results() for one in reading.by_position],
            **{kind: values[target, place] for kind, values in controls.items()},
        }

    facts = _facts(analysis, readings, setting, tree, rows, shared)
    if analysis.without is not None:
        facts["dimensions left out"] = {
            place.name: f"{statistics.projections[place.name].whole.removed} of {place.width}" for place in setting.places
        }
    arrays = _arrays(readings, setting, tree, rows) | _words(analysis, process)
    return Outcome(analysis.nest(of_one, names), arrays, facts)


def map_at_checkpoint(analysis: Regression, inputs: Inputs, step: int, target: str, place: str) -> Outcome:
    """The arrays of one of a regression's maps at checkpoint `step`, without its scores."""
    trained, process, tree = histories_of(analysis, inputs)
    whole, rows = _setting(analysis, inputs, trained, process, tree, controls=False)
    chosen = [one for one in whole.places if one.name == place]
    setting = replace(whole, places=chosen, targets={target: whole.targets[target]})
    readings = read(_activations(trained, step, tree, rows), setting)
    return Outcome({}, _arrays(readings, setting, tree, rows), {"histories": _in_words(analysis, tree, rows)})


def belief_map(
    analysis: Regression, inputs: Inputs, place: str, step: int | None = None, shuffled: np.random.Generator | None = None
) -> AffineMap:
    """The map to beliefs that a regression fits in sample at one place, with the network of checkpoint `step`; to beliefs
    permuted over histories where `shuffled` says how."""
    trained, process, tree = histories_of(analysis, inputs)
    whole, rows = _setting(analysis, inputs, trained, process, tree, controls=False)
    belief = whole.targets["belief"]
    if shuffled is not None:
        belief = belief[shuffled.permutation(len(belief))]
    chosen = [one for one in whole.places if one.name == place]
    setting = replace(whole, places=chosen, targets={"belief": belief}, scored={})
    return fitted(_activations(trained, step, tree, rows), setting)


def controlled_prediction(
    analysis: Regression, inputs: Inputs, place: str, control: Shuffled | Noise | Planted, seed: int
) -> tuple[Float64[np.ndarray, "history state"], Int64[np.ndarray, " history"] | None]:
    """What the map to beliefs predicts in sample at one place where beliefs are permuted over histories, with the permutation, or
    where Gaussian numbers, or a linear image of the beliefs, stand for the activations."""
    trained, process, tree = histories_of(analysis, inputs)
    whole, rows = _setting(analysis, inputs, trained, process, tree, controls=False)
    random, belief = np.random.default_rng(seed), whole.targets["belief"]
    order = random.permutation(len(belief)) if isinstance(control, Shuffled) else None
    chosen = [one for one in whole.places if one.name == place]
    setting = replace(whole, places=chosen, targets={"belief": belief if order is None else belief[order]}, scored={})
    features = _activations(trained, None, tree, rows)
    if isinstance(control, Noise):
        features = _noise(features, setting, random)
    elif isinstance(control, Planted):
        features = _image(features, setting, "belief", control.noise, random)
    return fitted(features, setting)([features[part] for part in setting.parts]), order


def _setting(
    analysis: Regression, inputs: Inputs, trained: Trained, process: Process, tree: HistoryTree, controls: bool
) -> tuple[Setting, Rows]:
    """What is asked, and of which histories."""
    targets = {target_name(target): target_values(process, tree, target) for target in analysis.targets}
    scored = {"state": Scoring(state=True)} if "state" in targets else {}
    for target in analysis.targets:
        if isinstance(target, FutureTarget):
            scored[target_name(target)] = Scoring(columns=len(process.tokens) ** target.k)
    defined = np.all([np.isfinite(values).all(axis=1) for values in targets.values()], axis=0)
    asked = (tree.length >= analysis.shortest) & (tree.length <= (tree.context if analysis.longest is None else analysis.longest))
    if not (defined & asked).any():
        told = ", ".join(targets)
        raise UndefinedTargetError(f"`{inputs.name}` has nothing to read: none of its histories leaves all of {told} defined")
    chosen = defined & asked
    rows: Rows = slice(None) if chosen.all() else np.flatnonzero(chosen)
    weights = history_weights(tree, analysis.weights, rows)
    held_out = analysis.held_out() if controls else None
    draws: tuple[Int64[np.ndarray, " history"], ...] = ()
    if held_out is not None:
        draws = draw_folds(tree, rows, held_out.by, held_out.folds, held_out.repeats, trained.train.seed)
    setting = Setting(
        places=places(analysis.at, trained.model),
        targets={target: values[rows] for target, values in targets.items()},
        weights=weights,
        levels=tree.levels if isinstance(rows, slice) else tuple(np.searchsorted(rows, tree.levels).tolist()),
        draws=draws,
        intercept=analysis.intercept,
        ridge=analysis.ridge,
        scored=scored,
        left_out=[_left_out(probe, process, tree, rows) for probe in left_out(analysis, inputs.analyses)],
    )
    return setting, rows


def _left_out(probe: LeftOutProbe, process: Process, tree: HistoryTree, rows: Rows) -> LeftOut:
    """What a probe whose subspace is left out is fitted to, of the histories that are read."""
    target = target_values(process, tree, probe.target)[rows]
    defined = np.isfinite(target).all(axis=1)
    weights = np.where(defined, history_weights(tree, probe.source.weights)[rows], 0.0)
    target = np.where(defined[:, None], target, 0.0)
    return LeftOut(target, weights, probe.directions, probe.source.intercept, probe.source.ridge)


def _activations(trained: Trained, step: int | None, tree: HistoryTree, rows: Rows) -> Features:
    found = trained.activations(step, tree)
    return found if isinstance(rows, slice) else {part: values[rows] for part, values in found.items()}


def _in_words(analysis: Regression, tree: HistoryTree, rows: Rows) -> str:
    """Which histories were read."""
    found = in_words(tree)
    if isinstance(rows, slice):
        return found
    longest = tree.context if analysis.longest is None else analysis.longest
    length = (tree.length >= analysis.shortest) & (tree.length <= longest)
    if not length.all():
        lengths = (
            f"{analysis.shortest}" if analysis.shortest == longest else f"{max(analysis.shortest, tree.length[0])} to {longest}"
        )
        found += f", {int(length.sum()):,} of them of length {lengths}"
    undefined = int(length.sum()) - len(rows)
    return found + (f", {undefined:,} left out, where a target is undefined" if undefined else "")


def _noise(features: Features, setting: Setting, random: np.random.Generator) -> Features:
    """Gaussian numbers in place of all activations that are read."""
    return {part: random.standard_normal(features[part].shape, dtype=np.float32) for part in setting.parts}


def _planted(features: Features, setting: Setting, noise: float, random: np.random.Generator) -> Readings:
    """Every target read off a linear image of itself."""
    found: dict[tuple[str, str], Reading] = {}
    for name in setting.targets:
        found |= read(_image(features, setting, name, noise, random), replace(setting, targets={name: setting.targets[name]}))
    return found


def _image(features: Features, setting: Setting, target: str, noise: float, random: np.random.Generator) -> Features:
    """A random linear image of a target, with Gaussian noise, in place of all activations that are read. The target is scaled to
    a total variance of 1; one that is constant stays so, and its image is noise."""
    values = setting.targets[target]
    centred = values - setting.weights @ values
    scale = np.sqrt(float(setting.weights @ (centred**2).sum(axis=1)))
    signal = centred / scale if scale > CONSTANT * np.abs(values).max(initial=0.0) else np.zeros_like(centred)

    def image(width: int) -> Float32[np.ndarray, "history width"]:
        mixed = signal @ random.standard_normal((signal.shape[1], width))
        return np.asarray(mixed + noise * random.standard_normal(mixed.shape), dtype=np.float32)

    return {part: image(features[part].shape[1]) for part in setting.parts}


def _repeated(
    repeats: list[Readings], asked: HeldOut | None, no_scores: Mapping[tuple[str, str], Score]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Scores of a control, repeat by repeat."""
    return {
        key: _with_held_out(
            [one[key].score for one in repeats],
            [[draw.score for draw in one[key].held_out] for one in repeats],
            asked,
            no_scores[key],
        )
        for key in repeats[0]
    }


def _with_held_out(
    in_sample: list[Score], held_out: Sequence[Sequence[Score]], asked: HeldOut | None, nothing: Score
) -> dict[str, Any]:
    """The scores of each repeat in sample, and held out for each draw of folds: undefined where they are asked for and there are
    too few histories for folds."""
    results = _scores([one.results() for one in in_sample])
    if asked is None:
        return results
    means = [mean_results([one.results() for one in draws]) for draws in held_out if draws]
    found = _scores(means or [nothing.results()] * len(in_sample))
    if len(in_sample) == 1:
        found["sd"] = sample_sd([one.r2 for draws in held_out for one in draws])
    return results | {"held_out": found}


def _scores(found: list[dict[str, float | None]]) -> dict[str, Any]:
    if len(found) == 1:
        return dict(found[0])
    return {name: spread([one[name] for one in found]).results() for name in found[0]}


def _held_out(control: HeldOut, reading: Reading, nothing: Score, positions: int) -> dict[str, Any]:
    """The scores of predictions for held-out histories: means over the draws of folds, and how they spread."""
    draws = reading.held_out
    found: dict[str, Any] = {
        **(mean_results([one.score.results() for one in draws]) if draws else nothing.results()),
        "sd": sample_sd([one.score.r2 for one in draws]),
        "folds": {"r2": spread([r2 for one in draws for r2 in one.by_fold]).results()},
    }
    if control.by_position:
        found["position"] = [
            mean_results([one.by_position[k].results() for one in draws]) if draws else nothing.results()
            for k in range(positions)
        ]
    return found


def _arrays(readings: Readings, setting: Setting, tree: HistoryTree, rows: Rows) -> dict[str, np.ndarray]:
    """True and predicted targets of every history, for figures, distances and readers of the run folder."""
    arrays = {"weights": setting.weights, "length": tree.length[rows]}
    # A product's joint beliefs are made only for what reads them: a map onto them, and distances between them.
    if len(tree.factors) == 1 or "belief" in setting.targets:
        arrays = {"belief": tree.belief_of(rows), "next_token": tree.next_token_of(rows), **arrays}
    for (target, place), reading in readings.items():
        arrays[f"{target}.{place}.predicted"] = reading.predicted.astype(np.float32)
        for draw, held_out in enumerate(reading.held_out):
            # Distances compare the beliefs that each draw predicts; figures show the first.
            if target == "belief" or not draw:
                arrays[held_out_array(target, place, draw)] = held_out.predicted.astype(np.float32)
    return arrays


def held_out_array(target: str, place: str, draw: int) -> str:
    """The name of the array of predictions for held-out histories by one of the draws of folds."""
    return f"{target}.{place}.held_out" + (f".{draw}" if draw else "")


def _words(analysis: Regression, process: Process) -> dict[str, np.ndarray]:
    """For each `future(k)` the matrix that turns its coordinates, those of the predictions, into probabilities of words."""
    return {
        f"{target_name(target)}.words": future_space(process, target.k).words
        for target in analysis.targets
        if isinstance(target, FutureTarget)
    }


def _facts(
    analysis: Regression, readings: Readings, setting: Setting, tree: HistoryTree, rows: Rows, shared: Sharing
) -> dict[str, Any]:
    """How it was computed, in words."""
    widths: dict[str, Place] = {place.name: place for place in setting.places}
    facts: dict[str, Any] = {
        "histories": _in_words(analysis, tree, rows),
        "weights": analysis.weights,
        "fit": "least squares" if not isinstance(analysis.ridge, float) else f"ridge, penalty {number_text(analysis.ridge)}",
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
    held_out = analysis.held_out()
    if setting.draws and held_out is not None:
        facts["folds"] = fold_words(held_out.by, setting.draws, tree.context)
        facts["beliefs in a fold"] = sharing_words(shared)
        facts["held-out penalties"] = {
            f"{target}.{place}": [number_text(value, 2) for one in reading.held_out for value in one.penalties]
            for (target, place), reading in readings.items()
            if any(one.penalties for one in reading.held_out)
        }
    return facts
