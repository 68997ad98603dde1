import dataclasses
from fractions import Fraction
from math import log2

import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from hmmdsl.process.entropies import entropy_rate, myopic_entropies
from hmmdsl.process.process import Process
from tests.process.belief_grid import CIRCLE, LINE, rate_bits
from tests.process.brute_force import myopic_entropy_nats
from tests.process.known_processes import (
    ALL,
    alternating_coins,
    even,
    golden_mean,
    leaky,
    mess3,
    process,
    rrxor,
    simple_nonunifilar,
    zero_one_random,
)
from tests.process.random_processes import as_floats, processes


@pytest.mark.parametrize(
    ("known", "bits"),
    [(zero_one_random(), 1 / 3), (rrxor(), 2 / 3), (golden_mean(), 2 / 3), (even(), 2 / 3)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_rates_of_unifilar_processes(known: Process, bits: float) -> None:
    rate = entropy_rate(known)
    assert rate.exact
    assert rate.value_bits == pytest.approx(bits, abs=1e-14)


@pytest.mark.parametrize(
    ("known", "bits"),
    [
        (mess3(), 1.1447172664),
        (mess3(Fraction(15, 100), Fraction(6, 10)), 1.5709336190),
        (simple_nonunifilar(), 0.677867181055),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_rates_with_infinitely_many_beliefs(known: Process, bits: float) -> None:
    rate = entropy_rate(known)
    assert rate.value_bits == pytest.approx(bits, abs=1e-9)
    assert rate.lower_bits <= rate.value_bits <= rate.upper_bits
    assert rate.error_bits < 1e-9
    assert rate.value_nats == pytest.approx(bits * np.log(2), abs=1e-9)


def test_a_hard_rate_admits_its_error() -> None:
    """A leak makes beliefs a fractal that polynomials fit badly: the estimate knows what it does not know."""
    rate = entropy_rate(leaky(rrxor(), Fraction(2, 100)))
    assert not rate.exact
    assert rate.lower_bits <= rate.value_bits <= rate.upper_bits
    assert rate.upper_bits - rate.lower_bits < 0.02
    assert rate.error_bits > 1e-9


def channel(good: Fraction, bad: Fraction, worse: Fraction, better: Fraction) -> Process:
    """A channel that is good for long and then bad for long, with errors in shares `good` and `bad` (Gilbert & Elliott)."""
    arrows = {("G", "G"): 1 - worse, ("G", "B"): worse, ("B", "B"): 1 - better, ("B", "G"): better}
    errs = {"G": good, "B": bad}
    emitted = {(i, x, j): p * (errs[i] if x == "1" else 1 - errs[i]) for (i, j), p in arrows.items() for x in "01"}
    return process("channel", "0 1", "G B", emitted)


@pytest.mark.parametrize(
    ("worse", "better", "bad"),
    [(Fraction(1, 1000), Fraction(1, 200), Fraction(1, 10)), (Fraction(1, 10_000), Fraction(1, 100), Fraction(1, 2))],
)
def test_a_slow_channel_s_rate_is_known_as_well_as_it_says(worse: Fraction, better: Fraction, bad: Fraction) -> None:
    """Words of twenty tokens know nothing of states that last for thousands."""
    known = channel(Fraction(1, 1000), bad, worse, better)
    rate, (true, off) = entropy_rate(known), rate_bits(known, LINE, 4000)
    assert abs(rate.value_bits - true) <= rate.error_bits + off
    assert rate.lower_bits - off <= true <= rate.upper_bits + off


def test_estimates_that_disagree_by_more_than_they_say_are_worth_no_more_than_that() -> None:
    """Of three estimates of this rate the one with the least error is wrong by thrice that: another one shows it."""
    known = channel(Fraction(8, 100), Fraction(71, 100), Fraction(57, 1000), Fraction(1, 1000))
    rate, (true, off) = entropy_rate(known), rate_bits(known, LINE, 4000)
    assert abs(rate.value_bits - true) <= rate.error_bits + off


@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # to shrink takes minutes
@example([9, 11, 1, 1], 100)
@given(st.lists(st.integers(1, 99), min_size=4, max_size=4), st.sampled_from([1, 10, 100]))
def test_rates_of_two_states_are_those_on_a_grid(parts: list[int], slower: int) -> None:
    good, bad = Fraction(parts[0], 100), Fraction(parts[1], 100)
    known = channel(good, bad, Fraction(parts[2], 100 * slower), Fraction(parts[3], 100 * slower))
    rate, (true, off) = entropy_rate(known), rate_bits(known, LINE, 2000, wary=slower > 1)
    assert abs(rate.value_bits - true) <= rate.error_bits + off + 1e-12
    assert rate.lower_bits - off - 1e-12 <= true <= rate.upper_bits + off + 1e-12


@pytest.mark.parametrize(("beta", "error"), [(4.3, 1e-7), (7.14142842854285, 1e-7)])
def test_the_rate_of_a_qubit_is_that_of_pure_states(beta: float, error: float) -> None:
    """Weak measurements leave a pure state after a hundred tokens; ten tokens have not seen one."""
    g = 1 / (4 * (1 + beta**2))
    m, o = (1 - beta**2) * g, 2 * beta * g
    quarter = {(0, 0): 0.25, (2, 2): m, (1, 1): 0.25}, {(0, 0): 0.25, (1, 1): m, (2, 2): 0.25}
    operators = (
        {**quarter[1], (0, 2): o, (2, 0): o},
        {**quarter[1], (0, 2): -o, (2, 0): -o},
        {**quarter[0], (0, 1): o, (1, 0): o},
        {**quarter[0], (0, 1): -o, (1, 0): -o},
    )
    walk = Process("walk", tuple("abcd"), ("I", "X", "Z"), operators, (1.0, 0.0, 0.0), right=(1.0, 0.0, 0.0))
    rate, (true, off) = entropy_rate(walk), rate_bits(walk, CIRCLE, 300)
    assert off < 1e-8
    assert abs(rate.value_bits - true) <= rate.error_bits + off
    assert rate.error_bits < error


@pytest.mark.parametrize("known", ALL, ids=lambda known: known.name)
def test_myopic_entropies_are_those_of_the_words(known: Process) -> None:
    found = myopic_entropies(known, 5)
    np.testing.assert_allclose(found.nats, [myopic_entropy_nats(known, n) for n in range(1, 6)], atol=1e-11)
    np.testing.assert_allclose(found.block_bits, np.cumsum(found.bits))


def test_published_myopic_entropies() -> None:
    assert myopic_entropies(rrxor(), 6).bits == pytest.approx((1, 1, 0.9183, 0.9067, 0.8637, 0.8333), abs=5e-5)
    assert myopic_entropies(zero_one_random(), 4).bits == pytest.approx((1, 0.9183, 0.6667, 1 / 3), abs=5e-5)
    assert myopic_entropies(mess3(), 5).bits == pytest.approx((1.584963, 1.237427, 1.173424, 1.151440, 1.146567), abs=1e-6)


def test_merging_equal_beliefs_reaches_deep() -> None:
    assert len(myopic_entropies(simple_nonunifilar(), 300).bits) == 300


def test_too_many_words_end_the_row() -> None:
    assert len(myopic_entropies(mess3(), 30, largest=3**6).bits) == 7


@settings(max_examples=40, deadline=None)
@given(processes())
def test_the_rate_lies_between_the_bounds_of_any_depth(known: Process) -> None:
    rate = entropy_rate(known)
    assert rate.lower_bits <= rate.value_bits <= rate.upper_bits
    if known.start_kind == "stationary":
        assert rate.value_bits <= myopic_entropies(known, 5).bits[-1] + 1e-9


@settings(max_examples=20, deadline=None)
@given(processes(most_states=3))
def test_fractions_and_floats_have_one_rate(known: Process) -> None:
    exact, floats = entropy_rate(known), entropy_rate(as_floats(known))
    assert abs(exact.value_bits - floats.value_bits) <= 2 * (exact.error_bits + floats.error_bits) + 1e-9


def test_the_rate_of_a_mixture_is_the_mean_of_its_components() -> None:
    arrows = {("A", "0", "A"): Fraction(1, 2), ("A", "1", "A"): Fraction(1, 2), ("B", "0", "B"): Fraction(1)}
    mixed = process("mixture", "0 1", "A B", arrows, (Fraction(1, 4), Fraction(3, 4)))
    assert entropy_rate(mixed).value_bits == pytest.approx(1 / 4)


def test_the_rate_forgets_the_start() -> None:
    given_start = dataclasses.replace(mess3(), start=(Fraction(1), Fraction(0), Fraction(0)), start_kind="given")
    assert entropy_rate(given_start).value_bits == pytest.approx(entropy_rate(mess3()).value_bits, abs=1e-9)


def test_coins_in_turn_have_the_mean_rate() -> None:
    assert entropy_rate(alternating_coins(Fraction(1, 4))).value_bits == pytest.approx(2 - 0.75 * log2(3))
