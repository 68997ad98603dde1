"""Clouds of beliefs, their dimensions and Lyapunov exponents, against fractals whose dimension is known."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import log

import numpy as np
import pytest

import hmmdsl
from hmmdsl.process.dynamics.cloud import belief_cloud
from hmmdsl.process.dynamics.dimension import DimensionFit, box_counting, in_order, information
from hmmdsl.process.dynamics.lyapunov import lyapunov, lyapunov_dimension
from hmmdsl.process.ensemble import follow, from_start
from hmmdsl.process.entropies import entropy_rate
from hmmdsl.process.portraying import portrait
from hmmdsl.process.process import Process
from hmmdsl.process.stationary import stationary_distribution
from tests.process.known_processes import mess3, simple_nonunifilar

CANTOR = log(2) / log(3)


def cantor_points(share: float, points: int = 100_000) -> np.ndarray:
    """Draws of the measure on Cantor's set that goes right with this probability."""
    digits = np.random.default_rng(3).random((points, 34)) < share
    return (2 * digits * 3.0 ** -np.arange(1, 35)).sum(axis=1)[:, None]


def test_dimensions_of_cantor_measures() -> None:
    """Box-counting log 2 / log 3 whatever the measure, information H(p) / log 3 (Falconer 2003)."""
    even = cantor_points(0.5)
    for fit in (box_counting(even), information(even)):
        assert fit.dimension is not None
        assert fit.error is not None
        assert fit.error < 0.02
        assert fit.dimension == pytest.approx(CANTOR, abs=0.015)
    uneven = information(cantor_points(0.2))
    assert uneven.dimension == pytest.approx(-(0.2 * log(0.2) + 0.8 * log(0.8)) / log(3), abs=0.02)


def wing(alpha: Fraction, x: Fraction) -> Process:
    """Beliefs that differ in the last digits only for most of the time, so that boxes of a thousandth show no limit."""
    b, half = (1 - alpha) / 2, Fraction(1, 2)
    F = {(0, 1): b, (1, 1): x * alpha, (1, 2): half * b, (2, 0): b}
    Q = {(0, 0): alpha, (0, 2): b, (1, 0): b, (1, 1): (1 - x) * alpha, (1, 2): half * b, (2, 1): b, (2, 2): alpha}
    made = Process("wing", ("F", "Q"), ("s0", "s1", "s2"), (F, Q), ())
    return replace(made, start=stationary_distribution(made.transitions(), 3))


@pytest.mark.parametrize("known", [wing(Fraction(98, 100), Fraction(2, 5)), mess3()], ids=lambda known: known.name)
def test_dimensions_are_in_the_order_that_they_have(known: Process) -> None:
    found = portrait(known).dynamics
    box, measure, bound = found.box_counting, found.information, found.lyapunov
    assert bound is not None
    assert bound.dimension is not None
    assert measure.dimension is not None
    assert box.dimension is not None
    assert measure.dimension <= min(box.dimension, bound.dimension)
    if known.name == "wing":
        # With boxes of 2^-15 to 2^-17 of the extent, over 400,000 beliefs, it is about .36.
        assert measure.error is not None
        assert abs(measure.dimension - 0.36) <= measure.error
        assert "not reached scaling" in measure.reason


def test_a_slope_that_still_changes_says_so() -> None:
    """A coarse square of fine points: two dimensions for large boxes, none for small ones."""
    rng = np.random.default_rng(5)
    fit = box_counting(np.repeat(rng.random((400, 2)), 500, axis=0) + 1e-12 * rng.random((200_000, 2)))
    assert fit.dimension is not None
    assert fit.error is not None
    assert "not reached scaling" in fit.reason
    assert fit.dimension - fit.error <= 0 <= fit.dimension + fit.error


def test_fits_out_of_order_are_moved_and_their_errors_hold_what_they_said() -> None:
    box, measure = in_order(DimensionFit(0.3, 0.1), DimensionFit(0.8, 0.1), 0.5)
    assert (box.dimension, measure.dimension) == (0.5, 0.5)
    assert measure.error == pytest.approx(0.3)
    assert box.error == pytest.approx(0.2)
    assert in_order(DimensionFit(0.6, 0.1), DimensionFit(0.4, 0.1), 0.5) == (DimensionFit(0.6, 0.1), DimensionFit(0.4, 0.1))


def test_dimensions_of_products_add() -> None:
    points = np.concatenate([cantor_points(0.5), cantor_points(0.5)[::-1]], axis=1)
    found = information(points)
    assert found.dimension == pytest.approx(2 * CANTOR, abs=0.05)


def test_a_point_and_too_few_points_say_so() -> None:
    assert box_counting(np.ones((50, 3))).dimension == 0
    few = information(np.random.default_rng(0).random((100, 3)))
    assert few.dimension is None
    assert "too few" in few.reason


def test_a_process_whose_beliefs_are_cantor_s_set(cantor: Process) -> None:
    cloud = belief_cloud(cantor)
    assert cloud is not None
    digits = np.floor(cloud.belief[:, 0] * 3**5 + 1e-9).astype(int)
    while digits.any():
        assert not (digits % 3 == 1).any()
        digits //= 3
    found = lyapunov(cantor, entropy_rate(cantor))
    assert found.exponents == (pytest.approx(-log(3)),)
    assert found.dimension == pytest.approx(CANTOR)
    assert not found.upper_bound_only
    assert information(cloud.belief).dimension == pytest.approx(CANTOR, abs=0.02)
    assert box_counting(cloud.belief).dimension == pytest.approx(CANTOR, abs=0.02)


def test_without_overlap_rate_over_exponent_is_the_information_dimension(apart: Process) -> None:
    rate, cloud = entropy_rate(apart), belief_cloud(apart)
    found = lyapunov(apart, rate)
    assert cloud is not None
    assert not found.upper_bound_only
    assert found.dimension == pytest.approx(-rate.value_nats / found.exponents[0])
    measured = information(cloud.belief)
    assert measured.error is not None
    assert measured.dimension == pytest.approx(found.dimension, abs=3 * measured.error + 0.01)


def test_the_exponents_sum_to_the_volume() -> None:
    """lambda_1 + lambda_2 = sum_x Pr(x) log |det T_x| + 3 h, since chi_1 = -h."""
    rate = entropy_rate(mess3())
    found = lyapunov(mess3(), rate)
    volume = float(mess3().eta @ mess3().emission @ np.log(np.abs(np.linalg.det(mess3().T))))
    assert sum(found.exponents) == pytest.approx(volume + 3 * rate.value_nats, abs=5 * sum(found.errors))
    assert found.upper_bound_only
    assert found.exponents[0] > found.exponents[1]
    assert lyapunov(mess3(), rate) == found


def test_mess3_s_cloud_fills_what_the_exponents_allow() -> None:
    known = mess3(Fraction(15, 100), Fraction(6, 10))
    cloud, found = belief_cloud(known), lyapunov(known, entropy_rate(known))
    assert cloud is not None
    measured = information(cloud.belief)
    assert measured.dimension is not None
    assert measured.error is not None
    assert found.dimension is not None
    assert measured.dimension <= found.dimension + 3 * measured.error


def test_a_reset_contracts_without_bound() -> None:
    found = lyapunov(simple_nonunifilar(), entropy_rate(simple_nonunifilar()))
    assert found.exponents == (-np.inf,)
    assert found.dimension == 0
    assert found.as_json()["exponents"] == [None]


def test_lyapunov_dimensions() -> None:
    """Jurgens & Crutchfield 2021: rate against exponents, one after another, never above their number."""
    assert lyapunov_dimension(log(2), np.array([-log(3)])) == pytest.approx(CANTOR)
    assert lyapunov_dimension(1.0, np.array([-0.5, -1.0])) == pytest.approx(1.5)
    assert lyapunov_dimension(5.0, np.array([-0.5, -1.0])) == 2
    assert lyapunov_dimension(1.0, np.array([-0.5, -np.inf])) == 1


@pytest.mark.parametrize("known", [mess3(), simple_nonunifilar()], ids=lambda known: known.name)
def test_the_cloud_is_the_limit_of_the_words(known: Process) -> None:
    """Means over the cloud are those over all words of great length."""
    cloud = belief_cloud(known)
    assert cloud is not None
    *_, last = follow(known, from_start(known), 60_000, 60)
    for power in (1, 2, 3):
        expected = last.weight @ last.belief**power
        np.testing.assert_allclose((cloud.belief**power).mean(axis=0), expected, atol=0.01)


def test_a_qubit_s_beliefs_lie_on_a_circle() -> None:
    """Weak measurements of a pure state leave it pure: points (1, x, z) of the unit circle."""
    known = hmmdsl.process("std.processes", "bloch_walk").process
    cloud = belief_cloud(known)
    assert cloud is not None
    np.testing.assert_allclose(np.hypot(cloud.belief[:, 1], cloud.belief[:, 2]), 1, atol=1e-3)
    assert information(cloud.belief).dimension == pytest.approx(1, abs=0.02)
