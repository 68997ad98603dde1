"""Fractal dimensions of a cloud of points, with the range of the fit and its error.

With N(e) the number of boxes of edge e that hold points, and I(e) the entropy of the points' distribution over the boxes,

    box-counting dimension  =  lim  log N(e) / log(1/e),        information dimension  =  lim  I(e) / log(1/e)      (e to 0)

(Falconer 2003; Renyi 1959). Both are slopes, fitted by least squares over boxes small against the cloud, and large enough to hold
many points each. Samples miss boxes of little probability, so the box-counting slope of an uneven cloud is off.
The entropy has the correction of Miller (1955) and Madow, (N - 1) / (2 points). The error is the larger of the regression's
standard error and half the difference between the slopes of the coarser and the finer half: slopes of fractals undulate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.process.notation import number_text

if TYPE_CHECKING:
    from jaxtyping import Float64

COARSEST = 2.0**-3
"""Edge of the largest boxes, as a share of the cloud's extent."""

FINEST = 2.0**-32
"""Edge of the smallest boxes that float64 tells apart."""

POINTS_IN_BOX = 20
"""Points that an occupied box of the smallest ones holds on average."""

LARGEST_CLOUD = 1_500_000
"""Coordinates of all points together; of more, every second or every third point is taken, and so on."""

SCALES = 16
"""Sizes of boxes in a fit."""

FEWEST_OCTAVES = 2.0
"""A range of sizes smaller than this (a factor of four) shows no slope."""

UNEVEN = 0.1
"""Slopes over the two halves of the range that differ by more show that the boxes are not small enough."""

FLAT = 1e-9
"""A direction in which the cloud's extent is a smaller share is none."""


@dataclass(frozen=True)
class DimensionFit:
    """A slope and its error over boxes of edges from `smallest` to `largest`, as shares of the cloud's extent; None with a reason
    where it cannot be had."""

    dimension: float | None
    error: float | None = None
    smallest: float | None = None
    largest: float | None = None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        scales = None if self.smallest is None or self.largest is None else [self.smallest, self.largest]
        return {"dimension": self.dimension, "error": self.error, "range": scales, "reason": self.reason}


def box_counting(points: Float64[np.ndarray, "point coordinate"], seed: int = 0) -> DimensionFit:
    """Of the set that the points fill. A thousand points are few, a hundred thousand good."""
    return of_set_and_measure(points, seed)[0]


def information(points: Float64[np.ndarray, "point coordinate"], seed: int = 0) -> DimensionFit:
    """Of the measure that the points are drawn from."""
    return of_set_and_measure(points, seed)[1]


def of_set_and_measure(points: Float64[np.ndarray, "point coordinate"], seed: int = 0) -> tuple[DimensionFit, DimensionFit]:
    """Both, from the same boxes along the points' principal axes: the slopes of log N and of I."""
    points = points[:: -(-points.size // LARGEST_CLOUD)]
    centred = points - points.mean(axis=0)
    _, spread, axes = np.linalg.svd(centred[:: max(1, len(centred) // 20_000)], full_matrices=False)
    if spread[0] < FLAT:
        point = DimensionFit(0.0, 0.0, reason="one point")
        return point, point
    places = centred @ axes[spread > FLAT * spread[0]].T
    places = (places - places.min(axis=0)) / np.ptp(places, axis=0).max()
    rng = np.random.default_rng(seed)
    mixing = rng.integers(1, 2**62, places.shape[1]) | 1

    def boxes(edge: float) -> tuple[float, float]:
        """log N and I, of a grid that begins at a random place."""
        cell = np.floor(places / edge + rng.random(places.shape[1])).astype(np.int64) @ mixing
        _, counts = np.unique(cell, return_counts=True)
        share = counts / len(places)
        return float(np.log(len(counts))), float(-(share * np.log(share)).sum() + (len(counts) - 1) / (2 * len(places)))

    filled = np.log(len(places) / POINTS_IN_BOX)
    low, high = np.log2(FINEST), np.log2(COARSEST)
    if boxes(FINEST)[0] <= filled:
        high = low
    while high - low > 0.1:
        middle = (low + high) / 2
        low, high = (low, middle) if boxes(2.0**middle)[0] <= filled else (middle, high)
    if np.log2(COARSEST) - high < FEWEST_OCTAVES:
        none = DimensionFit(None, reason=f"{len(places):,} beliefs are too few to fill boxes small enough")
        return none, none
    octaves = np.linspace(np.log2(COARSEST), high, SCALES)
    filling, telling = np.array([boxes(2.0**octave) for octave in octaves]).T.copy()
    return _fit(-octaves * np.log(2), filling), _fit(-octaves * np.log(2), telling)


def _fit(x: Float64[np.ndarray, " scale"], y: Float64[np.ndarray, " scale"]) -> DimensionFit:
    slope, error = _slope(x, y)
    half = len(x) // 2
    large, small = _slope(x[:half], y[:half])[0], _slope(x[half:], y[half:])[0]
    smallest, largest = float(np.exp(-x[-1])), float(np.exp(-x[0]))
    if abs(large - small) > UNEVEN:
        # The smaller boxes are nearer to the limit, and how far they are from it is not known better than by what they changed.
        reason = f"has not reached scaling: the slope is {large:.2f} over the larger boxes and {small:.2f} over the smaller"
        return DimensionFit(small, abs(large - small), smallest, float(np.exp(-x[half])), reason)
    return DimensionFit(slope, max(error, abs(large - small) / 2), smallest, largest)


def in_order(box: DimensionFit, measure: DimensionFit, bound: float | None) -> tuple[DimensionFit, DimensionFit]:
    """Box-counting and information dimension as they can be together: the latter is no more than the former, and no more than
    `bound`, the Lyapunov dimension. A fit that says otherwise is moved, and its error holds what it said."""
    if measure.dimension is not None and measure.error is not None and bound is not None and measure.dimension > bound:
        reason = "; ".join(
            filter(None, [measure.reason, f"the fit's {number_text(measure.dimension, 2)} is above the Lyapunov dimension"])
        )
        error = max(measure.error, measure.dimension - bound)
        measure = replace(measure, dimension=bound, error=error, reason=reason)
    if box.dimension is None or box.error is None or measure.dimension is None or box.dimension >= measure.dimension:
        return box, measure
    reason = "; ".join(
        filter(None, [box.reason, f"the fit's {number_text(box.dimension, 2)} is below the information dimension"])
    )
    error = max(box.error, measure.dimension - box.dimension)
    return replace(box, dimension=measure.dimension, error=error, reason=reason), measure


def _slope(x: Float64[np.ndarray, " scale"], y: Float64[np.ndarray, " scale"]) -> tuple[float, float]:
    """The least-squares slope and its standard error."""
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    residual = y - y.mean() - slope * centred
    return slope, float(np.sqrt(residual @ residual / (len(x) - 2) / (centred @ centred)))
