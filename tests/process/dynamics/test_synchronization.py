"""Synchronization against all words one by one, and against its own laws."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings

from hmmdsl.process.dynamics.causal_machine import CausalMachine, causal_machine
from hmmdsl.process.dynamics.pairs import state_pairs
from hmmdsl.process.dynamics.synchronization import Synchronization, synchronization
from hmmdsl.process.ensemble import follow, from_start
from hmmdsl.process.entropies import followed_beliefs
from hmmdsl.process.process import Process
from hmmdsl.process.structure import ergodic_components
from tests.process.brute_force import words
from tests.process.known_processes import (
    HALF,
    alternating_coins,
    coin,
    even,
    golden_mean,
    matching_parens,
    mess3,
    process,
    rrxor,
    zero_one_random,
)
from tests.process.random_processes import processes

UNIFILAR = (zero_one_random(), rrxor(), golden_mean(), even(), coin(), alternating_coins(), matching_parens())


def machine_of(known: Process) -> CausalMachine:
    found = causal_machine(known)
    assert found is not None
    return found


def of(known: Process) -> Synchronization:
    return synchronization(known, causal_machine(known))


def entropy_bits(weights: np.ndarray) -> float:
    positive = weights[weights > 0]
    return float(-(positive * np.log2(positive)).sum())


def uncertainty_bits(machine: CausalMachine, length: int) -> float:
    """H[S_L | X_0:L] from every word."""
    return sum(entropy_bits(v) + v.sum() * np.log2(v.sum()) for v in words(machine.process, length).values())


def uncertainty_of_the_past_bits(machine: CausalMachine, k: int, length: int) -> float:
    """H[S_k | X_0:L] from every word and every first state."""
    total = 0.0
    for word in product(range(machine.successor.shape[1]), repeat=length):
        joint = np.zeros(len(machine))
        for first in range(len(machine)):
            state, probability, at_k = first, machine.weight[first], first
            for position, x in enumerate(word):
                at_k = state if position == k else at_k
                probability *= machine.emission[state, x]
                if not probability:
                    break
                state = machine.successor[state, x]
            joint[at_k if k < length else state] += probability
        if joint.sum() > 0:
            total += entropy_bits(joint) + joint.sum() * np.log2(joint.sum())
    return total


@pytest.mark.parametrize("known", UNIFILAR, ids=lambda known: known.name)
def test_uncertainty_is_that_of_the_words(known: Process) -> None:
    machine, found = machine_of(known), of(known)
    expected = [uncertainty_bits(machine, length) for length in range(9)]
    shown = [*found.uncertainty_bits, *[0.0] * 9][:9]
    np.testing.assert_allclose(shown, expected, atol=1e-11)


@pytest.mark.parametrize("known", UNIFILAR, ids=lambda known: known.name)
def test_synchronization_information_is_the_sum_over_all_depths(known: Process) -> None:
    machine, found = machine_of(known), of(known)
    levels = follow(machine.process, from_start(machine.process), 100_000, 400)
    by_depth = sum(
        float(-(e.weight[:, None] * np.where(e.belief > 0, e.belief * np.log2(np.maximum(e.belief, 1e-300)), 0)).sum())
        for e in levels
    )
    assert found.information.bits == pytest.approx(by_depth, abs=1e-9 + 2 * found.information.error_bits)


@pytest.mark.parametrize(
    ("known", "markov", "cryptic", "exactly", "word"),
    [
        (golden_mean(), 1, 1, True, "0"),
        (even(), "infinite", 0, True, "0"),
        (zero_one_random(), 3, 0, True, "00"),
        (rrxor(), "infinite", 0, True, "0010"),
        (coin(), 0, 0, True, ""),
        (alternating_coins(), "infinite", 0, False, None),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_orders_and_shortest_words(known: Process, markov: object, cryptic: object, exactly: bool, word: str | None) -> None:
    found = of(known)
    assert (found.markov_order, found.cryptic_order, found.exactly) == (markov, cryptic, exactly)
    assert found.shortest_word == (None if word is None else tuple(word))


def test_orders_of_a_process_with_two_zeros_after_each_one(two_zeros: Process) -> None:
    found, machine = of(two_zeros), machine_of(two_zeros)
    assert (found.markov_order, found.cryptic_order) == (2, 2)
    assert uncertainty_bits(machine, 2) == pytest.approx(0, abs=1e-12)
    assert uncertainty_bits(machine, 1) > 0.1
    assert uncertainty_of_the_past_bits(machine, 2, 8) == pytest.approx(0, abs=1e-12)
    assert uncertainty_of_the_past_bits(machine, 1, 8) > 0.1


@settings(max_examples=30, deadline=None)
@given(processes(most_states=4, most_tokens=2, unifilar=True))
def test_the_cryptic_order_is_where_the_whole_future_tells_the_state(known: Process) -> None:
    (component, *_) = ergodic_components(known)
    machine = causal_machine(component.process)
    pairs = None if machine is None else state_pairs(machine)
    if machine is None or pairs is None:
        return
    order, markov = pairs.cryptic_order, pairs.markov_order
    if markov is not None:
        assert order is not None
        assert order <= markov
        assert uncertainty_bits(machine, markov) == pytest.approx(0, abs=1e-12)
        assert markov == 0 or uncertainty_bits(machine, markov - 1) > 1e-9
    if order is not None and order > 0:
        # A pair that merges is confused for ever: within the states that are possible, two lead to one.
        assert uncertainty_of_the_past_bits(machine, order - 1, order + 5) > 1e-9


@pytest.mark.parametrize("known", [zero_one_random(), even(), golden_mean(), matching_parens()], ids=lambda known: known.name)
def test_time_to_synchronize_is_that_of_the_words(known: Process) -> None:
    found, machine = of(known), machine_of(known)
    assert found.unsynchronized is not None
    shares = [sum(v.sum() for v in words(machine.process, length).values() if (v > 0).sum() > 1) for length in range(10)]
    np.testing.assert_allclose([*found.unsynchronized, *[0.0] * 10][:10], shares, atol=1e-12)


def test_mean_times_are_known() -> None:
    """Even: a 0 tells the state; in A it comes with 1/2, from B it takes one token more: t_A = 1 + t_B / 2, t_B = 1 + t_A."""
    assert of(even()).mean_length == pytest.approx(2 / 3 * 3 + 1 / 3 * 4)
    assert of(even()).rate == pytest.approx(0.5**0.5)


def test_the_bound_over_pairs_holds_and_is_the_rate_of_two_coins() -> None:
    """Coins of 1/4 and 3/4 in turn: the overlap of their tokens is 2 sqrt(3/16) a token."""
    found = of(alternating_coins())
    assert found.rate == pytest.approx(2 * (3 / 16) ** 0.5)
    assert found.information.error_bits < 1e-5
    machine = machine_of(alternating_coins())
    pairs = state_pairs(machine)
    assert pairs is not None
    for length, ensemble in enumerate(follow(machine.process, from_start(machine.process), 1000, 8)):
        rest = sum(uncertainty_bits(machine, n) for n in range(length, 12)) * np.log(2)
        bound = pairs.sum_of_uncertainty_nats(ensemble)
        assert bound is not None
        assert bound >= rest


def test_hidden_states_of_a_fractal_stay_uncertain() -> None:
    found = of(mess3())
    assert found.of == "hidden states"
    assert found.information.bits is None
    assert found.uncertainty_bits[0] == pytest.approx(np.log2(3))
    expected = [sum(entropy_bits(v) + v.sum() * np.log2(v.sum()) for v in words(mess3(), length).values()) for length in range(6)]
    np.testing.assert_allclose(found.uncertainty_bits[:6], expected, atol=1e-11)


def waiting(states: int) -> Process:
    """A 1 or a 0, and then zeros for as many tokens as there are other states."""
    arrows = {(str(i), "0", str((i + 1) % states)): Fraction(1) for i in range(1, states)}
    return process("waiting", "0 1", " ".join(map(str, range(states))), {**arrows, ("0", "1", "1"): HALF, ("0", "0", "0"): HALF})


def test_machines_of_hundreds_of_states_have_their_orders() -> None:
    """As many zeros as the wait is long tell the state, unless they were no wait; a 1 tells it at once."""
    small, large = of(waiting(4)), of(waiting(300))
    assert (small.markov_order, small.cryptic_order, small.exactly) == (3, 3, True)
    assert (large.markov_order, large.cryptic_order, large.exactly) == (299, 299, True)


def test_what_is_too_large_to_be_followed_says_so() -> None:
    found = of(waiting(1500))
    assert found.markov_order is None
    assert "too many" in found.reason


def test_beliefs_of_a_long_ring_close() -> None:
    """Two places of a ring toss a coin: thousands of beliefs, and no more of them with each further token."""
    n, far = 760, 9
    tossed = {(str(i), x, str((i + 1) % n)): HALF for i in (0, far) for x in "01"}
    other = {(str(i), "0", str((i + 1) % n)): Fraction(1) for i in range(n) if i not in (0, far)}
    msp = followed_beliefs(process("ring", "0 1", " ".join(map(str, range(n))), {**tossed, **other}))
    assert (msp.closed, len(msp)) == (True, 4 * n)
