"""Bounds on the excess entropy from both sides of the present, against exact values and blocks of tokens on both sides."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings

from hmmdsl.process import two_sided
from hmmdsl.process.algebra.transforms import reverse
from hmmdsl.process.complexity import complexity
from hmmdsl.process.entropies import entropy_rate
from hmmdsl.process.process import Process
from hmmdsl.process.structure import ergodic_components
from hmmdsl.process.two_sided import _told as told
from hmmdsl.process.two_sided import two_sided_bounds
from tests.process.known_processes import even, golden_mean, leaky, mess3, rrxor, zero_one_random
from tests.process.random_processes import processes


def block_information(process: Process, tokens: int, told: bool) -> float:
    """I[X_-k:0; X_0:k] in nats by brute force; if `told`, the hidden states at both ends are part of past and future."""
    words = list(product(range(len(process.tokens)), repeat=tokens))
    products = np.array([np.linalg.multi_dot([np.eye(len(process.states)), *(process.T[x] for x in w)]) for w in words])
    before = (process.eta[:, None, None] * products.transpose(1, 0, 2)).reshape(-1, len(process.states))
    after = products.transpose(0, 2, 1).reshape(-1, len(process.states))
    if not told:
        before = process.eta @ products
        after = products.sum(axis=2)
    joint = before @ after.T
    past, future = before.sum(axis=1), (process.eta @ after.T)
    seen = joint > 0
    return float((joint * np.log(np.where(seen, joint / np.where(seen, np.outer(past, future), 1), 1))).sum())


@pytest.mark.parametrize("known", [golden_mean(), even(), zero_one_random(), rrxor()], ids=lambda known: known.name)
def test_bounds_hold_the_exact_value(known: Process) -> None:
    exact = complexity(known, entropy_rate(known)).excess_entropy.bits
    assert exact is not None
    lower, upper = two_sided_bounds(known)
    assert lower - 1e-12 <= exact * np.log(2) <= upper + 1e-12


@settings(max_examples=20, deadline=None)
@given(processes(most_states=3))
def test_bounds_agree_with_blocks_on_both_sides(drawn: Process) -> None:
    known = ergodic_components(drawn)[0].process
    lower, upper = two_sided_bounds(known, most_words=300, most_cells=100)
    assert lower <= block_information(known, 3, told=True) + 1e-10
    assert upper >= block_information(known, 3, told=False) - 1e-10


@settings(max_examples=20, deadline=None)
@given(processes(most_states=3))
def test_time_reversed_the_bounds_hold_the_same_value(drawn: Process) -> None:
    known = ergodic_components(drawn)[0].process
    lower, upper = two_sided_bounds(known, most_words=300, most_cells=100)
    backwards = two_sided_bounds(reverse(known), most_words=300, most_cells=100)
    assert max(lower, backwards[0]) <= min(upper, backwards[1]) + 1e-10


def test_more_words_bring_the_bounds_together() -> None:
    widths = []
    for most in (20, 200, 2000):
        lower, upper = two_sided_bounds(mess3(), most_words=most)
        widths.append(upper - lower)
    assert widths[0] > 2 * widths[1] > 8 * widths[2]


def test_a_slow_process_is_known_within_a_twentieth_of_a_bit() -> None:
    slow = leaky(rrxor(), Fraction(2, 100))
    lower, upper = two_sided_bounds(slow)
    assert upper - lower < 0.05 * np.log(2)
    found = complexity(slow, entropy_rate(slow))
    assert found.excess_entropy.lower_bits == pytest.approx(lower / np.log(2))
    assert found.excess_entropy.upper_bits == pytest.approx(upper / np.log(2))
    assert found.transient_information.lower_bits is not None
    assert found.transient_information.lower_bits > 3


def test_a_start_of_its_own_has_no_past() -> None:
    known = golden_mean()
    given = Process(known.name, known.tokens, known.states, known.operators, (Fraction(1), Fraction(0)), "given")
    with pytest.raises(ValueError, match="stationary"):
        two_sided_bounds(given)


def test_a_process_that_never_forgets_its_state_takes_no_more_rounds_than_any(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Fraction(1, 10**6)
    A, B = {(0, 0): 1 - slow, (1, 1): 1 - 3 * slow, (1, 0): 3 * slow}, {(0, 1): slow}
    process = Process("slow", ("0", "1"), ("A", "B"), (A, B), (Fraction(3, 4), Fraction(1, 4)))
    rounds = []
    monkeypatch.setattr(two_sided, "_told", lambda joint: rounds.append(len(joint)) or told(joint))
    lower, upper = two_sided.two_sided_bounds(process)
    assert len(rounds) <= 2 * (two_sided.MOST_ROUNDS + 2)
    assert max(rounds) < 100  # words that are done are not looked at again
    assert lower <= block_information(process, 3, told=True) + 1e-10
    assert block_information(process, 3, told=False) - 1e-10 <= upper
