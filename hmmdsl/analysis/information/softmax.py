"""A softmax over words, affine in the features, fitted to whole distributions: multinomial logistic regression.

Minimized is `sum w CE(p, softmax(z a + c)) / sum w + λ/2 |slope|^2`, the slope being that of standardized features, as in
ridge.py. The features stand in their principal axes, each scaled so that the problem is equally curved along all: L-BFGS then
needs few steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from hmmdsl.analysis.fitting.ridge import CONSTANT

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float64

PENALTIES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""Each fit starts from that with the penalty before it."""

STEPS = 60
"""Most steps of L-BFGS for one penalty."""

SMALL = 1e-12
"""Principal axes whose variance is below this share of the largest are rounding."""

CURVATURE = 0.25
"""The most that the cross-entropy's curvature is along a logit."""


@dataclass(frozen=True)
class Axes:
    """Features in principal axes of the standardized ones: unit variance along each, whose own variance is `spectrum`."""

    z: Float64[np.ndarray, "history axis"]
    spectrum: Float64[np.ndarray, " axis"]


def principal_axes(
    x: Float[np.ndarray, "history width"],
    weights: Float64[np.ndarray, " history"],
    rows: Bool[np.ndarray, " history"] | slice = slice(None),
) -> Axes:
    """The features of all histories in the principal axes of the histories `rows`; those that are constant there are left out. No
    target is looked at, and nothing of the other histories."""
    x = np.asarray(x, dtype=np.float64)
    share, known = weights[rows] / weights[rows].sum(), x[rows]
    mean = share @ known
    sd = np.sqrt(share @ (known - mean) ** 2)
    varies = sd > CONSTANT * np.sqrt(share @ known**2)
    z = (x[:, varies] - mean[varies]) / sd[varies]
    spectrum, V = np.linalg.eigh(z[rows].T @ (z[rows] * share[:, None]))
    kept = spectrum > SMALL * spectrum.max(initial=0.0)
    return Axes(z @ V[:, kept] / np.sqrt(spectrum[kept]), spectrum[kept])


def log_softmax(logits: Float64[np.ndarray, "history word"]) -> Float64[np.ndarray, "history word"]:
    """log(exp(logits) / sum exp(logits)), row by row."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


@dataclass(frozen=True)
class Fitted:
    """Slope along each axis and offset, in the order `[offset; slopes]`."""

    map: Float64[np.ndarray, "one_and_axis word"]

    def log_probabilities(self, z: Float64[np.ndarray, "history axis"]) -> Float64[np.ndarray, "history word"]:
        """The predicted log probability of each class."""
        return log_softmax(z @ self.map[1:] + self.map[0])


def fit_path(
    axes: Axes,
    future: Float64[np.ndarray, "history word"],
    weights: Float64[np.ndarray, " history"],
    rows: Bool[np.ndarray, " history"] | slice,
) -> list[Fitted]:
    """The fit to the chosen histories, whose axes these are, for every penalty, from the largest."""
    z, p = axes.z[rows], future[rows]
    share = weights[rows] / weights[rows].sum()
    joint = share[:, None] * p
    total = joint.sum(axis=0)
    cross = z.T @ joint
    # The path begins where nothing is read: the words' mean probabilities. Each penalty starts from the one before it.
    affine = np.zeros((1 + z.shape[1], p.shape[1]))
    affine[0] = np.log(np.maximum(total, 1e-12))
    found = []
    for penalty in PENALTIES:
        own = penalty / axes.spectrum
        # Entries in units of their curvature, so that one step length suits them all.
        scale = np.concatenate([[1.0], 1 / np.sqrt(CURVATURE + own)])[:, None]

        def objective(
            flat: Float64[np.ndarray, " entry"], own: np.ndarray = own, scale: np.ndarray = scale
        ) -> tuple[float, Float64[np.ndarray, " entry"]]:
            entries = flat.reshape(scale.shape[0], -1) * scale
            logits = z @ entries[1:] + entries[0]
            top = logits.max(axis=1, keepdims=True)
            logits -= top
            q = np.exp(logits)
            size = q.sum(axis=1, keepdims=True)
            # The targets enter by these sums alone, made once for all steps.
            linear = float((cross * entries[1:]).sum() + total @ entries[0])
            value = float(share @ (np.log(size) + top)[:, 0]) - linear + 0.5 * float(own @ (entries[1:] ** 2).sum(axis=1))
            q *= share[:, None] / size
            gradient = np.concatenate([(q.sum(axis=0) - total)[None], z.T @ q - cross + own[:, None] * entries[1:]])
            return value, (gradient * scale).ravel()

        start = (affine / scale).ravel()
        done = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS, "maxcor": 20, "ftol": 1e-10})
        affine = done.x.reshape(affine.shape) * scale
        found.append(Fitted(affine))
    return found
