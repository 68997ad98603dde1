"""Eigenvalues of T, beside those of the joint matrix of all states that occur."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.algebra.product import product
from hmmdsl.process.process import Process
from hmmdsl.process.spectrum import eigenvalues_but_one, lasting
from hmmdsl.process.stationary import reachable
from hmmdsl.process.structure import support
from tests.process.known_processes import HALF, coin, even, golden_mean, mess3, rrxor, zero_one_random

TWO = mixture({"A": mess3(), "B": mess3(Fraction(15, 100))}, [HALF, HALF])
PHASES = mixture({"A": rrxor(), "B": even()}, [HALF, HALF])
TURNING = Process(
    "turning",
    ("0",),
    ("x", "y", "z"),
    ({(0, 0): Fraction(1), (1, 2): Fraction(1), (2, 1): Fraction(-1)},),
    (Fraction(1), Fraction(0), Fraction(0)),
    "given",
    right=(Fraction(1), Fraction(0), Fraction(0)),
)
"""A generalized HMM whose T turns two dimensions by a quarter: eigenvalues 1, i and -i, of which the last two make no class."""

CASES = {
    "coin": coin(),
    "mess3": mess3(),
    "rrxor": rrxor(),
    "mixture": TWO,
    "phases": PHASES,
    "one of two": replace(TWO, start=(Fraction(1), *[Fraction(0)] * 5), start_kind="given"),
    "generalized": replace(TWO, right=(Fraction(1),) * 6),
    "turning": TURNING,
    "product": product({"left": mess3(), "right": golden_mean()}),
    "two threes": product({"left": rrxor(), "right": zero_one_random()}),
    "three and mixture": product({"left": rrxor(), "middle": PHASES, "right": even()}),
    "turning beside": product({"left": TURNING, "right": rrxor()}),
}


@pytest.mark.parametrize("name", CASES)
def test_they_are_those_of_the_joint_matrix_without_its_ones(name: str) -> None:
    process = CASES[name]
    T = process.T.sum(axis=0)
    if not process.generalized:
        kept = sorted(reachable(process.transitions(), support(process), len(process.states)))
        T = T[np.ix_(kept, kept)]
    own = np.linalg.eigvals(T)
    expected = own[np.abs(own - 1) > 1e-6]
    run = lasting(process)
    assert (run.ones, run.others) == (len(own) - len(expected), len(expected))
    found = eigenvalues_but_one(process, len(process.states))
    assert len(found) == len(expected)
    sizes = np.abs(found)
    np.testing.assert_allclose(sizes, np.sort(sizes)[::-1], atol=1e-9)
    for value in expected:  # each has one of its own; those of zero may be inexact, where T has Jordan blocks
        nearest = np.abs(found - value).argmin()
        assert abs(found[nearest] - value) < 1e-4
        found = np.delete(found, nearest)


def test_only_the_largest_are_told_of_very_many() -> None:
    """The joint classes and states of six mixtures are never written out."""
    many = product({f"f{k}": PHASES for k in range(6)})
    found = eigenvalues_but_one(many, 16)
    np.testing.assert_allclose(np.abs(found), 1)
    assert lasting(many).ones + lasting(many).others == 7**6
    assert np.abs(found - 1).min() > 0.5


def test_a_component_that_forgets_slowly_keeps_its_eigenvalue() -> None:
    """As near to 1 as can be, it is no closed class."""
    slow = mess3(Fraction(1, 10**12))
    found = eigenvalues_but_one(mixture({"A": slow, "B": coin()}, [HALF, HALF]), 3)
    np.testing.assert_allclose(found, [1 - 3e-12] * 2, atol=1e-14)
