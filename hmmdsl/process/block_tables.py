"""Alias tables over blocks of tokens: one uniform number decides several tokens and the state after them.

From state i the next k tokens are w and lead to j with probability `T_w[i, j]`. These pairs (w, j) are drawn by Walker's alias
method in constant time (Walker 1977; Vose 1991), so a word of L tokens costs L / k draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.process import Process

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

LARGEST_TABLE = 1 << 13
"""Slots of a table, at most: more would not stay in a core's cache."""

LONGEST_BLOCK = 16
"""Tokens of a block, at most."""


@dataclass(frozen=True)
class Blocks:
    """What k tokens can do from each state, in order of `source`: one row for each block.

    source       the state before
    token        the k tokens
    state        the states after each of them; only the last is known where blocks of one word and end are taken together
    probability  Pr(tokens, states | source)
    """

    source: Int64[np.ndarray, " block"]
    token: Int64[np.ndarray, "block k"]
    state: Int64[np.ndarray, "block visited"]
    probability: Float64[np.ndarray, " block"]
    states: int

    @cached_property
    def widest(self) -> int:
        """Most blocks that any state allows."""
        return int(np.bincount(self.source, minlength=self.states).max())

    @property
    def slots(self) -> int:
        """Slots of the alias table: every state has as many, and one to spare."""
        return self.states * (self.widest + 1)


def single_steps(process: Process) -> Blocks:
    """Blocks of one token."""
    entries = sorted((i, x, j, float(p)) for x, of_x in enumerate(process.operators) for (i, j), p in of_x.items() if p)
    source, token, state = (np.array([entry[k] for entry in entries], dtype=np.int64) for k in range(3))
    return Blocks(source, token[:, None], state[:, None], np.array([p for *_, p in entries]), len(process.states))


def _longer(blocks: Blocks, steps: Blocks, paths: bool) -> Blocks:
    """Each block followed by each single step that is possible after it; with `paths` the states passed are kept."""
    first = np.searchsorted(steps.source, np.arange(steps.states + 1))
    end = blocks.state[:, -1]
    ways = (first[1:] - first[:-1])[end]
    before = np.repeat(np.arange(len(end)), ways)
    step = first[end][before] + np.arange(len(before)) - np.repeat(np.cumsum(ways) - ways, ways)
    source, probability = blocks.source[before], blocks.probability[before] * steps.probability[step]
    token = np.concatenate([blocks.token[before], steps.token[step]], axis=1)
    if paths:
        return Blocks(source, token, np.concatenate([blocks.state[before], steps.state[step]], axis=1), probability, steps.states)
    rows = np.concatenate([source[:, None], token, steps.state[step]], axis=1)
    distinct, place = np.unique(rows, axis=0, return_inverse=True)
    together = np.bincount(place.ravel(), probability, len(distinct))
    return Blocks(distinct[:, 0].copy(), distinct[:, 1:-1].copy(), distinct[:, -1:].copy(), together, steps.states)


def blocks_of(process: Process, longest: int, paths: bool) -> Blocks | None:
    """The longest blocks, of at most `longest` tokens, whose table stays small; None if even single steps are too many."""
    steps = single_steps(process)
    if steps.slots > LARGEST_TABLE:
        return None
    blocks = steps
    for _ in range(1, min(longest, LONGEST_BLOCK)):
        ways = np.bincount(steps.source, minlength=steps.states)[blocks.state[:, -1]]
        if int(ways.sum()) > 8 * LARGEST_TABLE:
            break
        longer = _longer(blocks, steps, paths)
        if longer.slots > LARGEST_TABLE:
            break
        blocks = longer
    return blocks


@dataclass(frozen=True)
class BlockTables:
    """Alias tables, one after another by state, each of `width` slots and one to spare.

    With u uniform in [0, 1), `x = u width + offset` falls into slot floor(x); the block drawn is that slot's if `x < cut[slot]`,
    else `alias[slot]`. The slot to spare is met only where the sum is rounded up to the next state's offset; its alias can occur.

    offset   the next state's offset after the block in a slot
    token    the block's tokens
    state    the states after each token (with paths), else after the last
    """

    width: int
    cut: Float64[np.ndarray, " slot"]
    alias: Int64[np.ndarray, " slot"]
    offset: Float64[np.ndarray, " slot"]
    token: Int64[np.ndarray, "slot k"]
    state: Int64[np.ndarray, "slot visited"]

    @property
    def length(self) -> int:
        """Tokens of a block."""
        return int(self.token.shape[1])


def alias_tables(blocks: Blocks) -> BlockTables:
    """The tables from which blocks are drawn."""
    width, stride = blocks.widest, blocks.widest + 1
    slots = blocks.states * stride
    cut, alias = np.full(slots, -1.0), np.zeros(slots, dtype=np.int64)
    token = np.zeros((slots, blocks.token.shape[1]), dtype=np.int64)
    state = np.zeros((slots, blocks.state.shape[1]), dtype=np.int64)
    first = np.searchsorted(blocks.source, np.arange(blocks.states + 1)).tolist()
    for i in range(blocks.states):
        start, end, base = first[i], first[i + 1], i * stride
        here = slice(base, base + end - start)
        token[here], state[here] = blocks.token[start:end], blocks.state[start:end]
        share = np.zeros(stride)
        share[: end - start] = blocks.probability[start:end]
        share *= width / share.sum()
        threshold, other = _alias(share[:width].tolist())
        cut[base : base + width] = base + np.arange(width) + np.array(threshold)
        alias[base : base + width] = base + np.array(other)
        alias[base + width] = base + int(share.argmax())
    return BlockTables(width, cut, alias, state[:, -1] * float(stride), token, state)


def _alias(share: list[float]) -> tuple[list[float], list[int]]:
    """Walker's tables for weights that sum to their number: the slot's own part of each slot, and whose the rest is.

    What rounding leaves over goes to the most likely outcome, so that none of weight zero is ever drawn.
    """
    likely = max(range(len(share)), key=share.__getitem__)
    own, other = [1.0 if value else 0.0 for value in share], [likely] * len(share)
    left = list(share)
    small = [k for k, value in enumerate(left) if value < 1]
    large = [k for k, value in enumerate(left) if value >= 1]
    while small and large:
        k, donor = small.pop(), large[-1]
        own[k], other[k] = left[k], donor
        left[donor] -= 1 - left[k]
        if left[donor] < 1:
            small.append(large.pop())
    return own, other
