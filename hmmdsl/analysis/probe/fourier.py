"""A nonlinear probe that is still least squares: random Fourier features of the activations (Rahimi & Recht 2007)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.analysis.probe.ridge import CONSTANT

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float32, Float64


def with_fourier_features(
    x: Float[np.ndarray, "history width"],
    weights: Float64[np.ndarray, " history"],
    count: int,
    random: np.random.Generator,
    rows: Bool[np.ndarray, " history"] | slice = slice(None),
) -> Float32[np.ndarray, "history width_and_count"]:
    """The features x, and beside them cos(z w + b), with z the standardized x, w normal with variance 1 / width, b uniform.

    Their products approximate the Gaussian kernel exp(-|z - z'|^2 / (2 width)), whose scale is that of typical distances: ridge
    regression on them is kernel ridge regression, and what is linear in x stays so. Only the histories `rows` standardize: the
    others are to be predicted, and nothing of them may be known.
    """
    x = np.asarray(x, dtype=np.float64)
    share, known = weights[rows] / weights[rows].sum(), x[rows]
    mean = share @ known
    sd = np.sqrt(np.maximum(share @ (known - mean) ** 2, 0.0))
    varies = sd > CONSTANT * np.sqrt(share @ known**2)
    z = (x - mean) * np.where(varies, 1 / np.where(varies, sd, 1.0), 0.0)
    directions = random.standard_normal((x.shape[1], count)) / np.sqrt(x.shape[1])
    waves = np.cos(z @ directions + random.uniform(0, 2 * np.pi, count))
    return np.concatenate([x, waves], axis=1).astype(np.float32)
