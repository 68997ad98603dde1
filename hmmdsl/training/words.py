"""Words drawn on the network's device, many batches at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from hmmdsl.process.process import Process, strides
from hmmdsl.process.sampling import sampling_tables
from hmmdsl.training.streams import stream

if TYPE_CHECKING:
    from jaxtyping import Int64
    from torch import Tensor

DRAWN_AT_ONCE = 1 << 16
"""About how many words are drawn at a time."""


class WordSource:
    """Independent words of `length` tokens from a process' start, on `device`; MPS has no float64, so there they are drawn on the
    CPU and moved.

    One uniform number decides the token and the next state together: the states' cumulative distributions over these pairs stand
    one after another, each shifted by its state, in one sorted array, and a binary search finds the pair.
    """

    def __init__(self, process: Process, length: int, device: torch.device, seed: int) -> None:
        self.length, self.device = length, device
        self.drawn_on = torch.device("cpu") if device.type == "mps" else device
        self.generator = torch.Generator(self.drawn_on).manual_seed(seed)
        self.process = process
        self.factors: list[tuple[WordSource, int]] = []
        if process.factored:
            # Each factor has random numbers of its own; the tokens are put together, the rightmost factor fastest.
            apart = strides([len(factor.tokens) for factor in process.factors])
            self.factors = [
                (WordSource(factor, length, device, stream(seed, f"factor {k}")), stride)
                for k, (factor, stride) in enumerate(zip(process.factors, apart, strict=True))
            ]
            return
        if process.generalized:
            self.operators, self.emission, self.right, self.eta = (
                torch.tensor(array, device=self.drawn_on) for array in (process.T, process.emission, process.r, process.eta)
            )
            return
        tables = sampling_tables(process)
        self.outcomes = tables.outcomes
        cumulative = torch.from_numpy(tables.cumulative) + torch.arange(len(process.states), dtype=torch.float64)[:, None]
        self.cumulative = cumulative.reshape(-1).to(self.drawn_on)
        self.token = torch.from_numpy(tables.token).reshape(-1).to(self.drawn_on)
        self.state = torch.from_numpy(tables.state).reshape(-1).to(self.drawn_on)
        self.start = torch.from_numpy(tables.start).to(self.drawn_on)
        self.start_state = torch.from_numpy(tables.start_state).to(self.drawn_on)

    def _uniform(self, words: int) -> Tensor:
        return torch.rand(words, generator=self.generator, dtype=torch.float64, device=self.drawn_on)

    def draw(self, words: int) -> Int64[Tensor, "word length"]:
        """That many more words."""
        if self.factors:
            joint = torch.zeros((words, self.length), dtype=torch.int64, device=self.device)
            for source, stride in self.factors:
                joint += source.draw(words) * stride
            return joint
        if self.process.generalized:
            return self._draw_by_beliefs(words).to(self.device)
        first = torch.searchsorted(self.start, self._uniform(words), right=True)
        state = self.start_state[first.clamp_(max=len(self.start) - 1)]
        drawn = torch.empty((words, self.length), dtype=torch.int64, device=self.drawn_on)
        for position in range(self.length):
            pair = torch.searchsorted(self.cumulative, state + self._uniform(words), right=True)
            # state + u may round up to the next whole number, which would be the next state's first pair.
            pair = torch.minimum(pair, (state + 1) * self.outcomes - 1)
            drawn[:, position] = self.token[pair]
            state = self.state[pair]
        return drawn.to(self.device)

    def _draw_by_beliefs(self, words: int) -> Int64[Tensor, "word length"]:
        """A generalized HMM has no hidden states to follow: each token is drawn from the word's belief."""
        belief = (self.eta / (self.eta @ self.right)).repeat(words, 1)
        drawn = torch.empty((words, self.length), dtype=torch.int64, device=self.drawn_on)
        for position in range(self.length):
            cumulative = (belief @ self.emission).clamp(min=0.0).cumsum(dim=1)
            u = self._uniform(words) * cumulative[:, -1]
            token = (cumulative[:, :-1] <= u[:, None]).sum(dim=1)
            drawn[:, position] = token
            belief = torch.bmm(belief[:, None, :], self.operators[token])[:, 0, :]
            belief = belief / (belief @ self.right)[:, None]
        return drawn


class Batches:
    """Batches without end, drawn a block of many at a time."""

    def __init__(self, source: WordSource, size: int) -> None:
        self.source, self.size = source, size
        self.before = source.generator.get_state()
        self.taken = 0
        self._block: tuple[Int64[Tensor, "batch length"], ...] = ()

    def next(self) -> Int64[Tensor, "batch length"]:
        """The next batch of `size` words."""
        if self.taken == len(self._block):
            self.before, self.taken = self.source.generator.get_state(), 0
            self._draw()
        self.taken += 1
        return self._block[self.taken - 1]

    def _draw(self) -> None:
        self._block = torch.split(self.source.draw(self.size * max(1, DRAWN_AT_ONCE // self.size)), self.size)

    def state(self) -> dict[str, Tensor]:
        """The generator's state before the present block was drawn, and how many of its batches are used up."""
        return {"data.generator": self.before, "data.taken": torch.tensor(self.taken)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on with the batch after the one that came last when `state` was asked for."""
        self.before, self.taken = state["data.generator"], int(state["data.taken"])
        self.source.generator.set_state(self.before)
        if self.taken:
            self._draw()
