"""The mixed-state presentation (MSP): the automaton of beliefs that an observer of the process moves through.

Its states are the distinct beliefs `eta T_w / (eta T_w r)`, the start included (r is all ones but for a generalized HMM); reading
token x in belief b leads to `b T[x] / (b T[x] r)`, with probability `b T[x] r` (Crutchfield, Riechers & Ellison 2016; Shai et al.
2024, §2). For an exact process beliefs are vectors of integers without a common factor, so that equality, and with it closure,
is a theorem. Otherwise beliefs within 1e-9 are taken as one, and the result says `numerical`; it says that they close only where
all that are one differ by rounding, and all others by far more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import numpy as np

from hmmdsl.process.effort import entries
from hmmdsl.process.exact_beliefs import BeliefBudgetError, ExactBeliefs, right_vector
from hmmdsl.process.process import Process
from hmmdsl.process.stationary import closed_classes

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64, Int64

EQUAL_BELIEFS = 1e-9
"""Largest difference, in any state's weight, between beliefs that are taken as one where the process is not exact."""

ROUNDING, NEAR = 1e-12, 1e-6
"""Beliefs in floats are equal if they differ by rounding alone, and different if by more than is near. Between the two they may
be beliefs that come closer and closer and stay different for ever: then nothing says that there are finitely many."""

SMALLEST_TOKEN = 1e-12
"""Tokens less probable than this are taken not to occur where the process is not exact."""


@dataclass(frozen=True)
class MixedStates:
    """The MSP as far as it was followed, in breadth-first order: belief 0 is the start.

    belief       Pr(state), one row for each distinct belief
    depth        length of the shortest word that leads to it
    source, token, target, probability
                 one entry for each transition, by source, then token; beliefs that were not followed have none
    sizes        how many beliefs there are within each depth 0, 1, …; the last is their number
    closed       whether every transition leads to one of these beliefs, as exact numbers prove or floats leave no doubt
    blurred      whether they would close, but for floats nearer than different ones are and farther than equal ones
    closed_at    the depth after which nothing new came, None if not closed
    recurrent    whether the belief is met for ever (lies in a closed class), None if not closed
    exact        the beliefs as integers over their sum, by state; None if numerical
    """

    process: Process
    belief: Float64[np.ndarray, "belief state"]
    depth: Int64[np.ndarray, " belief"]
    source: Int64[np.ndarray, " transition"]
    token: Int64[np.ndarray, " transition"]
    target: Int64[np.ndarray, " transition"]
    probability: Float64[np.ndarray, " transition"]
    sizes: tuple[int, ...]
    closed: bool
    closed_at: int | None
    recurrent: Bool[np.ndarray, " belief"] | None
    exact: tuple[tuple[tuple[int, int], ...], ...] | None
    blurred: bool = False

    def __len__(self) -> int:
        return int(self.belief.shape[0])

    @property
    def numerical(self) -> bool:
        """Whether beliefs were compared within a tolerance, not exactly."""
        return self.exact is None

    def fractions(self, belief: int) -> tuple[Fraction, ...]:
        """One belief in exact fractions. Raises ValueError if the presentation is numerical."""
        if self.exact is None:
            raise ValueError(f"{self.process.name} has numbers that are not rational, so its beliefs are floats")
        weights = dict(self.exact[belief])
        right = right_vector(self.process)
        total = sum(value * right[i] for i, value in weights.items())
        return tuple(Fraction(weights.get(i, 0)) / total for i in range(len(self.process.states)))


class _Beliefs(Protocol):
    """Knows the distinct beliefs by number."""

    def start(self) -> int: ...

    def step(self, belief: int) -> Iterator[tuple[int, int, float]]:
        """Token, next belief and probability for each token that can come; new beliefs are numbered on."""
        ...

    def __len__(self) -> int: ...

    def floats(self) -> Float64[np.ndarray, "belief state"]: ...


class _ExactBeliefs(ExactBeliefs):
    """The same as floats besides."""

    def floats(self) -> Float64[np.ndarray, "belief state"]:
        beliefs = np.zeros((len(self.all), len(self.process.states)))
        for k, weights in enumerate(self.all):
            total = sum(value * self.right[i] for i, value in weights)
            for i, value in weights:
                beliefs[k, i] = value * self.scale / total
        return beliefs


class FloatBeliefs:
    """Beliefs in float64, looked up by the cell that a fixed generic projection falls into."""

    def __init__(self, process: Process, work: int) -> None:
        self.process = process
        self.work = work
        states = len(process.states)
        self.direction = np.cos(1.0 + np.arange(states) ** 2)
        self.cell = 2 * NEAR * float(np.abs(self.direction).sum())
        self.blurred = False
        self.cells: dict[int, list[int]] = {}
        self.all: list[Float64[np.ndarray, " state"]] = []

    def _number(self, belief: Float64[np.ndarray, " state"]) -> int:
        cell = int(np.floor(float(belief @ self.direction) / self.cell))
        around = [known for near in (cell - 1, cell, cell + 1) for known in self.cells.get(near, ())]
        if around:
            apart = np.abs(np.array([self.all[known] for known in around]) - belief).max(axis=1)
            nearest = int(apart.argmin())
            self.blurred |= bool(ROUNDING < apart[nearest] < NEAR)
            if apart[nearest] <= EQUAL_BELIEFS:
                return around[nearest]
        self.all.append(belief)
        self.cells.setdefault(cell, []).append(len(self.all) - 1)
        return len(self.all) - 1

    def start(self) -> int:
        eta = self.process.eta
        return self._number(eta / (eta.sum() if self.process.right is None else eta @ self.process.r))

    def step(self, belief: int) -> Iterator[tuple[int, int, float]]:
        # A float's product costs a tenth of an integer's.
        self.work -= entries(self.process) // 10
        if self.work < 0:
            raise BeliefBudgetError
        joint = self.all[belief] @ self.process.T
        for x, mass in enumerate(joint.sum(axis=1) if self.process.right is None else joint @ self.process.r):
            if mass > SMALLEST_TOKEN:
                yield x, self._number(joint[x] / mass), float(mass)

    def __len__(self) -> int:
        return len(self.all)

    def floats(self) -> Float64[np.ndarray, "belief state"]:
        return np.array(self.all)


def mixed_state_presentation(
    process: Process, max_beliefs: int = 20_000, max_depth: int = 1000, max_work: int = 10_000_000
) -> MixedStates:
    """Follow the beliefs from the start, breadth first, until nothing new comes (closed) or a limit is met.

    Limits: `max_beliefs` distinct beliefs, words of `max_depth` tokens, integers of 4,096 bits, and about `max_work` products of
    two 64-bit numbers (10 million are some seconds). Whole depths are followed, so
    `sizes` is right as far as it goes; a depth that would break a limit is left out.
    """
    beliefs = _begun(process, max_work)
    sizes = [1]
    transitions: list[tuple[int, int, int, float]] = []
    first = 0
    closed = False
    for _ in range(max_depth + 1):
        level: list[tuple[int, int, int, float]] = []
        last = len(beliefs)
        try:
            for source in range(first, last):
                for token, target, probability in beliefs.step(source):
                    level.append((source, token, target, probability))
                if len(beliefs) > max_beliefs:
                    raise BeliefBudgetError
        except BeliefBudgetError:
            break
        closed = len(beliefs) == last
        if not closed and len(sizes) > max_depth:
            break
        transitions.extend(level)
        first = last
        if closed:
            break
        sizes.append(len(beliefs))
    blurred = closed and isinstance(beliefs, FloatBeliefs) and beliefs.blurred
    closed = closed and not blurred
    size = sizes[-1]
    ends = np.array([transition[:3] for transition in transitions], dtype=np.int64).reshape(-1, 3)
    return MixedStates(
        process=process,
        belief=beliefs.floats()[:size],
        depth=np.repeat(np.arange(len(sizes)), np.diff([0, *sizes])),
        source=ends[:, 0].copy(),
        token=ends[:, 1].copy(),
        target=ends[:, 2].copy(),
        probability=np.array([transition[3] for transition in transitions]),
        sizes=tuple(sizes),
        closed=closed,
        closed_at=len(sizes) - 1 if closed else None,
        recurrent=_recurrent(transitions, size) if closed else None,
        exact=tuple(beliefs.all[:size]) if isinstance(beliefs, _ExactBeliefs) else None,
        blurred=blurred,
    )


def _begun(process: Process, work: int) -> _Beliefs:
    """The start alone: exact where the process is, and its start is not too long already."""
    if process.exact:
        exact = _ExactBeliefs(process, work)
        try:
            exact.start()
        except BeliefBudgetError:
            pass
        else:
            return exact
    floats = FloatBeliefs(process, work)
    floats.start()
    return floats


def _recurrent(transitions: list[tuple[int, int, int, float]], size: int) -> Bool[np.ndarray, " belief"]:
    mask = np.zeros(size, dtype=bool)
    for members in closed_classes({(source, target): 1.0 for source, _, target, _ in transitions}, size):
        mask[sorted(members)] = True
    return mask
