"""Comparing numbers: each kind within what the machines allow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.exchange.agreement import Tolerance, close, compare, tolerances

RESULTS = {"fit": {"gap": 1e-4, "optimum": 0.5, "parameters": 7}, "beliefs": {"block": [{"r2": 0.5}, {"r2": None}]}}
HERE, ELSEWHERE = tolerances(elsewhere=False), tolerances(elsewhere=True)


def with_fit(**changed: float) -> dict[str, object]:
    return {**RESULTS, "fit": {**RESULTS["fit"], **changed}}


def test_the_same_numbers_are_identical_to_the_bit() -> None:
    compared = compare(RESULTS, RESULTS, HERE)
    assert (compared.count, compared.identical, compared.agree) == (5, 5, True)


def test_in_the_same_environment_the_last_bit_counts() -> None:
    compared = compare(RESULTS, with_fit(gap=1e-4 * (1 + 3e-16)), HERE)
    assert [each.path for each in compared.beyond] == ["fit.gap"]


def test_elsewhere_a_small_difference_is_within_tolerance_but_not_identical() -> None:
    compared = compare(RESULTS, with_fit(gap=1e-4 * (1 + 5e-4)), ELSEWHERE)
    assert (compared.identical, compared.agree) == (4, True)


def test_a_large_difference_is_told_with_both_numbers_and_by_how_much() -> None:
    compared = compare(RESULTS, with_fit(gap=2e-4), ELSEWHERE)
    assert [(each.path, each.kind, each.before, each.now) for each in compared.beyond] == [("fit.gap", "measured", 1e-4, 2e-4)]
    assert compared.beyond[0].by == pytest.approx(1e-4)


@pytest.mark.parametrize(("changed", "kind"), [({"parameters": 8}, "count"), ({"optimum": 0.5 + 1e-6}, "rounded")])
def test_counts_and_optima_hold_still_however_large_the_tolerance(changed: dict[str, float], kind: str) -> None:
    compared = compare(RESULTS, with_fit(**changed), tolerances(elsewhere=True, relative=0.5))
    assert [each.kind for each in compared.beyond] == [kind]


@pytest.mark.parametrize("now", [{"fit": RESULTS["fit"]}, {**RESULTS, "more": {"r2": 1.0}}])
def test_a_number_that_only_one_run_has_is_a_difference(now: object) -> None:
    assert not compare(RESULTS, now, ELSEWHERE).agree


@given(st.floats(allow_nan=False, allow_infinity=False) | st.none(), st.floats(0, 1), st.floats(0, 1))
def test_every_number_is_close_to_itself(value: float | None, relative: float, absolute: float) -> None:
    assert close(value, value, Tolerance(relative, absolute))


def test_undefined_is_close_to_undefined_only() -> None:
    assert not close(None, 0.0, Tolerance(1, 1))
