"""How long an analysis computes, counted out: the products, factorizations and passes of its computation, from shapes alone.

Counted is what grows with histories, features, targets, folds and repeats; rates are those of one thread of a common server
processor, in float64 but for the network's own passes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Any

from hmmdsl.analysis.attention import AttentionByLag
from hmmdsl.analysis.baselines import Baselines
from hmmdsl.analysis.distances import Distances
from hmmdsl.analysis.distinctions import Distinctions
from hmmdsl.analysis.emergence import Emergence
from hmmdsl.analysis.information import Information
from hmmdsl.analysis.intervention import Intervention
from hmmdsl.analysis.learning import Learning
from hmmdsl.analysis.loss import Loss
from hmmdsl.analysis.options.controls import HeldOut, repeats_of
from hmmdsl.analysis.options.probes import compared
from hmmdsl.analysis.options.result_path import ResultPath
from hmmdsl.analysis.options.steered_probe import probe_of
from hmmdsl.analysis.options.targets import FutureTarget, known_targets
from hmmdsl.analysis.patching import Patching
from hmmdsl.analysis.pca import Pca
from hmmdsl.analysis.portrait import PortraitOf
from hmmdsl.analysis.regression import Regression
from hmmdsl.analysis.subspaces import Subspaces
from hmmdsl.process.algebra.parts import within_factors
from hmmdsl.spec.analysis import Analysis, Surroundings
from hmmdsl.spec.checkpoints import checkpoint_count

if TYPE_CHECKING:
    from hmmdsl.process.process import Process
    from hmmdsl.spec.models.base import Model
    from hmmdsl.spec.train import Train

FORWARD = 4e10
"""Floating-point operations a second of the network's passes, in float32."""

PRODUCTS = 3e10
"""Floating-point operations a second in products of matrices, in float64."""

FACTORS = 1.5e10
"""The same in triangular factors."""

NUMBER = 4e-9
"""Seconds that passing over a number takes."""

CALL = 1e-4
"""Seconds that a small fit takes besides its arithmetic."""

PENALTIES = 21
"""Penalties of ridge regression that are tried (`analysis/probe/ridge.py`)."""

SOFTMAX_PASSES = 6 * 60
"""Passes that a softmax is fitted with at most: penalties times steps (`analysis/probe/softmax.py`)."""

MOST_PAIRS = 1_000_000
"""Pairs that are compared at most, of beliefs and of histories."""

GROUPS = 20
"""Groups of drawn words whose spread is a standard error (`analysis/probe/sampling_error.py`)."""


def spectral(features: int) -> float:
    """The eigenvalues of a symmetric matrix; singular values of a triangle take twice as long."""
    return 2.5e-10 * features**3 + 4e-8 * features**2 + CALL


@dataclass(frozen=True)
class Reads:
    """What an analysis reads: a process with a network, `histories` of them, drawn or all."""

    process: Process
    model: Model
    train: Train
    histories: int
    drawn: bool

    def forward(self) -> float:
        """One pass of the network over all histories."""
        return self.histories * (2 * self.model.parameters(len(self.process.tokens)) / FORWARD + 2e-8 * len(self.model.points()))

    def factors(self, columns: int, rows: float | None = None) -> float:
        """A triangular factor of so many columns."""
        return 2 * (self.histories if rows is None else rows) * columns**2 / FACTORS + CALL

    def width(self, target: FutureTarget | str) -> int:
        """Coordinates of a target."""
        states, tokens = len(self.process.states), len(self.process.tokens)
        if isinstance(target, FutureTarget):
            return int(min(states, tokens**target.k))
        if target in ("belief", "state", "next_token"):
            return tokens if target == "next_token" else states
        return len(within_factors(self.process, target).process.states) if target in known_targets(self.process) else states

    def fits(self, widths: Sequence[int], targets: int, folds: int, ridge: bool, draws: int = 1) -> float:
        """Fits of affine maps at places of these widths to so many target coordinates, in sample and held out by each draw of
        folds. One pass over the features serves all of a draw; a penalty is chosen for each fold by the fits without two
        folds."""
        columns = sum(widths) + targets + 1
        again = 2 * self.histories * columns**2 / PRODUCTS if ridge else self.factors(columns)
        seconds = self.factors(columns) + (draws - 1) * again
        for width in widths:
            columns = width + targets + 1
            read = 1 + (draws if folds else 0)
            passes = 2 * self.histories * width * targets * read / PRODUCTS + 15 * read * self.histories * targets * NUMBER
            triangle = 2 * columns**3 / FACTORS
            held_out = (
                folds * spectral(width) + self.tried(width, targets, folds) if ridge else folds * 2 * (triangle + spectral(width))
            )
            seconds += passes + triangle + 2 * spectral(width) + draws * held_out
        return seconds

    def tried(self, width: int, columns: int, folds: int) -> float:
        """The choice of a penalty for each fold, by the fits without each pair of folds, scored on both."""
        scored = PENALTIES * columns * (6 * width**2 / PRODUCTS + 10 * width * NUMBER)
        return comb(folds, 2) * (spectral(width) + scored)

    def shuffled(self, widths: Sequence[int], targets: int, folds: int, repeats: int, ridge: bool) -> float:
        """The same fits to permuted targets, all repeats side by side: the features are factored already."""
        columns = targets * repeats
        seconds = self.histories * columns * (2 * sum(widths) / PRODUCTS + 3 * NUMBER)
        for width in widths:
            once = 2 * spectral(width) + 6 * width**2 * columns / PRODUCTS
            seconds += (1 + folds) * once + (self.tried(width, columns, folds) if ridge else 0.0)
        return seconds


def analysis_seconds(analysis: Analysis, reads: Reads, around: Surroundings) -> float:
    """Seconds that the computation takes on one thread."""
    found: float = WORK[type(analysis)](analysis, reads, around)
    return found


def _control(analysis: Any, kind: str) -> Any | None:
    return next((each for each in getattr(analysis, "controls", ()) if getattr(each, "kind", each) == kind), None)


def _regression(analysis: Regression, reads: Reads, around: Surroundings) -> float:
    widths, targets = [place.width for place in analysis.places_in(around)], sum(map(reads.width, analysis.targets))
    ridge = analysis.ridge == "auto"
    held_out = _control(analysis, "held_out")
    folds, draws = (0, 1) if held_out is None else (held_out.folds, held_out.repeats)
    once = reads.fits(widths, targets, folds, ridge, draws)
    seconds = reads.forward() + once + reads.histories * targets * NUMBER
    for control in analysis.controls:
        match control.kind:
            case "untrained":
                seconds += reads.forward() + once
            case "noise" | "planted":
                drawn = 5 * reads.histories * sum(widths) * NUMBER
                # Each target has an image of its own.
                seconds += repeats_of(control) * (drawn + once) * (1 if control.kind == "noise" else len(analysis.targets))
            case "shuffled":
                seconds += reads.shuffled(widths, targets, folds, repeats_of(control), ridge)
    return seconds


def _subspaces(analysis: Subspaces, reads: Reads, around: Surroundings) -> float:
    seconds = reads.forward()
    shuffled, untrained = _control(analysis, "shuffled"), _control(analysis, "untrained")
    for group in compared(analysis.between, around):
        pairs = comb(len(group.probes), 2)
        seconds += (analysis.repeats + GROUPS) * pairs * 2 * CALL
        for probe in group.probes:
            named = next(each for each in probe.source.targets if str(getattr(each, "kind", each)) in (probe.target, "future"))
            columns = probe.place.width + reads.width(named) + 1
            fit = 2 * spectral(columns)
            seconds += (1 + (untrained is not None)) * (reads.factors(columns) + 3 * fit)
            if reads.drawn:  # the factor of each group of words, and of all but each
                seconds += reads.factors(columns, 2 * reads.histories) + GROUPS * (2 * columns**3 / FACTORS + fit)
            if shuffled is not None:
                passes = 3 * reads.histories * columns * NUMBER
                seconds += repeats_of(shuffled) * (passes + fit)
    return seconds + (reads.forward() if untrained is not None else 0)


def _baselines(analysis: Baselines, reads: Reads, around: Surroundings) -> float:
    states, tokens = len(reads.process.states), len(reads.process.tokens)
    seconds = 2 * reads.forward()
    for k in range(analysis.longest + 1):
        seconds += reads.fits([max(1, k * tokens)], states, analysis.folds, True) + 20 * reads.histories * states * NUMBER
    rivals = 3 * states + tokens + min(states, tokens**analysis.future)
    for place in analysis.places_in(around):
        seconds += 3 * reads.fits([place.width], states, analysis.folds, True)
        seconds += reads.shuffled([place.width], states, analysis.folds, analysis.repeats, True)
        # Waves are made and read anew for each fold, and a penalty is chosen for each by itself.
        width = place.width + analysis.features
        waves = reads.histories * analysis.features * 5 * NUMBER + reads.factors(width + states + 1)
        tried = 2 * reads.tried(width, states, analysis.folds)
        permuted = states * analysis.repeats
        passes = 2 * reads.histories * width * permuted / PRODUCTS + 2 * reads.tried(width, permuted, analysis.folds)
        seconds += 3 * ((1 + analysis.folds) * waves + tried) + (1 + analysis.folds) * passes
        seconds += 2 * reads.fits([place.width], rivals, analysis.folds, True)
    return seconds


def _information(analysis: Information, reads: Reads, around: Surroundings) -> float:
    words = len(reads.process.tokens) ** analysis.k
    coordinates = min(words, len(reads.process.states))
    seconds = 2 * reads.forward()
    for place in analysis.places_in(around):
        softmax = (CALL + reads.histories * words * (4 * place.width / PRODUCTS + 6 * NUMBER)) * SOFTMAX_PASSES / 4
        once = reads.fits([place.width], coordinates, analysis.folds, True) + 30 * reads.histories * words * NUMBER
        regression = (1 + analysis.folds) * once
        seconds += (1 + len(analysis.controls)) * ((1 + 2 * analysis.folds) * softmax + regression)
    return seconds


def _intervention(analysis: Intervention, reads: Reads, around: Surroundings) -> float:
    points, probe = list(reads.model.points()), probe_of(analysis.probe, around)
    left = 1 - points.index(probe.point) / len(points) if probe is not None and probe.point in points else 1.0
    once = left * reads.forward() + 20 * reads.histories * len(reads.process.tokens) * NUMBER
    width, states = max(reads.model.points().values()), len(reads.process.states)
    fit = reads.factors(width + states + 1) + 2 * spectral(width)
    passes, fits = 2.0 + len(analysis.aims) * (1 + len(analysis.strengths)), 1.0
    for control in analysis.controls:
        passes += len(analysis.aims) * repeats_of(control) + 1
        fits += len(analysis.aims) * repeats_of(control) if control.kind == "shuffled" else 1
    context = reads.model.context if analysis.positions == "own" else 1
    return passes * once * (2 if context > 1 else 1) + fits * fit


def _pca(analysis: Pca, reads: Reads, around: Surroundings) -> float:
    widths = [place.width for place in analysis.places_in(around)]
    held_out = _control(analysis, "held_out")
    passes = 1 + len(analysis.controls) + (2 if reads.drawn else 0) + (held_out.repeats - 1 if held_out is not None else 0)
    spectra = (4 + len(analysis.controls) + (GROUPS if reads.drawn else 0)) * sum(2 * spectral(width) for width in widths)
    return 2 * reads.forward() + passes * reads.factors(sum(widths)) + spectra


def _distances(analysis: Distances, reads: Reads, around: Surroundings) -> float:
    source = around.analyses[ResultPath.of(analysis.of).name]
    beliefs = reads.histories
    pairs = min(comb(beliefs, 2), MOST_PAIRS)
    kinds = 1 + sum(repeats_of(control) for control in analysis.controls)
    fits = _regression(source.model_copy(update={"controls": ()}), reads, around) if isinstance(source, Regression) else 0.0
    compared_ = pairs * (len(reads.process.states) * 6 + 20) * NUMBER * len(analysis.against_each)
    return kinds * compared_ + sum(not isinstance(control, HeldOut) for control in analysis.controls) * fits


def _distinctions(analysis: Distinctions, reads: Reads, around: Surroundings) -> float:
    widths = [place.width for place in analysis.places_in(around)]
    pairs = min(comb(reads.histories, 2), MOST_PAIRS)
    passes = (1 + len(analysis.controls)) * sum(widths) * (3 * pairs + reads.histories)
    return 2 * reads.forward() + passes * NUMBER / 6 + 10 * reads.histories * len(reads.process.states) * NUMBER


def _losses(analysis: Loss | Learning | AttentionByLag | Patching, reads: Reads, around: Surroundings) -> float:
    """What reads the network's own predictions, or its attention."""
    if isinstance(analysis, Patching):
        patches = (1 + sum(map(repeats_of, analysis.controls))) * len(reads.model.points()) * reads.model.context
        return 3 * patches * CALL
    attended = reads.histories * reads.model.context * len(reads.model.points()) * 20 * NUMBER
    passes = 1 + len(getattr(analysis, "controls", ())) + isinstance(analysis, Learning)
    return passes * (reads.forward() + (attended if isinstance(analysis, AttentionByLag) else 0.0))


def _emergence(analysis: Emergence, reads: Reads, around: Surroundings) -> float:
    inner = around.analyses[analysis.of]
    plain = inner.model_copy(update={"controls": ()}) if "controls" in type(inner).model_fields else inner
    return checkpoint_count(reads.train) * analysis_seconds(plain, reads, around)


def _portrait(analysis: PortraitOf, reads: Reads, around: Surroundings) -> float:
    """What the process' own stage has found is read; that of another process is found here."""
    return 0.1


WORK: Mapping[type[Analysis], Callable[[Any, Reads, Surroundings], float]] = {
    Regression: _regression,
    Subspaces: _subspaces,
    Baselines: _baselines,
    Information: _information,
    Intervention: _intervention,
    Pca: _pca,
    Distances: _distances,
    Distinctions: _distinctions,
    Loss: _losses,
    Learning: _losses,
    AttentionByLag: _losses,
    Patching: _losses,
    Emergence: _emergence,
    PortraitOf: _portrait,
}
"""How each kind of analysis is counted out."""
