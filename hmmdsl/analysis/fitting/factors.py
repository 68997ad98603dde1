"""Sufficient statistics for every least-squares fit there will be: one triangular factor for each fold.

The rows `sqrt(w) [1, x, y]` of a fold have a QR factorization whose R alone tells the fit, its residuals and its rank. R factors
of folds, stacked and factored again, are the R factor of their union (the tall-skinny QR of Demmel et al. 2012), and leaving
columns out of a factor is leaving features out. So features are read once, however many points, folds and targets there are; and
other than the Gram matrix, R keeps the full precision of float64.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.linalg
from scipy.linalg.lapack import dtpqrt

if TYPE_CHECKING:
    from jaxtyping import Float, Float64, Int64

ROWS = 1024
"""Histories factored at a time: a chunk of a few hundred columns stays in the processor's cache."""

PANEL = 32
"""Columns in one panel of LAPACK's blocked factorization."""


@dataclass(frozen=True)
class Factor:
    """R of the weighted rows `[1, x, y]`: upper triangular, columns in that order, `features` of x and the rest of y."""

    R: Float64[np.ndarray, "column column"]
    features: int

    @property
    def targets(self) -> int:
        return int(self.R.shape[1]) - 1 - self.features

    def select(self, features: Int64[np.ndarray, " feature"], targets: slice = slice(None)) -> Factor:
        """The factor of the same rows with only these features and targets."""
        kept = np.arange(1 + self.features, self.R.shape[1])[targets]
        columns = np.concatenate([[0], 1 + features, kept])
        if len(columns) == self.R.shape[1] and (np.diff(columns) == 1).all():
            return self
        return Factor(triangle(self.R[:, columns]), len(features))


def triangle(rows: Float64[np.ndarray, "row column"]) -> Float64[np.ndarray, "column column"]:
    """The square R factor of any rows; it ends in rows of zeros where there are fewer rows than columns."""
    R: Float64[np.ndarray, "row column"] = np.linalg.qr(rows, mode="r")  # type: ignore[assignment]
    missing = R.shape[1] - R.shape[0]
    return np.vstack([R, np.zeros((missing, R.shape[1]))]) if missing > 0 else R


def singular(
    matrix: Float64[np.ndarray, "row column"], full: bool = True
) -> tuple[Float64[np.ndarray, "row row"], Float64[np.ndarray, " value"], Float64[np.ndarray, "column column"]]:
    """The singular value decomposition U, values, V^T. Divide and conquer is fast and, where most of a triangle is rounding, may
    not converge; QR iteration does."""
    try:
        U, values, Vt = np.linalg.svd(matrix, full_matrices=full)
    except np.linalg.LinAlgError:
        U, values, Vt = scipy.linalg.svd(matrix, full_matrices=full, lapack_driver="gesvd")
    return U, values, Vt


def union(factors: Sequence[Factor]) -> Factor:
    """The factor of all rows of several."""
    R = factors[0].R
    for factor in factors[1:]:
        # Two triangles, one upon the other: LAPACK spares the zeros of both.
        A, B = np.array(R, order="F"), np.array(factor.R, order="F")
        R = np.triu(dtpqrt(len(B), min(PANEL, len(B)), A, B, overwrite_a=True, overwrite_b=True)[0])
    return Factor(R, factors[0].features)


def leave_one_out(factors: Sequence[Factor]) -> Iterator[Factor]:
    """For each factor the union of all others. What stands before it and what stands after it are each a running union, so that n
    folds take 3 n factorizations and not n^2."""
    after = [factors[-1]]
    for factor in reversed(factors[1:-1]):
        after.append(union([factor, after[-1]]))
    before: Factor | None = None
    for factor in factors:
        rest = after.pop() if after else None
        both = [one for one in (before, rest) if one is not None]
        yield union(both)
        before = factor if before is None else union([before, factor])


def fold_factors(
    features: Sequence[Float[np.ndarray, "history width"]],
    targets: Float64[np.ndarray, "history target"],
    weights: Float64[np.ndarray, " history"],
    fold: Int64[np.ndarray, " history"],
) -> list[Factor]:
    """One factor for each fold, of the features of all points side by side."""
    return [_factor(features, targets, weights, np.flatnonzero(fold == k)) for k in range(int(fold.max()) + 1)]


def _factor(
    features: Sequence[Float[np.ndarray, "history width"]],
    targets: Float64[np.ndarray, "history target"],
    weights: Float64[np.ndarray, " history"],
    rows: Int64[np.ndarray, " row"],
) -> Factor:
    widths = [block.shape[1] for block in features]
    ends = np.cumsum([1, *widths, targets.shape[1]])
    R = np.zeros((ends[-1], ends[-1]), order="F")
    for start in range(0, len(rows), ROWS):
        chosen = rows[start : start + ROWS]
        chunk = np.empty((len(chosen), ends[-1]), order="F")
        chunk[:, 0] = 1.0
        for block, a, b in zip([*features, targets], ends, ends[1:], strict=False):
            chunk[:, a:b] = block[chosen]
        chunk *= np.sqrt(weights[chosen])[:, None]
        R, _, _, _ = dtpqrt(0, min(PANEL, int(ends[-1])), R, chunk, overwrite_a=True, overwrite_b=True)
    return Factor(np.triu(R), int(sum(widths)))
