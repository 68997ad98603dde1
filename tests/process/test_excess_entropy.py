"""Excess entropy and transient information against sums over words, and within their bounds."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings

from hmmdsl.process.complexity import complexity
from hmmdsl.process.entropies import entropy_rate, followed_beliefs, myopic_entropies, recurrent_weights
from hmmdsl.process.excess_entropy import by_depth, pushed, solved
from hmmdsl.process.measure import Measure, between, known_digits
from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.structure import ergodic_components
from tests.process.brute_force import myopic_entropy_nats
from tests.process.known_processes import (
    alternating_coins,
    even,
    golden_mean,
    leaky,
    matching_parens,
    mess3,
    rrxor,
    simple_nonunifilar,
    zero_one_random,
)
from tests.process.random_processes import processes

KNOWN = (golden_mean(), even(), zero_one_random(), rrxor(), alternating_coins(), matching_parens(), simple_nonunifilar(), mess3())


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_both_are_sums_over_depths(known: Process) -> None:
    rate = entropy_rate(known)
    found = complexity(known, rate)
    gaps = np.array(myopic_entropies(known, 400).bits) - rate.value_bits
    n = np.arange(1, len(gaps) + 1)
    assert found.excess_entropy.bits == pytest.approx(gaps.sum(), abs=1e-9 + 10 * found.excess_entropy.error_bits)
    assert found.transient_information.bits == pytest.approx(n @ gaps, abs=1e-7 + 10 * found.transient_information.error_bits)


@pytest.mark.parametrize("known", [zero_one_random(), rrxor(), even()], ids=lambda known: known.name)
def test_large_presentations_are_followed_to_the_same_sums(known: Process) -> None:
    msp = followed_beliefs(known)
    weights = recurrent_weights(msp)
    assert weights is not None
    followed, expected = pushed(msp, weights), solved(msp, weights)
    assert followed is not None
    assert followed.excess_entropy.bits == pytest.approx(expected.excess_entropy.bits, abs=1e-12)
    assert followed.transient_information.bits == pytest.approx(expected.transient_information.bits, abs=1e-11)


def test_a_markov_process_of_order_one_by_words() -> None:
    found = complexity(golden_mean(), entropy_rate(golden_mean()))
    gap = myopic_entropy_nats(golden_mean(), 1) / np.log(2) - 2 / 3
    assert found.excess_entropy.bits == pytest.approx(gap)
    assert found.transient_information.bits == pytest.approx(gap)


@pytest.mark.parametrize("known", [even(), rrxor(), zero_one_random()], ids=lambda known: known.name)
def test_bounds_by_depth_hold_the_exact_value(known: Process) -> None:
    rate = entropy_rate(known)
    exact, bounded = complexity(known, rate).excess_entropy, by_depth(known, rate).excess_entropy
    assert bounded.lower_bits is not None
    assert bounded.upper_bits is not None
    assert exact.bits is not None
    assert bounded.lower_bits - 1e-10 <= exact.bits <= bounded.upper_bits + 1e-10
    assert bounded.upper_bits - bounded.lower_bits < 1e-9


@settings(max_examples=25, deadline=None)
@given(processes(most_states=3))
def test_the_value_lies_within_its_bounds(known: Process) -> None:
    found = complexity(known, entropy_rate(known)).excess_entropy
    if found.bits is not None and found.lower_bits is not None and found.upper_bits is not None:
        assert found.lower_bits <= found.bits <= found.upper_bits


@settings(max_examples=25, deadline=None)
@given(processes(most_states=3))
def test_transient_information_is_never_below_what_the_words_prove(drawn: Process) -> None:
    known = ergodic_components(drawn)[0].process
    msp = followed_beliefs(known)
    weights = recurrent_weights(msp)
    assume(weights is not None and len(msp) < 200)
    exact, found = solved(msp, weights).transient_information.bits, by_depth(known, entropy_rate(known)).transient_information
    assert exact is not None
    assert found.lower_bits is not None
    assert found.lower_bits <= exact + 1e-9
    assert found.bits is None or found.bits + found.error_bits >= found.lower_bits


def test_a_long_cycle_is_not_taken_for_what_its_first_words_tell() -> None:
    """The parity of ones in 1,024 numbers, over and over: words of a few tokens know little of where in the cycle they are."""
    n = 1024
    operators: tuple[dict[tuple[int, int], Scalar], ...] = ({}, {})
    for k in range(n):
        operators[k.bit_count() % 2][k, (k + 1) % n] = Fraction(1)
    cycle = Process("cycle", ("0", "1"), tuple(map(str, range(n))), operators, (Fraction(1, n),) * n)
    rate = entropy_rate(cycle)
    # H(L) from where in the cycle words of L tokens are told apart.
    words, T = [""] * n, 0.0
    while len(set(words)) < n:
        counts = np.array(list(Counter(words).values())) / n
        T += np.log2(n) + float(counts @ np.log2(counts))
        words = [word + str(((k + len(word)) % n).bit_count() % 2) for k, word in enumerate(words)]
    assert complexity(cycle, rate).transient_information.bits == pytest.approx(T, rel=1e-9)
    by_words = by_depth(cycle, rate).transient_information
    assert by_words.lower_bits is not None
    assert by_words.lower_bits <= T
    assert by_words.bits is None or abs(by_words.bits - T) <= by_words.error_bits


def test_a_slow_process_admits_what_is_not_known() -> None:
    found = complexity(leaky(rrxor(), Fraction(2, 100)), entropy_rate(leaky(rrxor(), Fraction(2, 100)))).excess_entropy
    assert not found.exact
    assert found.bits is not None
    assert found.error_bits > 1e-4
    assert len(found.digits.partition(".")[2]) <= 4
    assert "±" in found.text


def test_no_digit_is_shown_that_is_not_known() -> None:
    assert known_digits(1.380439, 0.04) == "1.38"
    assert known_digits(1.380439, 0) == "1.380439000"
    assert Measure(1.380439, False, 4e-7).text == "1.3804390 bits, ± 4\xa0×\xa010⁻⁷ (estimated)"
    assert between(None, 1.0, 1.0002, "").text == "1.0001 bits, ± 10⁻⁴ (within bounds)"
    assert between(Measure(1.5, False, 0.1), 1.0, 4.0, "").bounds_text == "between 1.0 and 4.0"
    assert between(None, 1.0, 4.0, "too wide").bits is None
    assert between(Measure(1.2345, False, 1e-5), 1.2344, 1.5, "").bounds_text == "between 1.23 and 1.50", "rounded outwards"
    assert between(Measure(1.2345, False, 1e-5), 1.2399, 1.5001, "").bounds_text == "between 1.23 and 1.51"
