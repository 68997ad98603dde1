"""Which beliefs count as one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.process.distinct import distinct
from hmmdsl.process.history_tree import build_history_tree


@given(st.integers(1, 40), st.integers(1, 5), st.integers(0, 1000))
def test_copies_with_rounding_are_one_and_others_are_not(classes: int, copies: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    centres = random.dirichlet(np.ones(4), size=classes)
    expected = random.permutation(np.repeat(np.arange(classes), copies))
    found = distinct(centres[expected] + 1e-12 * random.normal(size=(len(expected), 4)))
    assert len(set(zip(expected.tolist(), found.tolist(), strict=True))) == classes == found.max() + 1


def test_a_grid_line_parts_nothing() -> None:
    for place in (0.0, 0.5e-9, 1e-9, 0.1, 1 / 3):
        assert distinct(np.array([[place - 1e-13], [place + 1e-13]])).tolist() == [0, 0]


def test_vectors_that_differ_in_one_coordinate_alone_are_told_apart() -> None:
    assert distinct(np.array([[0.5, 0.2, 0.3], [0.5, 0.3, 0.2], [0.5, 0.2, 0.3]])).tolist() == [0, 1, 0]


def test_rrxor_has_35_beliefs_after_a_token() -> None:
    from fractions import Fraction

    from hmmdsl.process.process import Process

    half, sixth, one = Fraction(1, 2), Fraction(1, 6), Fraction(1)
    zeros = {(0, 1): half, (1, 4): half, (2, 3): half, (4, 0): one}
    ones = {(0, 2): half, (1, 3): half, (2, 4): half, (3, 0): one}
    rrxor = Process("rrxor", ("0", "1"), ("S", "S0", "S1", "T", "F"), (zeros, ones), (2 * sixth, *[sixth] * 4))
    assert distinct(build_history_tree(rrxor, 10).belief).max() + 1 == 35
