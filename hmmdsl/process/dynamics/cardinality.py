"""Whether an observer meets finitely, countably or uncountably many causal states in the long run.

*Countable*: some word w that occurs has an operator T_w of rank one on the coordinates of the futures. Whatever was believed
before it, the belief after it is the same; by ergodicity it comes again and again, so the belief in the long run is a function of
the finite word since it came last. The time since then falls exponentially, so C_mu is finite.

*Uncountable*: all operators of words of some length that occur have positive entries only, every token's operator is invertible
on the coordinates of the futures, and the belief depends on the past at all. Then no belief has positive probability in the
long run, so that C_mu is infinite. For suppose that the pasts that lead to a belief b have positive probability. Some words w of
their last tokens make them nearly certain (Lebesgue's density theorem); b = f_w(c) for one c only, so given w the belief before
w is nearly certainly c; since positive operators forget (Pr(past, w) is Pr(past) Pr(w) within constant factors), it is c nearly
certainly whatever follows; so there is one belief only.

Neither holds of some processes, and then it is left undecided.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hmmdsl.process.dynamics.predictive_form import Integers, PredictiveForm
from hmmdsl.process.process import Process

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64

Kind = Literal["finite", "countable", "uncountable", "undecided"]

LONGEST_RESET = 10
"""Tokens of the longest words that are tried."""

MOST_WORDS = 4000
"""Words of one length that are tried."""

MOST_PATTERNS = 300
"""Different patterns of zeros among the operators of words of one length."""

RANK_ONE = 1e-12
"""What is left of a matrix of rank one, as a share of its largest entry, but for rounding."""

LOST = 1e-13
"""A singular value that is this share of the largest is rounding of zero, where there are floats."""

INVERTIBLE = 1e-9
"""The least share of the largest singular value that counts as not zero, where there are floats."""

PRIME = 2**61 - 1
"""A determinant that is not zero modulo a prime is not zero."""


@dataclass(frozen=True)
class Cardinality:
    """How many causal states there are in the long run. `proven`: by an exact argument; if not, floats were compared.
    `reset_word` is a shortest word after which the belief is always the same, as indices of tokens. `sizes` is how many beliefs
    there are within each depth, as far as they were followed."""

    kind: Kind
    proven: bool
    reason: str
    reset_word: tuple[int, ...] | None
    sizes: tuple[int, ...]

    def as_json(self, tokens: tuple[str, ...]) -> dict[str, Any]:
        """Plain data; the reset word by its tokens."""
        return {
            "kind": self.kind,
            "proven": self.proven,
            "reason": self.reason,
            "reset_word": None if self.reset_word is None else [tokens[x] for x in self.reset_word],
            "new_by_depth": [int(n) for n in np.diff((0, *self.sizes))],
        }


def cardinality(process: Process, form: PredictiveForm, sizes: tuple[int, ...]) -> Cardinality:
    """Of a stationary ergodic process whose causal states were not found to be finite in number; `form` is the process in
    coordinates of its futures, `sizes` its beliefs by depth."""
    word = reset_word(form)
    proven = form.exact is not None
    how = "" if proven else " (numerical)"
    if word is not None:
        text = " ".join(process.tokens[x] for x in word)
        reason = f"after `{text}` the belief is always the same, and then it depends on what came since{how}"
        return Cardinality("countable", proven, reason, word, sizes)
    if not process.generalized and _depends_on_the_past(form) and _all_invertible(form):
        length = _positive_after(process)
        if length is not None:
            tokens = "every token's operator" if length == 1 else f"the operator of every word of {length} tokens"
            reason = f"{tokens} is positive and every token's is invertible, so no belief ever comes again{how}"
            return Cardinality("uncountable", proven, reason, None, sizes)
    growth = f"; {sizes[-1]:,} beliefs after up to {len(sizes) - 1} tokens"
    reason = f"no word of up to {LONGEST_RESET} tokens was found that resets the belief, and none was ruled out{growth}"
    return Cardinality("undecided", False, reason, None, sizes)


def reset_word(form: PredictiveForm) -> tuple[int, ...] | None:
    """A shortest word that can occur and whose operator has rank one: over the integers where the form has them. None if there is
    none among some thousands of words."""
    tokens = form.occurring()
    words = np.zeros((1, 0), dtype=np.int64)
    products = np.eye(form.dimensions)[None]
    for _ in range(LONGEST_RESET):
        if len(words) * len(tokens) > MOST_WORDS or len(words) * len(tokens) * form.dimensions**3 > 10**8:
            return None
        words = np.concatenate([np.insert(words, words.shape[1], x, axis=1) for x in tokens])
        products = np.concatenate([products @ form.T[x] for x in tokens])
        probability = form.start @ products @ form.right
        kept = probability > 1e-12
        words, products = words[kept], products[kept] / np.abs(products[kept]).max(axis=(1, 2), keepdims=True)
        for k in np.flatnonzero(_rank_one(products)):
            word = tuple(int(x) for x in words[k])
            if _loses_all_but_one(form.T, word) if form.exact is None else _exactly_rank_one(form.exact, word):
                return word
    return None


def _rank_one(matrices: Float64[np.ndarray, "word d d"]) -> Bool[np.ndarray, " word"]:
    """Whether each matrix is the outer product of the row and the column of its largest entry."""
    n, d, _ = matrices.shape
    place = np.abs(matrices).reshape(n, -1).argmax(axis=1)
    i, j = np.divmod(place, d)
    every = np.arange(n)
    outer = matrices[every, :, j][:, :, None] * matrices[every, i, :][:, None, :] / matrices[every, i, j][:, None, None]
    return np.asarray(np.abs(matrices - outer).max(axis=(1, 2)) < RANK_ONE)


def _loses_all_but_one(T: Float64[np.ndarray, "token d d"], word: tuple[int, ...]) -> bool:
    """Whether each token of a word loses directions until one is left, in floats. A long product of invertible operators comes as
    near to rank one as one likes and never has it: so what is left is made orthonormal again after each token."""
    rows = np.eye(T.shape[1])
    for x in word:
        _, size, directions = np.linalg.svd(rows @ T[x], full_matrices=False)
        rows = directions[size > LOST * size[0]]
    return len(rows) == 1


def _exactly_rank_one(operators: tuple[Integers, ...], word: tuple[int, ...]) -> bool:
    product = [list(row) for row in operators[word[0]]]
    for x in word[1:]:
        right = operators[x]
        product = [[sum(a * right[k][j] for k, a in enumerate(row) if a) for j in range(len(right))] for row in product]
        divisor = gcd(*(value for row in product for value in row))
        product = [[value // max(1, divisor) for value in row] for row in product]
    rows = [row for row in product if any(row)]
    j = next(k for k, value in enumerate(rows[0]) if value)
    return all(row[k] * rows[0][j] == rows[0][k] * row[j] for row in rows for k in range(len(row)))


def _depends_on_the_past(form: PredictiveForm) -> bool:
    """Whether some token moves the coordinates that the process starts with."""
    start = form.start / (form.start @ form.right)
    moved = [start @ form.T[x] for x in form.occurring()]
    return any(float(np.abs(after / (after @ form.right) - start).max()) > 1e-9 for after in moved)


def _all_invertible(form: PredictiveForm) -> bool:
    """Whether no token's operator loses a dimension."""
    if form.exact is not None:
        return all(_determinant_modulo(form.exact[x]) != 0 for x in form.occurring())
    sizes = np.linalg.svd(form.T[list(form.occurring())], compute_uv=False)
    return bool((sizes[:, -1] > INVERTIBLE * sizes[:, 0]).all())


def _determinant_modulo(matrix: Integers) -> int:
    rows = [[value % PRIME for value in row] for row in matrix]
    determinant = 1
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return 0
        rows[k], rows[pivot] = rows[pivot], rows[k]
        determinant = determinant * rows[k][k] % PRIME
        inverse = pow(rows[k][k], -1, PRIME)
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] * inverse % PRIME
            if factor:
                rows[i] = [(a - factor * b) % PRIME for a, b in zip(rows[i], rows[k], strict=True)]
    return determinant


def _positive_after(process: Process) -> int | None:
    """The least length at which the operators of all words that occur have no zero; None if that is not found."""
    patterns = np.eye(len(process.states), dtype=bool)[None]
    steps = process.T > 0
    for length in range(1, LONGEST_RESET + 1):
        following = np.concatenate([(patterns.astype(np.int64) @ step) > 0 for step in steps.astype(np.int64)])
        patterns = np.unique(following[following.any(axis=(1, 2))], axis=0)
        if patterns.all():
            return length
        if len(patterns) * patterns[0].size > MOST_PATTERNS * 100 or len(patterns) > MOST_PATTERNS:
            return None
    return None
