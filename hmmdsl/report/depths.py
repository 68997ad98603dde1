"""How deep the histories are followed that a figure shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hmmdsl.process.counting import count_histories

if TYPE_CHECKING:
    from hmmdsl.process.process import Process

SIMPLEX_HISTORIES = 100_000
"""Histories whose beliefs a figure of a process shows at most."""

DEEPEST = 24
"""Tokens of the longest histories in a figure."""


def deepest(process: Process, histories: int) -> int:
    """The largest length at which all shorter words together are no more than so many histories (at least 1, at most 24)."""
    total = 0
    for length, count in enumerate(count_histories(process, DEEPEST), start=1):
        total += count
        if total > histories:
            return max(1, length - 1)
    return DEEPEST
