"""The epsilon-machine of a process in the long run, where its causal states are found to be finite in number.

Whatever is known exactly is known from it."""

from __future__ import annotations

from hmmdsl.process.algebra.epsilon_machine import EpsilonMachine, epsilon_machine
from hmmdsl.process.process import Process

MOST_STATES, MOST_WORK = 500, 500_000
"""Causal states, and products of numbers, that are followed: about half a second."""


def long_run_machine(process: Process) -> EpsilonMachine | None:
    """The machine of a stationary ergodic process, None where it is not found within the budget: there may be infinitely many
    causal states. Unifilar states are merged, however many there are."""
    found = epsilon_machine(process, MOST_STATES, MOST_WORK)
    return found if isinstance(found, EpsilonMachine) and all(found.recurrent) else None


def shows_its_states(machine: EpsilonMachine) -> bool:
    """Whether the future of a machine tells the state that it begins in, almost surely: cryptic order 0, so that E = C_mu.

    It does if and only if no token leads two states into one. If one does, the two are never told apart after it; if none does,
    two states lead to two states for ever, or one of them can't go on, and different states predict differently (Mahoney,
    Ellison & Crutchfield 2009)."""
    return all(
        len({j for (_, j), value in entries.items() if value}) == sum(1 for value in entries.values() if value)
        for entries in machine.process.operators
    )
