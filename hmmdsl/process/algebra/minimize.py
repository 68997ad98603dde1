"""The smallest unifilar process with the same words."""

from __future__ import annotations

from dataclasses import replace

from hmmdsl.process.algebra.epsilon_machine import MOST_STATES, MOST_WORK, Unclosed, epsilon_machine
from hmmdsl.process.algebra.failure import AlgebraError
from hmmdsl.process.process import Process


class UnclosedError(AlgebraError):
    """There is no finite epsilon-machine within the budget; `found` says how far it got."""

    def __init__(self, found: Unclosed) -> None:
        super().__init__(found.reason, "minimize a process with finitely many causal states, or use this one as it is")
        self.found = found


def minimize(process: Process, name: str | None = None, most_states: int = MOST_STATES, most_work: int = MOST_WORK) -> Process:
    """The epsilon-machine of a process, as a process: every word keeps its probability. Minimizing twice changes nothing more.

    States that were merged have the name of the first of them; causal states that are no states of the process are `c[0]`, ….
    Tokens that never come stay in the vocabulary; parts are lost.

    A generalized HMM with finitely many causal states becomes an ordinary HMM.

    Raises UnclosedError if the causal states are not found within the budget of states and
    of products of numbers.
    """
    machine = epsilon_machine(process, most_states, most_work)
    if isinstance(machine, Unclosed):
        raise UnclosedError(machine)
    return replace(machine.process, name=name or f"minimize({process.name})")
