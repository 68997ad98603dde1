"""How many numbers a process remembers: its canonical dimension, the rank of its Hankel matrix.

The Hankel matrix has a row for each past w, a column for each future v, and Pr(wv) in it. No presentation has fewer states than
its rank, even with negative entries, and redundant states don't change it (Ito, Amari & Kobayashi 1992; Jaeger 2000). It is the
rank of the pasts' vectors eta T_w against the futures' vectors T_v r, r = 1 but for a
generalized HMM.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm, prod
from typing import TYPE_CHECKING

from hmmdsl.process.algebra.entries import add, right_of
from hmmdsl.process.algebra.failure import TooLargeError
from hmmdsl.process.algebra.product import in_full
from hmmdsl.process.algebra.spans import Number, Rows, WorkError, closure, image, rank_between
from hmmdsl.process.once import once
from hmmdsl.process.process import Process, Scalar, each_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from jaxtyping import Float64

PRIMES = (2**61 - 1, 2**89 - 1)
"""A rank modulo a prime is a lower bound; it is the rank unless the prime divides certain minors."""

MODULAR_WORK = 4_000_000
"""Most products modulo a prime that one space may take (about two seconds)."""

EXACT_WORK = 400_000
"""Most products of fractions that one space may take (about as long)."""

LARGEST_NUMERICAL = 400
"""Most states for which the rank is found by singular values (some seconds)."""

SMALLEST_SINGULAR = 1e-9
"""Singular values below this share of the largest count as zero, where there are floats."""


@dataclass(frozen=True)
class CanonicalDimension:
    """The Hankel rank. `proven`: over the rationals. If not, modulo large primes (a lower bound, and wrong only if they all
    divide a minor), or by singular values where the process has floats. `rank` is None where even that is too much work."""

    rank: int | None
    proven: bool


@dataclass(frozen=True)
class Predictive:
    """A process seen by its futures alone: vectors are equal if and only if they predict the same future.

    A past's vector has one coordinate for each of a few of the process' states, `pivots`; they sum to the past's probability.
    Every state's future is an affine combination of theirs, so entries of `operators` may be negative; they are given times one
    common factor. `merged` is false where the space of futures was too large to find: then all states are pivots, and different
    vectors may predict the same.
    """

    pivots: tuple[int, ...]
    operators: tuple[Rows, ...]
    start: dict[int, Number]
    merged: bool


def canonical_dimension(process: Process) -> CanonicalDimension:
    """The rank of the Hankel matrix of the process from its start.

    Of independent stationary factors it is the product of theirs: shorter words are sums of longer ones, eta = eta sum_x T[x] and
    r = sum_x T[x] r, so pasts (and futures) of one great length span all of each factor's, and in pairs the tensor product.
    """
    if process.factored:
        return _rank_of_factors(process)
    if not process.exact:
        return CanonicalDimension(_numerical_rank(process) if len(process.states) <= LARGEST_NUMERICAL else None, False)
    forward, backward, start = _by_rows(process), _by_columns(process), _start(process)
    right = _integers(right_of(process))
    rank: int | None = None
    try:
        for prime in PRIMES:
            pasts, futures = closure(start, forward, prime, MODULAR_WORK), closure(right, backward, prime, MODULAR_WORK)
            rank = max(rank or 0, rank_between(pasts, futures, MODULAR_WORK))
            if rank == len(process.states):
                return CanonicalDimension(rank, True)
        pasts, futures = closure(start, forward, None, EXACT_WORK), closure(right, backward, None, EXACT_WORK)
        return CanonicalDimension(rank_between(pasts, futures, EXACT_WORK), True)
    except WorkError:
        return CanonicalDimension(rank, False)


def _rank_of_factors(process: Process) -> CanonicalDimension:
    if not all(factor.start_kind == "stationary" for factor in process.factors):
        # Pasts of one length may leave the factors in a few joint states only.
        try:
            return canonical_dimension(in_full(process))
        except TooLargeError:
            return CanonicalDimension(None, False)
    found = each_once(process.factors, canonical_dimension)
    ranks = [each.rank for each in found if each.rank is not None]
    return CanonicalDimension(prod(ranks) if len(ranks) == len(found) else None, all(each.proven for each in found))


def _with_right_of_ones(process: Process) -> Process:
    """A generalized HMM in other coordinates, T' = P^-1 T P and eta' = eta P with P 1 = r: the coordinates of a past then sum to
    its probability as those of an ordinary HMM do. P is the identity but for the column of a dimension p whose r is not zero."""
    right = right_of(process)
    p = next(i for i, value in enumerate(right) if value)
    column = [value if i == p else value - 1 for i, value in enumerate(right)]
    operators: list[dict[tuple[int, int], Scalar]] = []
    for entries in process.operators:
        moved: dict[tuple[int, int], Scalar] = {}
        for (i, j), value in entries.items():  # T P
            if j != p:
                add(moved, (i, j), value)
            add(moved, (i, p), value * column[j])
        turned: dict[tuple[int, int], Scalar] = {}
        for (i, j), value in moved.items():  # P^-1 (T P)
            if i != p:
                add(turned, (i, j), value)
                continue
            for k, share in enumerate(column):
                add(turned, (k, j), (value if k == p else -value * share) / right[p])
        operators.append({place: value for place, value in turned.items() if value})
    start = list(process.start)
    start[p] = sum((value * share for value, share in zip(process.start, column, strict=True)), Fraction(0))
    ones = (Fraction(1),) * len(right)
    return replace(process, operators=tuple(operators), start=tuple(start), right=ones, parts=None)


@once
def predictive(process: Process) -> Predictive:
    """The process in coordinates of its futures. The process is exact; the pivots of a generalized HMM are those of the same
    process with a right eigenvector of ones.

    If R_1, R_2, … is the reduced echelon basis of the span of all T_v 1, the coordinates of a past are eta T_w R_i: one for each
    pivot state, since a future's own coordinates are its values there.
    """
    if process.generalized:
        process = _with_right_of_ones(process)
    backward, start = _by_columns(process), _start(process)
    right = _integers(right_of(process))
    try:
        futures = closure(right, backward, PRIMES[0], MODULAR_WORK)
        if len(futures) == len(process.states):
            return Predictive(tuple(range(len(process.states))), tuple(_by_rows(process)), start, True)
        futures = closure(right, backward, None, EXACT_WORK)
    except WorkError:
        return Predictive(tuple(range(len(process.states))), tuple(_by_rows(process)), start, False)
    place = {pivot: k for k, pivot in enumerate(sorted(futures.basis))}
    operators: list[Rows] = []
    for matrix in backward:
        rows: dict[int, list[tuple[int, Number]]] = {}
        for pivot in place:
            for k, value in image(futures.basis[pivot], matrix).items():
                if k in place and value:
                    rows.setdefault(place[k], []).append((place[pivot], value))
        operators.append(rows)
    coordinates = {
        place[pivot]: sum(value * start[i] for i, value in future.items() if i in start)
        for pivot, future in futures.basis.items()
    }
    return Predictive(
        tuple(sorted(place)), tuple(operators), {k: value for k, value in sorted(coordinates.items()) if value}, True
    )


def _scale(process: Process) -> int:
    return lcm(*{value.denominator for entries in process.operators for value in map(_exactly, entries.values())})


def _exactly(value: Scalar) -> Fraction:
    """The number of an exact process, which is a fraction already."""
    return value if isinstance(value, Fraction) else Fraction(value)


def _by_rows(process: Process) -> list[Rows]:
    """The rows of each T[x], times one common denominator: no space of pasts changes by it, nor any normalized belief."""
    return _rows(process, transposed=False)


def _by_columns(process: Process) -> list[Rows]:
    """The columns of each T[x], times the same."""
    return _rows(process, transposed=True)


def _rows(process: Process, transposed: bool) -> list[Rows]:
    scale = _scale(process)
    matrices: list[Rows] = []
    for entries in process.operators:
        rows: dict[int, list[tuple[int, Number]]] = {}
        for (i, j), value in sorted(entries.items()):
            a, b = (j, i) if transposed else (i, j)
            share = _exactly(value)
            rows.setdefault(a, []).append((b, share.numerator * (scale // share.denominator)))
        matrices.append(rows)
    return matrices


def _start(process: Process) -> dict[int, Number]:
    """The start in integers."""
    return _integers(process.start)


def _integers(vector: Sequence[Scalar]) -> dict[int, Number]:
    """The non-zero entries of a rational vector, times their common denominator."""
    scale = lcm(*(Fraction(value).denominator for value in vector))
    return {i: int(value * scale) for i, value in enumerate(vector) if value}


def _numerical_rank(process: Process) -> int:
    """The rank in float64: orthonormal bases of the pasts and of the futures, then the singular values between them."""
    import numpy as np

    pasts = orthonormal(process.eta, process.T)
    futures = orthonormal(process.r, process.T.transpose(0, 2, 1))
    size = np.linalg.svd(pasts @ futures.T, compute_uv=False)
    return int((size > SMALLEST_SINGULAR * size[0]).sum())


def orthonormal(
    first: Float64[np.ndarray, " state"], matrices: Float64[np.ndarray, "token state state"]
) -> Float64[np.ndarray, "dimension state"]:
    """An orthonormal basis of the smallest space that has the row vector and that the matrices map into itself, vector by vector
    (Gram & Schmidt, twice)."""
    import numpy as np

    size = len(first)
    basis = np.zeros((size, size))
    count = 0
    waiting = [first]
    while waiting and count < size:
        vector = waiting.pop(0)
        length = float(np.linalg.norm(vector))
        for _ in range(2):
            vector = vector - (basis[:count] @ vector) @ basis[:count]
        left = float(np.linalg.norm(vector))
        if left > SMALLEST_SINGULAR * length:
            basis[count] = vector / left
            waiting += [basis[count] @ matrix for matrix in matrices]
            count += 1
    return basis[:count]
