"""Drawing words from a process, and the hidden states behind them: several tokens in one draw, all words at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import lcm
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.block_tables import LONGEST_BLOCK, BlockTables, alias_tables, blocks_of
from hmmdsl.process.process import Process, strides

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

TOKENS_AT_ONCE = 1 << 18
"""About how many tokens are drawn at a time: what bounds the memory."""


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


@dataclass(frozen=True)
class Drawn:
    """Words in order: `words` rows from `first_word` on, their tokens from position `position` on.

    token  indices into the process' tokens
    state  hidden states, where they are asked for: the state before each token, and behind a word's last token the state after it
    """

    first_word: int
    position: int
    token: Int64[np.ndarray, "words length"]
    state: Int64[np.ndarray, "words states"] | None
    ends: bool


@lru_cache(maxsize=64)
def _block_tables(key: _ByIdentity, longest: int, paths: bool) -> BlockTables | None:
    blocks = blocks_of(key.process, longest, paths)
    return None if blocks is None else alias_tables(blocks)


def sample_words(process: Process, words: int, length: int, seed: int | np.random.Generator) -> Int64[np.ndarray, "words length"]:
    """Independent words of `length` tokens from the process' start, as indices into its tokens.

    The same seed gives the same words. Several tokens are drawn at a time, for all words at once.
    """
    drawn = np.empty((words, length), dtype=np.int64)
    for part in sample_pieces(process, words, length, seed):
        drawn[part.first_word : part.first_word + len(part.token), part.position : part.position + part.token.shape[1]] = (
            part.token
        )
    return drawn


def sample_words_and_states(
    process: Process, words: int, length: int, seed: int | np.random.Generator
) -> tuple[Int64[np.ndarray, "words length"], Int64[np.ndarray, "words length+1"]]:
    """Words with the hidden states that they were emitted by: `states[:, t]` is the state before token t, `states[:, t + 1]` the
    state after it. The same seed gives the same; the words are others than those of `sample_words`."""
    drawn = np.empty((words, length), dtype=np.int64)
    states = np.empty((words, length + 1), dtype=np.int64)
    for part in sample_pieces(process, words, length, seed, states=True):
        rows = slice(part.first_word, part.first_word + len(part.token))
        drawn[rows, part.position : part.position + part.token.shape[1]] = part.token
        if part.state is not None:
            states[rows, part.position : part.position + part.state.shape[1]] = part.state
    return drawn, states


def sample_pieces(
    process: Process, words: int, length: int, seed: int | np.random.Generator, states: bool = False
) -> Iterator[Drawn]:
    """The same words piece by piece, in constant memory: whole words together where they are short, parts of one word where it is
    long. Row after row and part after part, they are the rows of one array."""
    rng = np.random.default_rng(seed)
    if states and process.generalized:
        raise ValueError(f"{process.name} is a generalized HMM: it has no hidden states to draw")
    if process.factored:
        yield from _pieces_of_factors(process, words, length, rng, states)
        return
    at_once, part = _pieces(length, _block_length(process, states))
    for first in range(0, words, at_once):
        yield from _part_by_part(process, first, min(at_once, words - first), length, part, rng, states)


def _pieces(length: int, block: int) -> tuple[int, int]:
    """How many words, and how many of their tokens, are drawn at a time. A part of a long word ends with a block, after which the
    state is known; only a word's end may cut one short."""
    return max(1, TOKENS_AT_ONCE // max(1, length)), max(1, min(length, max(1, TOKENS_AT_ONCE // block) * block))


def _block_length(process: Process, states: bool) -> int:
    """Tokens of the longest block that is drawn at once."""
    tables = None if process.generalized else _block_tables(_ByIdentity(process), LONGEST_BLOCK, states)
    return 1 if tables is None else tables.length


def _part_by_part(
    process: Process, first: int, words: int, length: int, part: int, rng: np.random.Generator, states: bool
) -> Iterator[Drawn]:
    """The tokens of these words, `part` at a time."""
    if process.generalized:
        yield from _parts_by_beliefs(process, first, words, length, part, rng)
        return
    start = sampling_tables(process)
    state = start.start_state[np.searchsorted(start.start, rng.random(words), side="right")]
    for position in range(0, max(1, length), part):
        token, visited, state = _draw(process, state, min(part, length - position), rng, states)
        ends = position + token.shape[1] >= length
        if visited is not None and ends:
            visited = np.concatenate([visited, state[:, None]], axis=1)
        yield Drawn(first, position, token, visited, ends)


def _pieces_of_factors(process: Process, words: int, length: int, rng: np.random.Generator, states: bool) -> Iterator[Drawn]:
    """Each factor is drawn for itself, with random numbers of its own, and their tokens (and states) are put together."""
    streams = rng.spawn(len(process.factors))
    tokens = strides([len(factor.tokens) for factor in process.factors])
    places = strides([len(factor.states) for factor in process.factors])
    at_once, part = _pieces(length, lcm(*(_block_length(factor, states) for factor in process.factors)))
    for first in range(0, words, at_once):
        n = min(at_once, words - first)
        drawn = (
            _part_by_part(factor, first, n, length, part, own, states)
            for factor, own in zip(process.factors, streams, strict=True)
        )
        for same in zip(*drawn, strict=True):
            token = sum(
                (piece.token * stride for piece, stride in zip(same[1:], tokens[1:], strict=True)), same[0].token * tokens[0]
            )
            state = None
            if states:
                visited = [piece.state * stride for piece, stride in zip(same, places, strict=True) if piece.state is not None]
                state = sum(visited[1:], visited[0])
            yield Drawn(first, same[0].position, token, state, same[0].ends)


def _draw(
    process: Process, state: Int64[np.ndarray, " words"], length: int, rng: np.random.Generator, states: bool
) -> tuple[Int64[np.ndarray, "words length"], Int64[np.ndarray, "words length"] | None, Int64[np.ndarray, " words"]]:
    """The next `length` tokens of each word from its state, the states before them (if asked for), and the states after."""
    tables = _block_tables(_ByIdentity(process), LONGEST_BLOCK, states)
    if tables is None:
        return _draw_singly(process, state, length, rng, states)
    blocks = -(-length // tables.length)
    fitting = -(-length // max(1, blocks))
    if fitting != tables.length:
        tables = _block_tables(_ByIdentity(process), fitting, states) or tables
    words = len(state)
    chosen = np.empty((blocks, words), dtype=np.int64)
    x = rng.random((blocks, words))
    x *= tables.width
    offset = state * float(tables.width + 1)
    for k in range(blocks):
        x[k] += offset
        slot = x[k].astype(np.int64)
        np.copyto(slot, tables.alias.take(slot), where=x[k] >= tables.cut.take(slot))
        chosen[k] = slot
        offset = tables.offset.take(slot)
    rows = chosen.T.copy()
    token = tables.token.take(rows, axis=0).reshape(words, blocks * tables.length)
    if not states:
        return token[:, :length], None, tables.state[rows[:, -1], -1] if blocks else state
    visited = np.concatenate([state[:, None], tables.state.take(rows, axis=0).reshape(words, blocks * tables.length)], axis=1)
    return token[:, :length], visited[:, :length], visited[:, length]


def _draw_singly(
    process: Process, state: Int64[np.ndarray, " words"], length: int, rng: np.random.Generator, states: bool
) -> tuple[Int64[np.ndarray, "words length"], Int64[np.ndarray, "words length"] | None, Int64[np.ndarray, " words"]]:
    """The same where even the single steps of all states are very many: a binary search for each word and position."""
    tables = sampling_tables(process)
    words = len(state)
    token = np.empty((length, words), dtype=np.int64)
    visited = np.empty((length if states else 0, words), dtype=np.int64)
    # One sorted array holds all rows, shifted by their state.
    shifted = (tables.cumulative + np.arange(len(process.states))[:, None]).ravel()
    for position in range(length):
        if states:
            visited[position] = state
        outcome = np.searchsorted(shifted, state + rng.random(words), side="right") - state * tables.outcomes
        outcome = np.minimum(outcome, tables.outcomes - 1)
        token[position] = tables.token[state, outcome]
        state = tables.state[state, outcome]
    return token.T, visited.T if states else None, state


def _parts_by_beliefs(
    process: Process, first: int, words: int, length: int, part: int, rng: np.random.Generator
) -> Iterator[Drawn]:
    """A generalized HMM has no hidden states to follow: each word's belief gives its next token's probabilities, and moves on by
    the token that is drawn."""
    belief = np.repeat(process.eta[None, :] / (process.eta @ process.r), words, axis=0)
    for begin in range(0, max(1, length), part):
        drawn = np.empty((words, min(part, length - begin)), dtype=np.int64)
        for position in range(drawn.shape[1]):
            cumulative = np.cumsum(np.maximum(belief @ process.emission, 0.0), axis=1)
            u = rng.random(words) * cumulative[:, -1]
            drawn[:, position] = (cumulative[:, :-1] <= u[:, None]).sum(axis=1)
            for x in range(len(process.tokens)):
                of_x = np.flatnonzero(drawn[:, position] == x)
                following = belief[of_x] @ process.T[x]
                belief[of_x] = following / (following @ process.r)[:, None]
        yield Drawn(first, begin, drawn, None, begin + drawn.shape[1] >= length)
