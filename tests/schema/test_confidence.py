"""Intervals over seeds, against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.schema.confidence import interval, paired, student_quantile

NUMBERS = st.floats(-1e3, 1e3).map(lambda x: round(x, 4))


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 30, 99, 1000])
@pytest.mark.parametrize("probability", [0.5, 0.75, 0.975, 0.9995])
def test_quantiles_are_those_of_scipy(probability: float, freedom: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    assert student_quantile(probability, freedom) == pytest.approx(stats.t.ppf(probability, freedom), rel=1e-10, abs=1e-12)


@given(st.lists(NUMBERS, min_size=2, max_size=12), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
@settings(max_examples=30, deadline=None)
def test_the_interval_of_a_mean_is_that_of_scipy(values: list[float], level: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    found = interval(values, level)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-9)
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    low, high = stats.t.interval(level, len(values) - 1, loc=np.mean(values), scale=error) if error > 0 else (found.mean,) * 2
    assert found.lower == pytest.approx(low, abs=1e-8)
    assert found.upper == pytest.approx(high, abs=1e-8)


def test_intervals_of_normal_runs_hold_the_truth_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    drawn = random.normal(1.0, 2.0, (4000, 5))
    found = [interval(list(row)) for row in drawn]
    covered = np.mean([one.lower <= 1.0 <= one.upper for one in found if one.lower is not None and one.upper is not None])
    assert abs(covered - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 4000)


def test_one_run_has_a_mean_and_no_interval() -> None:
    found = interval([0.5])
    assert (found.count, found.mean, found.sd, found.lower, found.upper) == (1, 0.5, None, None, None)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=8))
@settings(max_examples=20, deadline=None)
def test_pairs_have_the_interval_of_their_differences(pairs: list[tuple[float, float]]) -> None:
    first, second = zip(*pairs, strict=True)
    assert paired(first, second) == interval([a - b for a, b in pairs])


def test_pairs_with_a_run_missing_are_left_out() -> None:
    assert paired([1.0, None, 3.0], [0.5, 1.0, 1.0]) == interval([0.5, 2.0])
    assert paired([None], [1.0]) is None
