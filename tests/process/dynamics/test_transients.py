"""The transient part of the mixed states."""

from __future__ import annotations

import numpy as np
import pytest

from hmmdsl.process.dynamics.spectral_radius import nonnegative_radius
from hmmdsl.process.dynamics.transients import transients
from hmmdsl.process.mixed_states import mixed_state_presentation
from hmmdsl.process.process import Process
from tests.process.brute_force import words
from tests.process.known_processes import even, golden_mean, mess3, rrxor, zero_one_random


@pytest.mark.parametrize(
    ("known", "transient", "recurrent", "rate"),
    [(golden_mean(), 1, 2, 0), (even(), 2, 2, 0.5**0.5), (zero_one_random(), 4, 3, 0), (rrxor(), 31, 5, 0.5 ** (1 / 3))],
    ids=lambda value: getattr(value, "name", ""),
)
def test_transient_beliefs_die_out_at_their_rate(known: Process, transient: int, recurrent: int, rate: float) -> None:
    found = transients(mixed_state_presentation(known))
    assert found is not None
    assert (found.transient, found.recurrent) == (transient, recurrent)
    assert found.rate == pytest.approx(rate, abs=1e-12)
    mass = [sum(v.sum() for v in words(known, length).values() if (v > 0).sum() > 1) for length in range(9)]
    np.testing.assert_allclose([*found.mass, *[0.0] * 9][:9], mass, atol=1e-12)
    assert found.mean_length is not None
    assert found.mean_length >= sum(found.mass) - 1e-9


def test_an_open_presentation_has_none() -> None:
    assert transients(mixed_state_presentation(mess3(), 100)) is None


def test_nilpotent_blocks_have_radius_zero_exactly() -> None:
    assert nonnegative_radius(np.triu(np.ones((30, 30)), 1)) == 0
    assert nonnegative_radius(np.array([[0, 2.0, 5], [0.5, 0, 7], [0, 0, 0.25]])) == pytest.approx(1)
    large = np.roll(np.diag(np.full(500, 0.5)), 1, axis=1)
    assert nonnegative_radius(large) == pytest.approx(0.5)
