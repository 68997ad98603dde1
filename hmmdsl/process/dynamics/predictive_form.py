"""A process in coordinates of its futures: two pasts have the same coordinates if and only if they predict the same.

If the columns of B span all T_v r, then T[x] B = B M[x], and the coordinates b B of a belief move by M[x] as the belief does by
T[x] (Jaeger 2000). They are what causal states are told apart by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.algebra.canonical import orthonormal, predictive
from hmmdsl.process.once import once
from hmmdsl.process.process import Process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jaxtyping import Float64

    from hmmdsl.process.algebra.spans import Number, Rows

Integers = tuple[tuple[int, ...], ...]
"""A square matrix of integers, by rows."""

LARGEST_EXACT = 30
"""States of the largest process whose operators are found in integers."""

EQUAL = 1e-10
"""A direction with a smaller share of the largest counts as none."""


@dataclass(frozen=True)
class PredictiveForm:
    """`T`, `start` and `right` as those of a process, in d coordinates of the futures. `exact` are the operators in integers,
    times one common factor; None where the process has floats or is large."""

    T: Float64[np.ndarray, "token d d"]
    start: Float64[np.ndarray, " d"]
    right: Float64[np.ndarray, " d"]
    exact: tuple[Integers, ...] | None

    @property
    def dimensions(self) -> int:
        """d, how many numbers of a belief bear on the future."""
        return len(self.start)

    def occurring(self) -> tuple[int, ...]:
        """The tokens that can come at all."""
        return tuple(x for x, M in enumerate(self.T) if float(self.start @ M @ self.right) > 1e-12)


@once
def predictive_form(process: Process) -> PredictiveForm:
    """The process in coordinates of its futures: in integers where it is exact and small, else by singular values."""
    if process.exact and len(process.states) <= LARGEST_EXACT:
        found = predictive(process)
        if found.merged:
            return _from_integers(found.operators, found.start, len(found.pivots))
    basis = future_basis(process)
    T, start, right = np.array([basis.T @ T @ basis for T in process.T]), process.eta @ basis, basis.T @ process.r
    pasts = orthonormal(start, T)
    if len(pasts) < len(start):
        # Rounding errors in a direction that no past has may grow without an end.
        T, start, right = np.array([pasts @ M @ pasts.T for M in T]), pasts @ start, pasts @ right
    return PredictiveForm(T, start, right, exact=None)


def _from_integers(operators: tuple[Rows, ...], start: Mapping[int, Number], d: int) -> PredictiveForm:
    matrices = np.zeros((len(operators), d, d), dtype=object)
    for x, rows in enumerate(operators):
        for i, entries in rows.items():
            for j, value in entries:
                matrices[x, i, j] += int(value)
    # All rows of the sum have one sum, the common factor.
    scale = sum(matrices.sum(axis=0)[0])
    first = np.zeros(d)
    total = sum(start.values())
    for i, value in start.items():
        first[i] = value / total
    floats = np.array([[[value / scale for value in row] for row in matrix] for matrix in matrices], dtype=np.float64)
    exact = tuple(tuple(tuple(int(value) for value in row) for row in matrix) for matrix in matrices)
    return PredictiveForm(floats, first, np.ones(d), exact)


def future_basis(process: Process) -> Float64[np.ndarray, "state d"]:
    """An orthonormal basis of the span of all T_v r, by singular values."""
    basis = process.r[:, None] / np.linalg.norm(process.r)
    while True:
        candidates = np.concatenate([basis, *(T @ basis for T in process.T)], axis=1)
        vectors, size, _ = np.linalg.svd(candidates, full_matrices=False)
        grown = vectors[:, size > EQUAL * size[0]]
        if grown.shape[1] == basis.shape[1]:
            return np.asarray(grown)
        basis = grown
