"""What a generalized HMM can still tell of its past, where it has no hidden states that could be told: bounds on

    I[past; X_D:inf | X_0:D] = sum over words w of D tokens, Pr(w) I[past; future | w].

Of any process. Given w, Pr(u, v) for a past u and a future v is a matrix of rank d at most, for d dimensions. Divided by the root
of Pr(u) Pr(v) it has no singular value above one, so by Jensen's inequality

    I[past; future | w]  <=  log sum_{u, v} Pr(u, v)^2 / (Pr(u) Pr(v))  =  log of the sum of squared singular values  <=  log d.

Of a quantum memory, whose beliefs are density matrices and whose futures are what measurements of them give, what a measurement
tells of how the matrix was prepared is bounded by the von Neumann entropy of the mean (Holevo 1973), and the mean over pasts is
the belief after w from the stationary start:

    I[past; future | w]  <=  S(rho_w)  <=  log of the number of levels.

The same bound says what is lost where beliefs of almost one matrix are merged into their mean. The tokens after tell no more of
which it was than chi = S(mean) - mean S, so with h'_n the entropies over merged beliefs, n tokens have together

    sum h'_n - sum of all chi so far  <=  sum h_n  <=  sum h'_n,

and words of a hundred tokens can be followed, after which beliefs are pure and little is left to be told.

Whether a process is one is seen from its operators: they are completely positive in a basis of Hermitian matrices (Choi 1975), or
map the qubit's ball, or its disk, into itself, which is the same as T J T^t - c J >= 0 for a c >= 0, J = diag(1, -1, -1, ...)
(Loewy & Schneider 1975).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt, log
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.ensemble import Ensemble, entropy_nats, from_start, merging
from hmmdsl.process.kraus import LARGEST, HermitianBasis
from hmmdsl.process.process import Process

if TYPE_CHECKING:
    from jaxtyping import Complex128, Float64

MERGED_BELIEFS = 5_000
"""Beliefs of one depth that are kept apart."""

MERGED_DEPTH = 150
"""Tokens that they are followed for."""

MERGED_WORK = 200_000_000
"""Beliefs times tokens read times tokens times the cube of the dimensions, at most: large memories keep fewer beliefs apart."""

FEWEST_BELIEFS = 100
"""So few that they prove nothing of use."""

POSITIVE = 1e-9
"""Eigenvalues above the negative of this are rounding errors of zero."""

HALVINGS = 60
"""Of the interval in which c is looked for: until it is known to rounding."""

Remainder = Callable[[Ensemble], float]
"""An upper bound on what the past still tells of the future, in nats, given the words that led to the ensemble's beliefs."""


def most_still_told(process: Process) -> Remainder:
    """The best of these bounds, for a generalized HMM from its stationary start."""
    largest = log(len(process.states))
    spectrum = density_spectrum(process)
    if spectrum is None:
        return lambda _: largest
    return lambda ensemble: float(ensemble.weight @ entropy_nats(spectrum(ensemble.belief)))


@dataclass(frozen=True)
class MergedBounds:
    """Proven bounds, in nats: of the entropy rate, and of the excess entropy."""

    rate: tuple[float, float]
    excess: tuple[float, float]


def merged_bounds(process: Process, beliefs: int = MERGED_BELIEFS, depth: int = MERGED_DEPTH) -> MergedBounds | None:
    """Bounds from merged beliefs, of a process with a quantum memory in its stationary start; None for any other, and for one of
    too many dimensions."""
    spectrum = density_spectrum(process) if process.start_kind == "stationary" else None
    beliefs = min(beliefs, MERGED_WORK // (depth * len(process.tokens) * len(process.states) ** 3))
    if spectrum is None or beliefs < FEWEST_BELIEFS:
        return None

    def entropy(belief: Float64[np.ndarray, "belief state"], weight: Float64[np.ndarray, " belief"]) -> float:
        return float(weight @ entropy_nats(spectrum(belief)))

    start = from_start(process)
    h, rest, chi = [start.entropy_nats()], [entropy(start.belief, start.weight)], [0.0]
    for merged in merging(process, start, beliefs, depth):
        h.append(merged.ensemble.entropy_nats())
        rest.append(entropy(merged.ensemble.belief, merged.ensemble.weight))
        chi.append(max(0.0, rest[-1] - entropy(merged.apart, merged.weight)))
    # Of no, one, two, ... tokens: most and least block entropy, and what the past still tells after them.
    most, n = np.concatenate([[0.0], np.cumsum(h)]), np.arange(len(h) + 1)
    least, still = most - np.concatenate([[0.0], np.cumsum(chi)]), np.array(rest)
    further = n[None, :] - n[:-1, None]
    rates = (least[None, :] - most[:-1, None] - still[:, None]) / np.where(further > 0, further, 1)
    high, low = min(h), max(0.0, float(rates[further > 0].max()))
    excess = max(0.0, float((least - n * high).max())), float((most[:-1] - n[:-1] * low + still).min())
    return MergedBounds((low, high), excess)


def density_spectrum(
    process: Process,
) -> Callable[[Float64[np.ndarray, "belief state"]], Float64[np.ndarray, "belief level"]] | None:
    """The eigenvalues of the density matrices that the beliefs stand for, if the process has a quantum memory; else None."""
    dimensions = len(process.states)
    if dimensions in (3, 4) and _is(process.r, np.eye(dimensions)[0]) and all(map(_keeps_the_ball, process.T)):
        return _of_qubits
    levels = isqrt(dimensions)
    if levels * levels != dimensions or not 2 < levels <= LARGEST:
        return None
    basis = HermitianBasis.of(levels)
    matrices = _dense(basis)
    trace = np.array([float(value) for value in basis.trace])
    if not _is(process.r, trace) or not all(_completely_positive(T, matrices) for T in process.T):
        return None
    return lambda belief: _probabilities(np.linalg.eigvalsh(np.einsum("wk,kab->wab", belief, matrices) / basis.length))


def _is(found: Float64[np.ndarray, " state"], expected: Float64[np.ndarray, " state"]) -> bool:
    return bool(np.abs(found - expected).max() < POSITIVE)


def _of_qubits(belief: Float64[np.ndarray, "belief state"]) -> Float64[np.ndarray, "belief level"]:
    """(1 ± |b|) / 2 for the Bloch vector b."""
    length = np.linalg.norm(belief[:, 1:], axis=1)
    return _probabilities(np.stack([1 - length, 1 + length], axis=1) / 2)


def _probabilities(eigenvalues: Float64[np.ndarray, "belief level"]) -> Float64[np.ndarray, "belief level"]:
    """Without the rounding errors below zero."""
    kept = np.maximum(eigenvalues, 0.0)
    return np.asarray(kept / kept.sum(axis=1, keepdims=True))


def _keeps_the_ball(T: Float64[np.ndarray, "state state"]) -> bool:
    """Whether an operator maps rows (1, b), |b| <= 1, to multiples of such rows, none of them negative."""
    effect = T[:, 0]
    if effect[0] < np.linalg.norm(effect[1:]) - POSITIVE:
        return False
    J = np.diag([1.0, *(-1.0,) * (len(T) - 1)])
    image = T @ J @ T.T
    # The least eigenvalue is concave in c, and the first diagonal entry asks for c <= image[0, 0].
    low, high = 0.0, max(0.0, float(image[0, 0]))
    for _ in range(2 * HALVINGS):
        third = (high - low) / 3
        if _least(image - (low + third) * J) < _least(image - (high - third) * J):
            low += third
        else:
            high -= third
    return _least(image - (low + high) / 2 * J) > -POSITIVE


def _least(symmetric: Float64[np.ndarray, "state state"]) -> float:
    return float(np.linalg.eigvalsh(symmetric)[0])


def _dense(basis: HermitianBasis) -> Complex128[np.ndarray, "state level level"]:
    matrices = np.zeros((len(basis.matrices), basis.size, basis.size), dtype=np.complex128)
    for k, sparse in enumerate(basis.matrices):
        for place, (real, imaginary) in sparse.items():
            matrices[(k, *place)] = complex(float(real), float(imaginary))
    return matrices


def _completely_positive(T: Float64[np.ndarray, "state state"], matrices: Complex128[np.ndarray, "state level level"]) -> bool:
    """Whether Choi's matrix, with the image of |i><j| in its block i, j, has no negative eigenvalue."""
    d = matrices.shape[1]
    images = np.einsum("kji,km,mab->iajb", matrices, T, matrices, optimize=True).reshape(d * d, d * d)
    return bool(np.linalg.eigvalsh(images)[0] > -POSITIVE * max(1.0, float(np.abs(images).max())))
