"""The recurrent causal states of a process as arrays, where they are finitely many: what synchronization is to.

The machine is unifilar and minimal, and begins in its stationary distribution (Crutchfield & Young 1989; Shalizi & Crutchfield
2001).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.algebra.long_run import long_run_machine
from hmmdsl.process.process import Process

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64


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


def causal_machine(process: Process) -> CausalMachine | None:
    """The machine of a stationary ergodic process, None where it is not found within the budget: there may be infinitely many
    causal states."""
    found = long_run_machine(process)
    return None if found is None else _as_arrays(found.process)


def _as_arrays(machine: Process) -> CausalMachine:
    successor = np.full((len(machine.states), len(machine.tokens)), -1, dtype=np.int64)
    for x, entries in enumerate(machine.operators):
        for (i, j), value in entries.items():
            if value:
                successor[i, x] = j
    return CausalMachine(machine, successor, machine.emission, machine.eta)
