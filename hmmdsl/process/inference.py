"""What the hidden states were while a word was emitted: filtered, smoothed, and the most probable path (Rabiner 1989).

In float64, scaled at each token, so that words may be as long as memory allows. Factors of a product are independent given the
word too, so each is read by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING

from hmmdsl.process.process import Process

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64, Int64

LARGEST_PATH = 2**27
"""Most numbers of a path of beliefs: states times places (a gigabyte)."""


def filtered(process: Process, word: Sequence[int]) -> Float64[np.ndarray, "place state"]:
    """The belief after 0, 1, …, n tokens of a word, given as indices: Pr(S_k | x_1 … x_k). Raises ValueError if the word cannot
    occur, or where that would be too many numbers."""
    _check_size(process, word)
    return _joint(process, word, _filtered)


def smoothed(process: Process, word: Sequence[int]) -> Float64[np.ndarray, "place state"]:
    """Pr(S_k | x_1 … x_n) for k = 0, …, n: what the whole word tells of the hidden state at each place, by the forward-backward
    recursion. Raises ValueError as `filtered` does, and for a generalized HMM, which has no hidden states."""
    _check_states(process)
    _check_size(process, word)
    return _joint(process, word, _smoothed)


def most_probable_states(process: Process, word: Sequence[int]) -> Int64[np.ndarray, " place"]:
    """The path s_0 … s_n that maximizes Pr(s_0 … s_n, x_1 … x_n), as indices into the states (Viterbi 1967); of equally probable
    ones that which ends in the first state, and comes from the first. Raises ValueError as `smoothed` does."""
    import numpy as np

    _check_states(process)
    _check_size(process, word)
    paths = [_viterbi(factor, own) for factor, own in zip(process.factors, _words_of_factors(process, word), strict=True)]
    return np.asarray(np.ravel_multi_index(tuple(paths), [len(factor.states) for factor in process.factors]), dtype=np.int64)


def _check_states(process: Process) -> None:
    if process.generalized:
        raise ValueError(f"{process.name} is a generalized HMM, and has no hidden states")


def _check_size(process: Process, word: Sequence[int]) -> None:
    if (len(word) + 1) * len(process.states) > LARGEST_PATH:
        sizes = f"{len(process.states):,} states at {len(word) + 1:,} places"
        raise ValueError(f"{sizes} are more than {LARGEST_PATH:,} numbers: read the word in pieces")


def _words_of_factors(process: Process, word: Sequence[int]) -> list[Int64[np.ndarray, " place"]]:
    """The word of each factor; the tokens of a product run through all tuples, the rightmost fastest."""
    import numpy as np

    sizes = [len(factor.tokens) for factor in process.factors]
    return [np.asarray(own) for own in np.unravel_index(np.asarray(word, dtype=np.int64), sizes)]


def _joint(
    process: Process, word: Sequence[int], of_one: Callable[[Process, np.ndarray], np.ndarray]
) -> Float64[np.ndarray, "place state"]:
    """The product of what is found of each factor."""
    found = [of_one(factor, own) for factor, own in zip(process.factors, _words_of_factors(process, word), strict=True)]
    return reduce(lambda a, b: (a[:, :, None] * b[:, None, :]).reshape(len(a), -1), found)


def _filtered(process: Process, word: Int64[np.ndarray, " place"]) -> Float64[np.ndarray, "place state"]:
    import numpy as np

    T, r = process.T, process.r
    found = np.empty((len(word) + 1, len(process.states)))
    found[0] = process.eta / (process.eta @ r)
    for k, x in enumerate(word.tolist()):
        after = found[k] @ T[x]
        mass = float(after @ r)
        if not mass > 0:
            raise ValueError(f"{process.name} never emits this word: its probability is 0")
        found[k + 1] = after / mass
    return found


def _smoothed(process: Process, word: Int64[np.ndarray, " place"]) -> Float64[np.ndarray, "place state"]:
    import numpy as np

    T = process.T
    found = _filtered(process, word)
    ahead = np.ones(len(process.states))
    for k in range(len(word) - 1, -1, -1):
        ahead = T[word[k]] @ ahead
        ahead /= ahead.max()
        found[k] *= ahead
        found[k] /= found[k].sum()
    return found


def _viterbi(process: Process, word: Int64[np.ndarray, " place"]) -> Int64[np.ndarray, " place"]:
    import numpy as np

    with np.errstate(divide="ignore"):
        log_T, best = np.log(process.T), np.log(process.eta)
    came_from = np.empty((len(word), len(process.states)), dtype=np.int32)
    states = np.arange(len(process.states))
    for k, x in enumerate(word.tolist()):
        through = best[:, None] + log_T[x]
        came_from[k] = through.argmax(axis=0)
        best = through[came_from[k], states]
        if best.max() == -np.inf:
            raise ValueError(f"{process.name} never emits this word: its probability is 0")
    path = np.empty(len(word) + 1, dtype=np.int64)
    path[-1] = best.argmax()
    for k in range(len(word) - 1, -1, -1):
        path[k] = came_from[k, path[k + 1]]
    return path
