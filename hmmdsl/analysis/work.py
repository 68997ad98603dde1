"""How long an analysis computes, counted out: the products, factorizations and passes of its computation, from shapes alone.

Counted is what grows with histories, features, targets, folds and repeats; rates are those of one thread of a common server
processor, in float64 but for the network's own passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Any

from hmmdsl.analysis.reading.targets import FutureTarget, known_targets
from hmmdsl.process.algebra.parts import within_factors

if TYPE_CHECKING:
    from hmmdsl.process.process import Process
    from hmmdsl.schema.models.base import Model
    from hmmdsl.schema.train import Train

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
"""Penalties of ridge regression that are tried (`analysis/fitting/ridge.py`)."""

SOFTMAX_PASSES = 6 * 60
"""Passes that a softmax is fitted with at most: penalties times steps (`analysis/information/softmax.py`)."""

MOST_PAIRS = 1_000_000
"""Pairs that are compared at most, of beliefs and of histories."""

GROUPS = 20
"""Groups of drawn words whose spread is a standard error (`analysis/fitting/sampling_error.py`)."""


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


def control_of(analysis: Any, kind: str) -> Any | None:
    """The control of a kind that an analysis has; None if it has none."""
    return next((each for each in getattr(analysis, "controls", ()) if getattr(each, "kind", each) == kind), None)
