"""Drawing words from a process: one draw of (token, next state) for each position, all words at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.process import Process

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64


@dataclass(frozen=True)
class SamplingTables:
    """Inverse distribution functions over the pairs (token, next state) that each state allows, most of them few.

    With u uniform in [0, 1), the outcome from state i is `k`, the number of entries of `cumulative[i]` that are <= u; it emits
    `token[i, k]` and leads to `state[i, k]`. Rows are padded to the largest number of outcomes, `outcomes`; the last real entry
    and the padding are 1, so that no u leads to an outcome of probability zero. `start` is the cumulative distribution of the
    first state, over `start_state`, in the same form.
    """

    cumulative: Float64[np.ndarray, "state outcome"]
    token: Int64[np.ndarray, "state outcome"]
    state: Int64[np.ndarray, "state outcome"]
    start: Float64[np.ndarray, " start_outcome"]
    start_state: Int64[np.ndarray, " start_outcome"]

    @property
    def outcomes(self) -> int:
        """Most pairs (token, next state) that any state allows."""
        return int(self.cumulative.shape[1])


def _cumulative(weights: Float64[np.ndarray, " outcome"]) -> Float64[np.ndarray, " outcome"]:
    total = np.cumsum(weights)
    total /= total[-1]
    total[-1] = 1.0
    return total


@lru_cache(maxsize=32)
def _tables(key: _ByIdentity) -> SamplingTables:
    process = key.process
    V, S = len(process.tokens), len(process.states)
    outgoing: list[list[tuple[int, int, float]]] = [[] for _ in range(S)]
    for x in range(V):
        for (i, j), value in sorted(process.operators[x].items()):
            if value:
                outgoing[i].append((x, j, float(value)))
    outcomes = max(len(pairs) for pairs in outgoing)
    cumulative = np.ones((S, outcomes))
    token = np.zeros((S, outcomes), dtype=np.int64)
    state = np.zeros((S, outcomes), dtype=np.int64)
    for i, pairs in enumerate(outgoing):
        n = len(pairs)
        cumulative[i, :n] = _cumulative(np.array([value for *_, value in pairs]))
        token[i, :n], state[i, :n] = [x for x, *_ in pairs], [j for _, j, _ in pairs]
        token[i, n:], state[i, n:] = token[i, n - 1], state[i, n - 1]
    start_state = np.flatnonzero(process.eta > 0)
    return SamplingTables(cumulative, token, state, _cumulative(process.eta[start_state]), start_state)


@dataclass(frozen=True, eq=False)
class _ByIdentity:
    process: Process

    def __hash__(self) -> int:
        return id(self.process)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and other.process is self.process


def sampling_tables(process: Process) -> SamplingTables:
    """The process' tables for drawing words, on whatever device: made once for each process."""
    return _tables(_ByIdentity(process))


def sample_words(process: Process, words: int, length: int, seed: int | np.random.Generator) -> Int64[np.ndarray, "words length"]:
    """Independent words of `length` tokens from the process' start, as indices into its tokens.

    The same seed gives the same words. A generalized HMM has no hidden states to follow: each token is drawn from the word's
    belief. Else work is one comparison per word, position and possible outcome; nothing loops over words.
    """
    rng = np.random.default_rng(seed)
    if process.generalized:
        return _sample_by_beliefs(process, words, length, rng)
    tables = sampling_tables(process)
    drawn = np.empty((length, words), dtype=np.int64)
    state = tables.start_state[np.searchsorted(tables.start, rng.random(words), side="right")]
    for position in range(length):
        u = rng.random(words)
        if tables.outcomes <= 16:
            outcome = np.zeros(words, dtype=np.int64)
            for k in range(tables.outcomes - 1):
                outcome += tables.cumulative[:, k][state] <= u
        else:
            # One sorted array holds all rows, shifted by their state: a binary search for each word.
            shifted = (tables.cumulative + np.arange(len(process.states))[:, None]).ravel()
            outcome = np.searchsorted(shifted, state + u, side="right") - state * tables.outcomes
            outcome = np.minimum(outcome, tables.outcomes - 1)
        drawn[position] = tables.token[state, outcome]
        state = tables.state[state, outcome]
    return np.ascontiguousarray(drawn.T)


def _sample_by_beliefs(process: Process, words: int, length: int, rng: np.random.Generator) -> Int64[np.ndarray, "words length"]:
    """Each word's belief gives its next token's probabilities, and moves on by the token that is drawn."""
    belief = np.repeat(process.eta[None, :] / (process.eta @ process.r), words, axis=0)
    drawn = np.empty((words, length), dtype=np.int64)
    for position in range(length):
        cumulative = np.cumsum(np.maximum(belief @ process.emission, 0.0), axis=1)
        u = rng.random(words) * cumulative[:, -1]
        drawn[:, position] = (cumulative[:, :-1] <= u[:, None]).sum(axis=1)
        for x in range(len(process.tokens)):
            of_x = np.flatnonzero(drawn[:, position] == x)
            following = belief[of_x] @ process.T[x]
            belief[of_x] = following / (following @ process.r)[:, None]
    return drawn
