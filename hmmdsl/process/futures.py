"""Distributions of the next k tokens: one column for each word of k tokens, linear in the belief.

Pr(x1 … xk | history) = eta_w T[x1] … T[xk] r. The vectors T[x1] … T[xk] r of all words of one length come from those of the
length below by one product for each token, so a shared ending is multiplied once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64

    from hmmdsl.process.process import Process

SMALLEST = 1e-14
"""Directions whose singular value is below this share of the largest are rounding."""


def word_vectors(process: Process, k: int) -> Float64[np.ndarray, "state word"]:
    """T[x1] … T[xk] r for every word of k tokens, in the order of the vocabulary, the last token fastest: `belief @ vectors` is
    the joint distribution of the next k tokens. There are V^k columns."""
    vectors = process.r[:, None]
    for _ in range(k):
        vectors = np.concatenate([T @ vectors for T in process.T], axis=1)
    return vectors


@dataclass(frozen=True)
class FutureSpace:
    """The distributions of the next k tokens in as few coordinates as they need.

    The distribution after a history is `belief @ coordinates @ words`. The rows of `words` are orthonormal, so distances, squared
    errors and variances in these coordinates are those between the distributions themselves.
    """

    coordinates: Float64[np.ndarray, "state coordinate"]
    words: Float64[np.ndarray, "coordinate word"]


def future_space(process: Process, k: int) -> FutureSpace:
    """The space of `future(k)`; it has as many coordinates as the rank of its V^k columns."""
    Q, R = np.linalg.qr(word_vectors(process, k).T)
    U, size, Vt = np.linalg.svd(R.T, full_matrices=False)
    kept = size > SMALLEST * size[0]
    return FutureSpace(U[:, kept] * size[kept], Vt[kept] @ Q.T)
