"""A claim judged with each of several seeds: how often it must hold, its margin over them, and when it is fragile."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.language.claims.counting import chance_of_turning, counted
from hmmdsl.language.claims.resolution import judge
from hmmdsl.schema.experiment import Verdict
from tests.language.record_specs import compiled

HEAD = """
import std.processes (golden_mean)
model net: transformer { layers = 1, d_model = 8, context = 3 }
train fit { process = golden_mean(), model = net, steps = 3 }
"""


def verdict(losses: Sequence[float | None], claim: str = "fit.loss < 1", head: str = "", gap: float = 0.1) -> Verdict:
    """The verdict on a claim whose network has these losses, by seed."""
    (claimed,) = compiled(f"{HEAD}replicate {{ seeds = 0..{len(losses)} }}\nexpect {head}{claim}\n").claims
    results = {seed: {"fit": {"loss": loss, "gap": gap}} for seed, loss in enumerate(losses)}
    by_seed = {seed: judge(claimed, results[seed]) for seed in results}
    return counted(claimed, by_seed[0], by_seed, results)


def test_it_must_hold_with_all_seeds() -> None:
    assert verdict([0.5, 0.6, 0.7]).holds
    failed = verdict([0.5, 1.5, 0.7, 2.5])
    assert not failed.holds
    assert failed.reason == ("with seed 1: fit.loss is 1.5, not below 1")
    assert failed.replicated is not None
    assert failed.replicated.holds == (True, False, True, False)
    assert failed.measured == {"fit.loss": 0.5}


@pytest.mark.parametrize(("required", "holds"), [(1, True), (2, True), (3, False), (4, False)])
def test_it_must_hold_as_often_as_stated(required: int, holds: bool) -> None:
    found = verdict([0.5, 1.5, 0.7, 2.5], head=f"in {required} of 4: ")
    assert found.holds is holds
    assert bool(found.reason) is not holds


def test_of_two_parts_the_one_that_is_nearer_in_spreads_counts() -> None:
    losses = [0.5, 0.6, 0.7, 0.9]  # 1.9 of their spreads below 1
    either = verdict(losses, "fit.gap < 0.11 and fit.loss < 1")
    assert either.margin == verdict(losses).margin
    assert either.margin is not None
    assert either.margin.fragile


def test_margin_and_numbers_have_their_spread() -> None:
    losses = [0.5, 0.6, 0.7, 0.9]
    found = verdict(losses)
    assert found.margin is not None
    assert found.replicated is not None
    assert found.replicated.margin is not None
    assert found.margin.source == "replication"
    assert found.margin.value == pytest.approx(statistics.fmean(1 - loss for loss in losses))
    assert found.margin.spread == pytest.approx(statistics.stdev(losses))
    assert found.replicated.margin.spreads == pytest.approx(found.margin.spreads)
    number = found.replicated.numbers["fit.loss"]
    assert number.values == tuple(losses)
    assert number.mean == pytest.approx(statistics.fmean(losses))
    assert number.lower is not None
    assert number.upper is not None
    half = 3.182446 * statistics.stdev(losses) / 2  # Student's t with 3 degrees of freedom
    assert (number.lower, number.upper) == pytest.approx((number.mean - half, number.mean + half), rel=1e-6)


def test_terms_that_were_compared_have_their_spread_too() -> None:
    found = verdict([0.5, 0.7], "max([fit.loss, fit.gap]) < 1 + fit.gap")
    assert found.replicated is not None
    assert {"max([fit.loss, fit.gap])", "fit.loss", "fit.gap"} <= set(found.replicated.numbers)
    assert found.replicated.numbers["max([fit.loss, fit.gap])"].mean == pytest.approx(0.6)


def test_a_bound_close_to_the_mean_is_fragile() -> None:
    losses = [0.5, 0.6, 0.7, 0.9]
    near = statistics.fmean(losses) + 0.1 * statistics.stdev(losses)
    far = statistics.fmean(losses) + 3.1 * statistics.stdev(losses)
    assert verdict(losses, f"fit.loss < {near}").margin.fragile is True  # type: ignore[union-attr]
    assert verdict(losses, f"fit.loss < {far}").margin.fragile is False  # type: ignore[union-attr]


def test_a_claim_that_counts_is_fragile_if_other_seeds_may_well_turn_it() -> None:
    """All eight hold within three spreads: with eight others at least four do, and six may not."""
    losses = [0.5, 0.6, 0.7, 0.9, 0.5, 0.6, 0.7, 0.9]
    for required, fragile in ((8, True), (6, True), (4, False), (1, False)):
        margin = verdict(losses, head=f"in {required} of 8: ").margin
        assert margin is not None
        assert margin.fragile is fragile
    far = verdict(losses, "fit.loss < 2", head="in 6 of 8: ").margin
    assert far is not None
    assert far.fragile is False


def test_a_seed_without_a_number_fails_and_is_left_out_of_means() -> None:
    found = verdict([0.5, None, 0.7], head="in 2 of 3: ")
    assert found.holds
    assert found.replicated is not None
    assert found.replicated.numbers["fit.loss"].values == (0.5, None, 0.7)
    assert found.replicated.numbers["fit.loss"].mean == pytest.approx(0.6)
    none = verdict([None, None])
    assert not none.holds
    assert none.margin is not None
    assert none.margin.value is None
    assert none.margin.fragile is None


def test_it_is_read_back_as_it_was_written() -> None:
    found = verdict([0.5, 1.5, None, 0.7], head="in 2 of 4: ")
    plain = found.model_dump(mode="json")
    assert plain["replicated"]["held"] == 2
    assert plain["replicated"]["numbers"]["fit.loss"]["spreads"] == pytest.approx(0.9 / statistics.stdev([0.5, 1.5, 0.7]))
    assert Verdict.model_validate(plain) == found


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(st.integers(0, n), st.integers(1, n), st.just(n))))
def test_the_chance_is_that_of_the_rule_of_succession(case: tuple[int, int, int]) -> None:
    """Against the sum in whole numbers: any order of n seeds that held and n others is as likely."""
    held, required, seeds = case
    turns = range(required) if held >= required else range(required, seeds + 1)
    ways = sum(comb(held + j, j) * comb(2 * seeds - held - j, seeds - j) for j in turns)
    assert chance_of_turning(held, required, seeds) == pytest.approx(ways / comb(2 * seeds + 1, seeds))
