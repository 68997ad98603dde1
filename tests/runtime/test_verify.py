"""Comparing a run with what it said before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.runtime.verify import Verification, close, compare
from hmmdsl.spec.experiment import Verdict

RESULTS = {"fit": {"gap": 1e-4}, "beliefs": {"block": [{"r2": 0.5}, {"r2": None}]}}
HOLDS = Verdict(label="", claim="fit.gap < 1", holds=True, measured={"fit.gap": 1e-4})


def test_the_same_numbers_are_identical_to_the_bit() -> None:
    compared = compare(RESULTS, RESULTS)
    assert (compared.count, compared.identical, compared.agree) == (3, 3, True)


def test_a_small_difference_is_within_tolerance_but_not_identical() -> None:
    compared = compare(RESULTS, {**RESULTS, "fit": {"gap": 1e-4 * (1 + 1e-8)}})
    assert (compared.identical, compared.agree) == (2, True)


def test_a_large_difference_is_told_with_both_numbers() -> None:
    compared = compare(RESULTS, {**RESULTS, "fit": {"gap": 2e-4}})
    assert [(each.path, each.before, each.now) for each in compared.beyond] == [("fit.gap", 1e-4, 2e-4)]


@pytest.mark.parametrize("now", [{"fit": {"gap": 1e-4}}, {**RESULTS, "more": {"r2": 1.0}}])
def test_a_number_that_only_one_run_has_is_a_difference(now: object) -> None:
    assert not compare(RESULTS, now).agree


@given(st.floats(allow_nan=False, allow_infinity=False) | st.none(), st.floats(0, 1), st.floats(0, 1))
def test_every_number_is_close_to_itself(value: float | None, relative: float, absolute: float) -> None:
    assert close(value, value, relative, absolute)


def test_undefined_is_close_to_undefined_only() -> None:
    assert not close(None, 0.0, 1, 1)


def test_other_numbers_fail_on_the_same_machine_and_not_on_another() -> None:
    differs = compare(RESULTS, {**RESULTS, "fit": {"gap": 2e-4}})
    assert not Verification("a", (HOLDS,), (), differs, ()).holds
    assert Verification("a", (HOLDS,), (), differs, ("torch: 1 then, 2 now",)).holds
    fails = HOLDS.model_copy(update={"holds": False})
    assert not Verification("a", (fails,), (), compare(RESULTS, RESULTS), ()).holds
