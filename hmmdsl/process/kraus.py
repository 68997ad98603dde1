"""Quantum processes as generalized HMMs: Kraus operators in a real basis of Hermitian matrices.

Token x acts on a density matrix by rho -> sum_k K_k rho K_k†. Hermitian matrices are a real space of d² dimensions. For d a power
of two the basis is the products of Pauli matrices P, the identity first, with coordinates c_P = Tr(P rho): orthogonal and of one
length, and rational entries stay rational; a qubit's coordinates are (1, x, y, z), its Bloch vector. For other d the basis is
orthonormal: E_jj, (E_jk + E_kj) / √2 and i (E_kj - E_jk) / √2, in float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import isqrt, sqrt

from hmmdsl.process.process import Scalar

Number = tuple[Scalar, Scalar]
"""A complex number by its real and imaginary part."""

Matrix = tuple[tuple[Number, ...], ...]
"""A complex matrix, row by row."""

Sparse = dict[tuple[int, int], Number]
"""The non-zero entries of a matrix."""

LARGEST = 8
"""Most rows of a Kraus operator: 64 dimensions of Hermitian matrices."""

_ZERO, _ONE = Fraction(0), Fraction(1)

_PAULI: dict[str, Sparse] = {
    "I": {(0, 0): (_ONE, _ZERO), (1, 1): (_ONE, _ZERO)},
    "X": {(0, 1): (_ONE, _ZERO), (1, 0): (_ONE, _ZERO)},
    "Y": {(0, 1): (_ZERO, -_ONE), (1, 0): (_ZERO, _ONE)},
    "Z": {(0, 0): (_ONE, _ZERO), (1, 1): (-_ONE, _ZERO)},
}


@dataclass(frozen=True)
class HermitianBasis:
    """`matrices` by `names`; a matrix is sum_k c_k B_k / `length`, with c_k = Tr(B_k rho)."""

    names: tuple[str, ...]
    matrices: tuple[Sparse, ...]
    length: int

    @property
    def size(self) -> int:
        """d, the number of rows of the matrices."""
        return isqrt(len(self.matrices))

    @staticmethod
    def of(d: int) -> HermitianBasis:
        """The basis for d x d matrices."""
        qubits = d.bit_length() - 1
        if d == 1 << qubits:
            names = tuple("".join(letters) for letters in product("IXYZ", repeat=qubits)) if qubits else ("I",)
            return HermitianBasis(names, tuple(_pauli(name) if qubits else {(0, 0): (_ONE, _ZERO)} for name in names), d)
        half = 1 / sqrt(2)
        matrices: list[Sparse] = [{(j, j): (_ONE, _ZERO)} for j in range(d)]
        for j in range(d):
            for k in range(j + 1, d):
                matrices.append({(j, k): (half, 0.0), (k, j): (half, 0.0)})
                matrices.append({(j, k): (0.0, -half), (k, j): (0.0, half)})
        return HermitianBasis(tuple(f"b[{k}]" for k in range(d * d)), tuple(matrices), 1)

    def coordinates(self, matrix: Matrix) -> tuple[Scalar, ...]:
        """Tr(B_k matrix) for each k, of a Hermitian matrix."""
        return tuple(_trace(basis, matrix) for basis in self.matrices)

    @property
    def trace(self) -> tuple[Scalar, ...]:
        """The vector r with Tr(rho) = c r."""
        d = self.size
        identity = tuple(tuple((_ONE if i == j else _ZERO, _ZERO) for j in range(d)) for i in range(d))
        return tuple(value / self.length for value in self.coordinates(identity))


def _pauli(name: str) -> Sparse:
    """The Kronecker product of the Pauli matrices of these letters."""
    whole: Sparse = {(0, 0): (_ONE, _ZERO)}
    for letter in name:
        whole = {(2 * i + k, 2 * j + m): _times(a, b) for (i, j), a in whole.items() for (k, m), b in _PAULI[letter].items()}
    return whole


def _times(a: Number, b: Number) -> Number:
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def _trace(basis: Sparse, matrix: Matrix) -> Scalar:
    """The real part of Tr(B M)."""
    total: Scalar = _ZERO
    for (i, j), value in basis.items():
        total = total + _times(value, matrix[j][i])[0]
    return total


def _conjugated(K: Matrix, basis: Sparse) -> Matrix:
    """K B K†."""
    d = len(K)
    left: list[list[Number]] = [[(_ZERO, _ZERO)] * d for _ in range(d)]
    for (i, j), value in basis.items():
        for a in range(d):
            left[a][j] = _plus(left[a][j], _times(K[a][i], value))
    whole: list[list[Number]] = [[(_ZERO, _ZERO)] * d for _ in range(d)]
    for a, row in enumerate(left):
        for j, value in enumerate(row):
            if value != (0, 0):
                for b in range(d):
                    whole[a][b] = _plus(whole[a][b], _times(value, (K[b][j][0], -K[b][j][1])))
    return tuple(map(tuple, whole))


def _plus(a: Number, b: Number) -> Number:
    return a[0] + b[0], a[1] + b[1]


def operator_of(kraus: Sequence[Matrix], basis: HermitianBasis) -> dict[tuple[int, int], Scalar]:
    """The entries of T[x], acting on rows of coordinates from the right: T[k, m] = Tr(B_m sum K B_k K†) / length."""
    entries: dict[tuple[int, int], Scalar] = {}
    for K in kraus:
        for k, matrix in enumerate(basis.matrices):
            for m, value in enumerate(basis.coordinates(_conjugated(K, matrix))):
                if value:
                    entries[k, m] = entries.get((k, m), _ZERO) + value / basis.length
    return {place: value for place, value in entries.items() if value}


def excess(kraus: Sequence[Matrix]) -> Scalar:
    """How far sum K† K is from the identity: the largest real or imaginary part of the difference. Zero if the trace is
    preserved."""
    d = len(kraus[0])
    worst: Scalar = _ZERO
    for i in range(d):
        for j in range(d):
            total: Number = (-_ONE if i == j else _ZERO, _ZERO)
            for K in kraus:
                for a in range(d):
                    total = _plus(total, _times((K[a][i][0], -K[a][i][1]), K[a][j]))
            for part in total:
                size = -part if part < 0 else part
                worst = max(worst, size)
    return worst
