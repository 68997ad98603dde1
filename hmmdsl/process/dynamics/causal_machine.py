"""The recurrent causal states of a process as arrays, where they are finitely many: what synchronization is to.

The machine is unifilar and minimal, and begins in its stationary distribution (Crutchfield & Young 1989; Shalizi & Crutchfield
2001).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.algebra.epsilon_machine import EpsilonMachine, epsilon_machine
from hmmdsl.process.algebra.lumping import coarsest_lumping, lumped
from hmmdsl.process.entropies import recurrent_weights
from hmmdsl.process.process import Process

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

    from hmmdsl.process.mixed_states import MixedStates

MOST_STATES, MOST_WORK = 500, 500_000
"""Causal states, and products of numbers, that are followed: about half a second."""


@dataclass(frozen=True)
class CausalMachine:
    """The recurrent causal states of an ergodic process.

    process    the machine as a process from its stationary start
    successor  the state that a token leads to, -1 where it cannot come
    emission   Pr(token | state)
    weight     the stationary distribution
    """

    process: Process
    successor: Int64[np.ndarray, "state token"]
    emission: Float64[np.ndarray, "state token"]
    weight: Float64[np.ndarray, " state"]

    def __len__(self) -> int:
        return len(self.weight)


def causal_machine(process: Process, presentation: MixedStates) -> CausalMachine | None:
    """The machine of a stationary ergodic process, None where it is not found within the budget: there may be infinitely many
    causal states. `presentation` is the process' mixed-state presentation, as far as it was followed."""
    if process.generalized:
        return _of_closed(presentation)
    found = epsilon_machine(process, MOST_STATES, MOST_WORK)
    if not isinstance(found, EpsilonMachine) or not all(found.recurrent):
        return None
    return _as_arrays(found.process)


def _of_closed(msp: MixedStates) -> CausalMachine | None:
    """From the beliefs of a generalized HMM that are met for ever, if they close."""
    weights = recurrent_weights(msp)
    if weights is None:
        return None
    kept = {int(k): n for n, k in enumerate(np.flatnonzero(weights > 0))}
    operators: list[dict[tuple[int, int], float]] = [{} for _ in msp.process.tokens]
    every = zip(msp.source.tolist(), msp.token.tolist(), msp.target.tolist(), msp.probability.tolist(), strict=True)
    for source, token, target, probability in every:
        if source in kept and target in kept:
            operators[token][kept[source], kept[target]] = probability
    names = tuple(f"c[{k}]" for k in range(len(kept)))
    start = tuple(float(weights[k]) for k in kept)
    made = Process(msp.process.name, msp.process.tokens, names, tuple(operators), start)
    return _as_arrays(lumped(made, coarsest_lumping(made)))


def _as_arrays(machine: Process) -> CausalMachine:
    successor = np.full((len(machine.states), len(machine.tokens)), -1, dtype=np.int64)
    for x, entries in enumerate(machine.operators):
        for (i, j), value in entries.items():
            if value:
                successor[i, x] = j
    return CausalMachine(machine, successor, machine.emission, machine.eta)
