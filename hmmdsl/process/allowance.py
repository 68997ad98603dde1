"""How much theory may be computed while a spec is checked, whoever asks for it: stationary distributions, words, beliefs.

Each such computation has a limit of its own; a file may ask for thousands of them, and each counts what it did here. Outside of a
check nothing is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

THEORY = 2_000_000
"""Work that one check may take: about so many microseconds."""


class OverspentError(Exception):
    """There is more theory to compute than may be; `place` is what it was computed for."""

    def __init__(self, place: Any) -> None:
        super().__init__("theory takes more than may be spent on it")
        self.place = place


@dataclass
class Allowance:
    """Work so far and what it may come to. `place` is where the text asks for what is computed now."""

    most: int
    spent: int = 0
    place: Any = None


_NOW: ContextVar[Allowance | None] = ContextVar("allowance", default=None)


@contextmanager
def theory_within(most: int | None = None) -> Iterator[Allowance]:
    """Count the theory that is computed inside. Within another allowance it is that one's."""
    outer = _NOW.get()
    allowance = outer or Allowance(THEORY if most is None else most)
    token = _NOW.set(allowance)
    try:
        yield allowance
    finally:
        _NOW.reset(token)


def spend_theory(work: float) -> None:
    """Count so many microseconds of work. Raises OverspentError when they are too many."""
    allowance = _NOW.get()
    if allowance is not None:
        allowance.spent += int(work) + 1
        if allowance.spent > allowance.most:
            raise OverspentError(allowance.place)


def theory_spent() -> float:
    """The share of the allowance that is spent; 0 outside of a check."""
    allowance = _NOW.get()
    return allowance.spent / allowance.most if allowance is not None else 0.0


def theory_for(place: Any) -> None:
    """Note where the text asks for what is computed next."""
    allowance = _NOW.get()
    if allowance is not None and place is not None:
        allowance.place = place
