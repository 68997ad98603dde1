"""Which products are small enough to be drawn as a whole; larger ones are drawn by their factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hmmdsl.process.process import Process

JOINT_STATES, JOINT_TRANSITIONS = 64, 10_000
"""Products of more states or transitions are drawn by their factors."""


def drawn_whole(process: Process) -> bool:
    """Whether the joint beliefs and matrices of a process are drawn: those of any process but a large product."""
    return not process.factored or (len(process.states) <= JOINT_STATES and process.transition_count <= JOINT_TRANSITIONS)
