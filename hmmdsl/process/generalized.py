"""Generalized HMMs: the eigenvectors that normalize them, and whether every word has a probability.

T_w = T[x1] … T[xn] may have entries of any sign. With l T = l, T r = r and l r = 1 for T = sum_x T[x], Pr(w) = eta T_w r; the
numbers that come out sum to Pr(w) over the tokens after w, so they are probabilities if and only if none is negative. Whether
that holds for all words is undecidable in general (Thon & Jaeger 2015), so words are checked to a length.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from hmmdsl.process.allowance import spend_theory
from hmmdsl.process.process import Process, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from jaxtyping import Complex128, Float64, Int64

LARGEST_EXACT = 24
"""Rational operators of at most so many dimensions have their eigenvectors as fractions."""

TOLERANCE = 1e-9
"""How far the spectral radius may be from 1, and how near to 1 another eigenvalue makes it a multiple one."""

SMALLEST_WORD = 1e-12
"""Words less probable than this are dropped: negative entries leave rounding errors where a probability is zero."""

CHECKED_LENGTH = 8
"""Words of so many tokens are checked for whatever process; a training run's to its context."""

LARGEST_WORK = 200_000_000
"""Most multiplications that counting or checking words may take (about a second)."""

LARGEST_WORDS = 400_000
"""Most words that counting or checking looks at."""


class SpectralRadiusError(ValueError):
    """The spectral radius of T is not 1; `radius` is what it is."""

    def __init__(self, radius: float) -> None:
        super().__init__(f"the spectral radius of the operators' sum is {radius:.12g}, not 1")
        self.radius = radius


class EigenvectorError(ValueError):
    """The eigenvalue 1 of T is missing, or not simple."""


@dataclass(frozen=True)
class Eigenvectors:
    """l and r with l T = l, T r = r, l r = 1; the entry of r that is largest in size is 1."""

    left: tuple[Scalar, ...]
    right: tuple[Scalar, ...]


def eigenvectors(transitions: Mapping[tuple[int, int], Scalar], states: int) -> Eigenvectors:
    """The eigenvectors of T's eigenvalue 1, which must be simple and the largest: fractions where T is rational and small.

    Raises SpectralRadiusError and EigenvectorError.
    """
    import numpy as np

    T = np.zeros((states, states))
    for (i, j), value in transitions.items():
        T[i, j] = float(value)
    spectrum = np.linalg.eigvals(T)
    radius = float(np.abs(spectrum).max())
    # An eigenvalue of multiplicity m is only known to about the m-th root of the rounding error.
    if abs(radius - 1) > TOLERANCE and not (abs(radius - 1) < 1e-4 and int((np.abs(spectrum - 1) < 1e-3).sum()) > 1):
        raise SpectralRadiusError(radius)
    here = int((np.abs(spectrum - 1) < TOLERANCE).sum())
    if here != 1:
        near = int((np.abs(spectrum - 1) < 1e-4).sum())
        raise EigenvectorError(
            f"the eigenvalue 1 of the operators' sum is {near}-fold" if near else "the operators' sum has no eigenvalue 1"
        )
    exact = _exact_vectors(transitions, states)
    if exact is not None:
        return exact
    left_vectors, _, right_vectors = np.linalg.svd(T - np.eye(states))
    left, right = left_vectors[:, -1], right_vectors[-1]
    right = right / right[int(np.abs(right).argmax())]
    left = left / (left @ right)
    return Eigenvectors(tuple(map(float, left)), tuple(map(float, right)))


def _exact_vectors(transitions: Mapping[tuple[int, int], Scalar], states: int) -> Eigenvectors | None:
    """The same in fractions; None if T is not rational, too large, or has 1 as an eigenvalue only within rounding."""
    if states > LARGEST_EXACT:
        return None
    B = [[Fraction(0)] * states for _ in range(states)]
    for (i, j), value in transitions.items():
        if not isinstance(value, Fraction):
            return None
        B[i][j] = value
    for i in range(states):
        B[i][i] -= 1
    right = _null_vector(B)
    left = _null_vector([list(column) for column in zip(*B, strict=True)])
    if right is None or left is None:
        return None
    largest = max(right, key=abs)
    right = [value / largest for value in right]
    product = sum((a * b for a, b in zip(left, right, strict=True)), Fraction(0))
    if not product:
        return None
    return Eigenvectors(tuple(value / product for value in left), tuple(right))


def _null_vector(rows: Sequence[Sequence[Fraction]]) -> list[Fraction] | None:
    """A vector x with rows x = 0 by elimination, None unless the solutions are one line."""
    matrix = [list(row) for row in rows]
    n = len(matrix)
    pivots: list[int] = []
    for column in range(n):
        place = len(pivots)
        found = next((i for i in range(place, n) if matrix[i][column]), None)
        if found is None:
            continue
        matrix[place], matrix[found] = matrix[found], matrix[place]
        scale = matrix[place][column]
        matrix[place] = [value / scale for value in matrix[place]]
        for i in range(n):
            if i != place and matrix[i][column]:
                factor = matrix[i][column]
                matrix[i] = [a - factor * b for a, b in zip(matrix[i], matrix[place], strict=True)]
        pivots.append(column)
    free = [column for column in range(n) if column not in pivots]
    if len(free) != 1:
        return None
    vector = [Fraction(0)] * n
    vector[free[0]] = Fraction(1)
    for place, column in enumerate(pivots):
        vector[column] = -matrix[place][free[0]]
    return vector


def unit_circle(process: Process) -> Complex128[np.ndarray, " eigenvalue"]:
    """The eigenvalues of T of absolute value 1: their number is 1 if the process mixes, and its period where they are the
    roots of unity."""
    import numpy as np

    spectrum = np.linalg.eigvals(process.T.sum(axis=0))
    return np.asarray(spectrum[np.abs(np.abs(spectrum) - 1) < TOLERANCE])


def stationary_version(process: Process) -> Process:
    """A generalized HMM from its stationary start; itself if it has that start."""
    if process.start_kind == "stationary" or process.right is None:
        return process
    left = eigenvectors(process.transitions(), len(process.states)).left
    scale = sum((a * b for a, b in zip(left, process.right, strict=True)), Fraction(0))
    return replace(process, start=tuple(value / scale for value in left), start_kind="stationary")


@dataclass(frozen=True)
class BadWord:
    """A word whose number is no probability, by its tokens."""

    word: tuple[str, ...]
    value: float


def first_bad_word(process: Process, length: int) -> BadWord | None:
    """The first word, by length and then in the order of the tokens, whose probability would be negative; None if there is none
    up to this length (or up to as many words as can be looked at). In float64, with a tolerance of 1e-9 of its prefix. Of a
    product it is a word of a factor, in that factor's tokens."""
    import numpy as np

    if process.factored:
        of_factors = (first_bad_word(factor, length) for factor in process.factors)
        return next((found for found in of_factors if found is not None), None)
    for level in _levels(process, length):
        bad = np.flatnonzero(level.probability < -(1e-13 + TOLERANCE * level.above))
        if len(bad):
            k = int(bad[0])
            word = tuple(process.tokens[int(x)] for x in level.word(k))
            return BadWord(word, float(level.probability[k]))
    return None


def count_words(process: Process, length: int) -> tuple[list[int], bool]:
    """How many words of each length 1..length have a probability of 1e-12 at least, and whether all were counted: beyond the
    budget each word counts as going on with any token, an upper bound."""
    counts = [len(level.kept) for level in _levels(process, length)]
    missing = length - len(counts)
    last, V = (counts[-1] if counts else 1), len(process.tokens)
    return [*counts, *(last * V**k for k in range(1, missing + 1))], missing == 0


@dataclass(frozen=True)
class _Words:
    """All continuations of one length by one token of the words that can occur; `above` is the probability of the word before."""

    token: Int64[np.ndarray, " word"]
    parent: Int64[np.ndarray, " word"]
    probability: Float64[np.ndarray, " word"]
    above: Float64[np.ndarray, " word"]
    kept: Int64[np.ndarray, " kept"]
    before: _Words | None

    def word(self, k: int) -> list[int]:
        """The tokens of the k-th word."""
        tokens = [int(self.token[k])]
        if self.before is not None:
            tokens = [*self.before.word(int(self.before.kept[self.parent[k]])), *tokens]
        return tokens


def _levels(process: Process, length: int) -> Iterator[_Words]:
    """The words by length, until there would be too many."""
    import numpy as np

    V, S = len(process.tokens), len(process.states)
    step = process.T.transpose(1, 0, 2).reshape(S, V * S)
    belief = process.eta[None, :] / (process.eta @ process.r)
    probability = np.ones(1)
    before: _Words | None = None
    words = 0
    for _ in range(length):
        words += len(probability) * V
        if words > min(LARGEST_WORDS, LARGEST_WORK // (S * S)):
            return
        spend_theory(len(probability) * V * (1 + S * S / 100) / 10)
        mass = (belief @ process.emission).ravel()
        above = np.repeat(probability, V)
        following = above * mass
        kept = np.flatnonzero((following >= SMALLEST_WORD) & (mass >= SMALLEST_WORD))
        parent, token = np.divmod(np.arange(len(mass)), V)
        before = _Words(token, parent, following, above, kept, before)
        yield before
        belief = (belief @ step).reshape(-1, S)[kept] / mass[kept, None]
        probability = following[kept]


def observability_index(process: Process) -> int:
    """The least k for which the joint distribution of the next k tokens tells all beliefs apart that any future tells apart."""
    import numpy as np

    basis = process.r[:, None] / np.linalg.norm(process.r)
    index = 0
    while True:
        candidates = np.concatenate([basis, *(T @ basis for T in process.T)], axis=1)
        vectors, size, _ = np.linalg.svd(candidates, full_matrices=False)
        grown = vectors[:, size > 1e-10 * size[0]]
        if grown.shape[1] == basis.shape[1]:
            return max(1, index)
        basis, index = grown, index + 1


def future_coordinates(process: Process, tokens: int | None = None) -> Float64[np.ndarray, "state coordinate"]:
    """A matrix L whose image of beliefs, `belief @ L`, has the same distances as the vectors of `future(k)`, the probabilities of
    all words of length k = `tokens` (the observability index, if not given): L L^T = sum over these words of (T_w r)(T_w r)^T.

    The words are not enumerated: with L of one length less, the rows T[x] L for all tokens x have the same products, and a
    triangular factor of them, which keeps all digits, is the next L.
    """
    import numpy as np

    found = process.r[:, None]
    for _ in range(observability_index(process) if tokens is None else tokens):
        found = np.concatenate([T @ found for T in process.T], axis=1)
        found = np.transpose(np.linalg.qr(found.T, mode="r"))
    return found
