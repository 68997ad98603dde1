"""Activations less what lies in the subspaces of other probes, as sufficient statistics have them.

A probe's subspace has an orthonormal basis B, and what is left of activations x is x P with P = I - B B^T. Triangular factors and
moments of x tell those of x P, so features are read no second time, and a map of x P is one of x: its slope times P.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.analysis.fitting.factors import Factor, fold_factors, leave_one_out, singular, triangle, union
from hmmdsl.analysis.fitting.least_squares import RANK_TOLERANCE, AffineMap
from hmmdsl.analysis.fitting.moments import Moments
from hmmdsl.analysis.fitting.spans import centred, column_basis, span

if TYPE_CHECKING:
    from jaxtyping import Float64

    from hmmdsl.analysis.fitting.setting import Features, Setting


@dataclass(frozen=True)
class Projection:
    """The symmetric projector `P` onto what is left of the features; None where nothing is left out, and all that this makes is
    what it was given. `removed` is the number of dimensions left out."""

    P: Float64[np.ndarray, "feature feature"] | None = None
    removed: int = 0

    def of_factor(self, factor: Factor) -> Factor:
        """The factor of the projected features."""
        if self.P is None:
            return factor
        p = factor.features
        parts = [factor.R[:, :1], factor.R[:, 1 : 1 + p] @ self.P, factor.R[:, 1 + p :]]
        return Factor(triangle(np.concatenate(parts, axis=1)), p)

    def of_moments(self, moments: Moments) -> Moments:
        """The moments of the projected features."""
        if self.P is None:
            return moments
        zz, zy = moments.zz.copy(), moments.zy.copy()
        zz[:, 1:] = zz[:, 1:] @ self.P
        zz[1:] = self.P @ zz[1:]
        zy[1:] = self.P @ zy[1:]
        return Moments(zz, zy, moments.yy)

    def of_map(self, affine: AffineMap) -> AffineMap:
        """A map of the projected features as one of the features themselves."""
        return affine if self.P is None else AffineMap(self.P @ affine.slope, affine.offset, affine.rank)

    def of_maps(self, maps: Float64[np.ndarray, "one_and_feature target"]) -> Float64[np.ndarray, "one_and_feature target"]:
        """The same for maps with the offset first."""
        return maps if self.P is None else np.concatenate([maps[:1], self.P @ maps[1:]])


@dataclass(frozen=True)
class Projections:
    """At one place: for the fit to all histories, and for the prediction of each fold, of which the probe saw nothing either."""

    whole: Projection
    folds: tuple[Projection, ...]


def projections(features: Features, setting: Setting, factors: Sequence[Factor]) -> dict[str, Projections]:
    """By place, from the factors of the setting's folds: one more pass over the features for each probe that is left out."""
    blocks = [features[part] for part in setting.parts]
    widths = {part: features[part].shape[1] for part in setting.parts}
    probes = [fold_factors(blocks, one.target, one.weights, setting.folds) for one in setting.left_out]
    found = {}
    for place in setting.places:
        columns = setting.columns(place, widths)
        own = [factor.select(columns) for factor in factors]
        theirs = [[factor.select(columns) for factor in probe] for probe in probes]
        whole = _projection(setting, union(own), [union(probe) for probe in theirs])
        folds: list[Projection] = []
        if setting.draws:
            others = zip(leave_one_out(own), *(leave_one_out(probe) for probe in theirs), strict=True)
            folds = [_projection(setting, first, rest) for first, *rest in others]
        found[place.name] = Projections(whole, tuple(folds))
    return found


def unprojected(setting: Setting) -> Projections:
    """Where nothing is left out."""
    folds = int(setting.folds.max()) + 1 if setting.draws else 0
    return Projections(Projection(), (Projection(),) * folds)


def _projection(setting: Setting, own: Factor, probes: Sequence[Factor]) -> Projection:
    """What is left by probes that are fitted one after another, each to what those before it left."""
    basis = np.zeros((own.features, 0))
    for one, factor in zip(setting.left_out, probes, strict=True):
        before = Projection(_left(basis, factor, one.intercept)) if basis.shape[1] else Projection()
        found = span(before.of_factor(factor), one.directions, one.intercept, one.ridge)
        if before.P is not None:
            found = column_basis(before.P @ found)
        basis = np.concatenate([basis, found], axis=1)
    return Projection(_left(basis, own, setting.intercept), basis.shape[1])


ABSENT = RANK_TOLERANCE**2
"""A feature whose squared share in what is left is below this is left out with the rest: it is rounding."""


def _left(
    basis: Float64[np.ndarray, "feature dimension"], factor: Factor, intercept: bool
) -> Float64[np.ndarray, "feature feature"]:
    """The projector onto the directions orthogonal to `basis` in which the activations vary. Where a basis holds all that they
    do, what is left of them is rounding, which a fit must not take for features."""
    x, _ = centred(factor, intercept)
    largest = float(np.linalg.norm(x, 2)) if x.size else 0.0
    _, strength, directions = singular(x - (x @ basis) @ basis.T, full=False)
    kept = directions[strength > RANK_TOLERANCE * largest]
    kept = column_basis((kept - (kept @ basis) @ basis.T).T)
    P = kept @ kept.T
    absent = P.diagonal() < ABSENT
    P[absent] = 0.0
    P[:, absent] = 0.0
    return np.asarray(P)
