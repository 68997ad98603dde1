"""Where a belief is drawn in the plane, and in which colour. Both depend on the belief alone, so that figures can be compared:
only from seven states on are the plane's directions chosen by the beliefs that are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Float64


@dataclass(frozen=True)
class SimplexProjection:
    """An affine map of beliefs to the plane; estimated beliefs, which may lie outside the simplex, are mapped by the same.

    kind       `point` (one state), `line` (two: x = Pr(second state)), `triangle` (three: equilateral, unit sides), `polygon`
               (four to six, or more with no beliefs given: states at the corners of a regular polygon, so that no two of them
               coincide and every figure shows the same plane; different beliefs may coincide), or `principal` (more: the two
               directions in which the given beliefs spread most, distances in them true)
    corners    where each state's certain belief lies
    explained  share of the beliefs' variance that the two directions show; 1 where nothing is lost

    Beliefs of a generalized HMM lie in no simplex: `directions` maps them, relative to `centre`. A qubit's, (1, x, z) or
    (1, x, y, z) within the unit ball, give its `disk`; others the `plane` of principal directions. `corners` are then those of
    the box around what is drawn.
    """

    kind: Literal["point", "line", "triangle", "principal", "polygon", "disk", "plane"]
    corners: Float64[np.ndarray, "state 2"]
    explained: float
    directions: Float64[np.ndarray, "state 2"] | None = None
    centre: Float64[np.ndarray, " state"] | None = None

    def __call__(self, beliefs: Float[np.ndarray, "belief state"]) -> Float64[np.ndarray, "belief 2"]:
        """The beliefs' places: each is the mean of the corners, weighted by the belief. Affine also where a row's sum is not
        one."""
        b = np.asarray(beliefs, dtype=np.float64)
        if self.directions is not None and self.centre is not None:
            return np.asarray((b - self.centre) @ self.directions)
        centre = self.corners.mean(axis=0)
        return np.asarray(b @ (self.corners - centre) + centre)


def simplex_projection(
    states: int,
    beliefs: Float[np.ndarray, "belief state"] | None = None,
    weights: Float[np.ndarray, " belief"] | None = None,
    right: Float[np.ndarray, " state"] | None = None,
) -> SimplexProjection:
    """The plane for processes of so many states; from seven on, the principal plane of `beliefs` (counted by `weights`). With
    `right`, the eigenvector of a generalized HMM, beliefs are drawn in their disk or principal plane."""
    if right is not None and beliefs is not None:
        return _generalized(np.asarray(beliefs, dtype=np.float64), weights, right)
    if states == 1:
        return SimplexProjection("point", np.zeros((1, 2)), 1.0)
    if states == 2:
        return SimplexProjection("line", np.array([[0.0, 0.0], [1.0, 0.0]]), 1.0)
    if states == 3:
        return SimplexProjection("triangle", np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]]), 1.0)
    if beliefs is None or len(beliefs) < 2:
        return _polygon(states, np.eye(states) - 1 / states)
    b = np.asarray(beliefs, dtype=np.float64)
    share = np.full(len(b), 1 / len(b)) if weights is None else np.asarray(weights, dtype=np.float64) / np.sum(weights)
    deviation = b - share @ b
    covariance = deviation.T @ (deviation * share[:, None])
    variance, axes = np.linalg.eigh(covariance)
    if states <= POLYGON_STATES or variance[-1] <= 0:
        return _polygon(states, covariance)
    plane = axes[:, [-1, -2]]
    # An eigenvector's sign is arbitrary: the state that counts most points right, or up.
    plane = plane * np.sign(plane[np.abs(plane).argmax(axis=0), [0, 1]])
    explained = float(variance[-2:].sum() / np.maximum(variance, 0).sum())
    return SimplexProjection("principal", plane - share @ b @ plane, min(1.0, explained))


def _generalized(
    b: Float64[np.ndarray, "belief state"], weights: Float[np.ndarray, " belief"] | None, right: Float[np.ndarray, " state"]
) -> SimplexProjection:
    """The disk of a qubit's beliefs, seen along the axis on which they spread least, or the principal plane."""
    states = b.shape[1]
    share = np.full(len(b), 1 / len(b)) if weights is None else np.asarray(weights, dtype=np.float64) / np.sum(weights)
    deviation = b - share @ b
    covariance = deviation.T @ (deviation * share[:, None])
    total = float(np.trace(covariance))
    directions = np.zeros((states, 2))
    if states in (3, 4) and np.array_equal(right, np.eye(states)[0]) and float((b[:, 1:] ** 2).sum(axis=1).max()) <= 1 + 1e-9:
        axes = np.sort(1 + np.argsort(-np.diag(covariance)[1:], kind="stable")[:2])
        directions[axes, [0, 1]] = 1.0
        shown = float(np.diag(covariance)[axes].sum())
        box = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
        explained = min(1.0, shown / total) if total > 0 else 1.0
        return SimplexProjection("disk", box, explained, directions, np.zeros(states))
    variance, axes = np.linalg.eigh(covariance)
    count = min(2, states)
    directions[:, :count] = axes[:, ::-1][:, :count]
    directions *= np.where(directions[np.abs(directions).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    centre = share @ b
    places = (b - centre) @ directions
    low, high = places.min(axis=0), places.max(axis=0)
    middle, half = (low + high) / 2, max(float((high - low).max()) / 2, 1e-9)
    box = middle + half * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    explained = min(1.0, float(variance[::-1][:count].sum()) / total) if total > 0 else 1.0
    return SimplexProjection("plane", box, explained, directions, centre)


def drawn_colours(projection: SimplexProjection, beliefs: Float[np.ndarray, "belief state"]) -> Float64[np.ndarray, "belief 3"]:
    """RGB in [0, 1]: by the belief alone where it lies in a simplex, else by its place in the disk or plane, one hue for each
    direction and grey in the middle."""
    if projection.directions is None:
        return belief_colours(beliefs)
    middle = projection.corners.mean(axis=0)
    half = float(np.ptp(projection.corners, axis=0).max()) / 2
    place = np.clip((projection(beliefs) - middle) / half, -1.0, 1.0)
    return _rgb(np.concatenate([np.full((len(place), 1), float(np.mean(OKLAB_LIGHTNESS))), OKLAB_CHROMA * place], axis=1))


POLYGON_STATES = 6
"""Up to so many states stand at the corners of a polygon; more would crowd it, and their principal plane says more."""


def _polygon(states: int, covariance: Float64[np.ndarray, "state state"]) -> SimplexProjection:
    """The corners of a regular polygon. Its two directions are orthogonal and equally long, so the plane's share of the beliefs'
    variance follows from their covariance."""
    angle = np.pi / 2 - 2 * np.pi * np.arange(states) / states
    corners = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    total = float(np.trace(covariance))
    shown = float(np.trace(corners.T @ covariance @ corners)) * 2 / states
    return SimplexProjection("polygon", corners, min(1.0, shown / total) if total > 1e-15 else 1.0)


def belief_colours(beliefs: Float[np.ndarray, "belief state"]) -> Float64[np.ndarray, "belief 3"]:
    """RGB in [0, 1], by the belief alone.

    Three states are red, green and blue, and a belief has its weights for colour, as in Shai et al. 2024. Otherwise each
    state has a hue of its own, evenly around the circle of OKLab (Ottosson 2020), and a belief's colour is their mean there:
    equal steps of belief look like equal steps, and the more uncertain, the greyer. Estimated beliefs are clipped into the range.
    """
    b = np.clip(np.asarray(beliefs, dtype=np.float64), 0.0, 1.0)
    states = b.shape[1]
    if states == 3:
        return b
    angle = np.deg2rad(30.0) + 2 * np.pi * np.arange(states) / states
    lightness = np.where(np.arange(states) % 2 == 0, *OKLAB_LIGHTNESS)
    corners = np.stack([lightness, OKLAB_CHROMA * np.cos(angle), OKLAB_CHROMA * np.sin(angle)], axis=1)
    if states == 1:
        corners[:, 1:] = 0.0
    total = b.sum(axis=1, keepdims=True)
    mixed = np.divide(b, total, out=np.full_like(b, 1 / states), where=total > 0) @ corners
    return _rgb(mixed)


OKLAB_LIGHTNESS = (0.58, 0.72)
"""Of states with even and odd index: neighbours on the hue circle differ for the colour-blind too."""

OKLAB_CHROMA = 0.16


def _rgb(lab: Float64[np.ndarray, "colour 3"]) -> Float64[np.ndarray, "colour 3"]:
    """OKLab to sRGB (Ottosson 2020), clipped."""
    to_lms = np.array(
        [[1.0, 0.3963377774, 0.2158037573], [1.0, -0.1055613458, -0.0638541728], [1.0, -0.0894841775, -1.2914855480]],
    )
    to_linear = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip((lab @ to_lms.T) ** 3 @ to_linear.T, 0.0, 1.0)
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))
