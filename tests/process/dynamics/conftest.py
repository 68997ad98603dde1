"""Processes whose beliefs are known."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hmmdsl.process.process import Process
from tests.process.known_processes import process


@pytest.fixture
def two_zeros() -> Process:
    """After each 1 at least two 0s: every two tokens tell the state, and the future never tells it before."""
    half, one = Fraction(1, 2), Fraction(1)
    return process(
        "two_zeros", "0 1", "A B C", {("A", "0", "A"): half, ("A", "1", "B"): half, ("B", "0", "C"): one, ("C", "0", "A"): one}
    )


@pytest.fixture
def cantor() -> Process:
    """Tosses of a fair coin that move two hidden states they don't depend on: b goes to b/3 or to b/3 + 2/3."""
    sixth = Fraction(1, 6)
    arrows = {
        ("A", "0", "A"): sixth,
        ("A", "0", "B"): 2 * sixth,
        ("B", "0", "B"): 3 * sixth,
        ("A", "1", "A"): 3 * sixth,
        ("B", "1", "A"): 2 * sixth,
        ("B", "1", "B"): sixth,
    }
    return process("cantor", "0 1", "A B", arrows)


@pytest.fixture
def apart() -> Process:
    """Two states with disjoint images under the two tokens: after 0 the weight of A is 1/2 to 9/10, after 1 it is 1/8 to 2/5."""
    twentieth = Fraction(1, 20)
    arrows = {
        ("A", "0", "A"): 9 * twentieth,
        ("A", "0", "B"): twentieth,
        ("A", "1", "A"): 4 * twentieth,
        ("A", "1", "B"): 6 * twentieth,
        ("B", "0", "A"): 2 * twentieth,
        ("B", "0", "B"): 2 * twentieth,
        ("B", "1", "A"): 2 * twentieth,
        ("B", "1", "B"): 14 * twentieth,
    }
    return process("apart", "0 1", "A B", arrows)
