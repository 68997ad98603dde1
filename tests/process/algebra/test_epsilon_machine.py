from dataclasses import replace
from fractions import Fraction
from math import log2

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hmmdsl.process.algebra.epsilon_machine import EpsilonMachine, Unclosed, epsilon_machine
from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.algebra.product import product
from hmmdsl.process.algebra.random_hmm import random_hmm
from hmmdsl.process.algebra.switch import switch
from hmmdsl.process.algebra.transforms import UnclosedError, minimize, relabel, reverse
from hmmdsl.process.complexity import complexity
from hmmdsl.process.entropies import entropy_rate
from hmmdsl.process.process import Entries, Process, Scalar
from hmmdsl.process.structure import is_unifilar
from tests.process.algebra.exact_words import exact_words, is_process
from tests.process.known_processes import (
    ALL,
    alternating_coins,
    coin,
    even,
    golden_mean,
    mess3,
    rrxor,
    simple_nonunifilar,
    zero_one_random,
)
from tests.process.random_processes import as_floats, processes

HALF = Fraction(1, 2)


def machine(known: Process) -> EpsilonMachine:
    found = epsilon_machine(known)
    assert isinstance(found, EpsilonMachine)
    return found


def binary(p: float) -> float:
    return -p * log2(p) - (1 - p) * log2(1 - p)


@pytest.mark.parametrize("p", [0.5, 0.3])
def test_golden_mean_even_and_coin(p: float) -> None:
    """A is left with probability p and B always: pi_A = 1 / (1 + p), h = pi_A H(p), C_mu = H(pi_A)."""
    share = Fraction(p).limit_denominator(10)
    for known in (golden_mean(share), even(share)):
        found = machine(known)
        assert found.causal_states == 2
        assert found.statistical_complexity_bits == pytest.approx(binary(1 / (1 + p)), abs=1e-14)
        assert found.entropy_rate_bits == pytest.approx(binary(p) / (1 + p), abs=1e-14)
    tossed = machine(coin(share))
    assert (tossed.causal_states, tossed.statistical_complexity_bits) == (1, 0)
    assert tossed.entropy_rate_bits == pytest.approx(binary(p), abs=1e-14)


@pytest.mark.parametrize(
    ("known", "states", "stored"),
    [(zero_one_random(), 3, log2(3)), (rrxor(), 5, log2(108) / 3), (alternating_coins(), 2, 1.0)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_known_machines(known: Process, states: int, stored: float) -> None:
    found = machine(known)
    assert found.causal_states == states
    assert found.statistical_complexity_bits == pytest.approx(stored, abs=1e-14)
    assert all(found.recurrent)


def test_a_presentation_that_is_not_unifilar_is_made_so() -> None:
    """Reversed, the golden mean's arrows into one state part; it is the golden mean still."""
    found = minimize(reverse(golden_mean()))
    assert is_unifilar(found)
    assert found.states == ("c[0]", "c[1]")
    assert exact_words(found, 6) == exact_words(golden_mean(), 6)


def test_redundant_states_are_merged_where_beliefs_never_close() -> None:
    doubled = product({"coins": alternating_coins(), "idle": relabel(alternating_coins(), {"0": "x", "1": "x"})})
    found = machine(doubled)
    assert found.causal_states == 2
    assert found.statistical_complexity_bits == 1


def test_recurrent_states_are_found_where_transient_ones_never_close() -> None:
    """Which task it is must be inferred until the first choice is seen, and never after."""
    tasks = switch(coin(Fraction(1, 3)), {"heads": golden_mean(), "tails": rrxor()}, end=Fraction(1, 10))
    found = machine(tasks)
    assert found.process.start_kind == "stationary"
    assert is_process(found.process)
    assert exact_words(found.process, 5) == exact_words(tasks, 5)


def test_a_given_start_keeps_transient_causal_states() -> None:
    begun = Process(
        "begun", *(getattr(golden_mean(), field) for field in ("tokens", "states", "operators")), (HALF, HALF), "given"
    )
    found = machine(begun)
    assert found.recurrent == (False, True, True)
    assert found.causal_states == 2
    assert found.statistical_complexity_bits == pytest.approx(binary(2 / 3))
    assert exact_words(found.process, 5) == exact_words(begun, 5)


def test_equal_components_merge_and_others_stay_apart() -> None:
    mixed = mixture({"A": rrxor(), "B": reverse(reverse(rrxor())), "C": coin()}, (Fraction(1, 4), Fraction(1, 4), HALF))
    found = machine(mixed)
    assert found.causal_states == 6
    assert found.statistical_complexity_bits == pytest.approx(1 + log2(108) / 6)
    assert exact_words(found.process, 4) == exact_words(mixed, 4)


def test_a_choice_seen_once_has_no_one_complexity() -> None:
    found = machine(switch(coin(), {"heads": golden_mean(), "tails": zero_one_random()}))
    assert found.stationary is None
    assert found.statistical_complexity_bits is None
    assert found.entropy_rate_bits is None


@pytest.mark.parametrize("known", [mess3(), simple_nonunifilar(), ALL[-1]], ids=lambda known: known.name)
def test_infinitely_many_causal_states_are_no_hang(known: Process) -> None:
    found = epsilon_machine(known, most_states=500)
    assert isinstance(found, Unclosed)
    assert found.growth[:2] == (1, 1 + len(known.tokens))
    assert found.found <= 500
    assert "more causal states than could be followed" in found.reason
    with pytest.raises(UnclosedError, match="perhaps infinitely many"):
        minimize(known, most_states=500)


def test_little_work_is_soon_done() -> None:
    found = epsilon_machine(mess3(), most_work=100)
    assert isinstance(found, Unclosed)
    assert found.growth == (1, 4)


def test_what_never_closes_may_still_settle_into_known_states() -> None:
    """Coins in turn, the first of the two unknown but not at even odds: beliefs go on for ever, and recurrent states are two."""
    coins = alternating_coins()
    begun = Process("begun", coins.tokens, coins.states, coins.operators, (Fraction(1, 3), Fraction(2, 3)), "given")
    found = epsilon_machine(begun, most_states=300)
    assert isinstance(found, Unclosed)
    assert found.recurrent is not None
    assert found.recurrent.causal_states == 2
    assert found.recurrent.statistical_complexity_bits == 1


@settings(max_examples=60, deadline=None)
@given(processes(4, 3, unifilar=True) | processes(3, 2))
def test_minimizing_leaves_all_words_and_is_idempotent(known: Process) -> None:
    try:
        small = minimize(known, most_states=200, most_work=50_000)
    except UnclosedError:
        return
    assert is_process(small)
    assert is_unifilar(small)
    assert exact_words(small, 5) == exact_words(known, 5)
    again = minimize(small)
    assert (again.states, again.operators, again.start) == (small.states, small.operators, small.start)


@settings(max_examples=30, deadline=None)
@given(processes(4, 2, unifilar=True))
def test_numbers_agree_with_the_portrait(known: Process) -> None:
    found = epsilon_machine(known, most_states=500)
    rate = entropy_rate(known)
    if isinstance(found, EpsilonMachine) and found.entropy_rate_bits is not None:
        assert found.entropy_rate_bits == pytest.approx(rate.value_bits, abs=1e-9)
        stored = complexity(known, rate)
        assert stored.causal_states in (None, found.causal_states)
        if stored.causal_states is not None:
            assert found.statistical_complexity_bits == pytest.approx(stored.statistical_complexity.bits, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(processes(3, 2, unifilar=True), st.integers(1, 3))
def test_copies_of_states_are_undone(known: Process, copies: int) -> None:
    cycle = Process(
        "cycle",
        ("x",),
        tuple(str(k) for k in range(copies)),
        ({(k, (k + 1) % copies): Fraction(1) for k in range(copies)},),
        (Fraction(1, copies),) * copies,
    )
    copied = relabel(product({"known": known, "cycle": cycle}), {f"({x}, x)": x for x in known.tokens})
    try:
        small, other = minimize(known, most_states=100), minimize(copied, most_states=100)
    except UnclosedError:
        return
    assert len(other.states) == len(small.states)
    assert exact_words(other, 4) == exact_words(small, 4)


def in_rational_coordinates(known: Process, a: Fraction, b: Fraction) -> Process:
    """The same words from S^-1 T S, with S unit triangular: a generalized HMM that shows nothing of its states."""
    n = len(known.states)
    S = {(i, j): Fraction(1) if i == j else a + b * (i - j) for i in range(n) for j in range(n) if i >= j}
    back: dict[tuple[int, int], Fraction] = {}
    for j in range(n):
        for i in range(j, n):
            back[i, j] = Fraction(i == j) - sum((S[i, k] * back[k, j] for k in range(j, i)), Fraction(0))

    def moved(entries: Entries) -> dict[tuple[int, int], Scalar]:
        found: dict[tuple[int, int], Scalar] = {}
        for (i, j), value in entries.items():
            for k in range(i, n):
                for m in range(j + 1):
                    found[k, m] = found.get((k, m), Fraction(0)) + back[k, i] * value * S[j, m]
        return {place: value for place, value in found.items() if value}

    start = tuple(sum((known.start[i] * S[i, j] for i in range(j, n)), Fraction(0)) for j in range(n))
    right = tuple(sum((back[i, j] for j in range(i + 1)), Fraction(0)) for i in range(n))
    return replace(known, operators=tuple(map(moved, known.operators)), start=start, right=right)


def test_a_generalized_hmm_has_the_causal_states_that_its_words_settle_into() -> None:
    operators = (
        {(0, 0): Fraction(17, 60), (1, 0): Fraction(-5, 6), (1, 1): Fraction(7, 10)},
        {(0, 0): Fraction(-1, 8), (0, 1): Fraction(1, 16), (1, 0): Fraction(-1, 4), (1, 1): Fraction(1, 8)},
        {(0, 0): Fraction(-19, 20), (0, 1): Fraction(19, 40), (1, 0): Fraction(-3, 2), (1, 1): Fraction(19, 20)},
    )
    start, right = (Fraction(-155, 61), Fraction(215, 122)), (Fraction(3, 10), Fraction(1))
    small = minimize(Process("ghmm", ("a", "b", "c"), ("d0", "d1"), operators, start, right=right))
    arrows = {(17, 60), (1, 12), (19, 30), (7, 10), (3, 10)}
    assert {(value.numerator, value.denominator) for entries in small.operators for value in entries.values()} == arrows
    assert len(small.states) == 2
    assert not small.generalized


@settings(max_examples=25, deadline=None)
@given(processes(most_states=3, unifilar=True), st.fractions(-1, 1, max_denominator=4), st.fractions(-1, 1, max_denominator=4))
def test_causal_states_do_not_depend_on_the_coordinates(known: Process, a: Fraction, b: Fraction) -> None:
    assume(known.start_kind == "stationary")
    machine, moved = epsilon_machine(known), epsilon_machine(in_rational_coordinates(known, a, b))
    assert isinstance(machine, EpsilonMachine)
    assert isinstance(moved, EpsilonMachine)
    assert moved.causal_states == machine.causal_states
    assert moved.statistical_complexity_bits == pytest.approx(machine.statistical_complexity_bits)
    assert exact_words(moved.process, 4) == exact_words(known, 4)


def test_floats_are_merged_within_their_tolerance() -> None:
    found = minimize(as_floats(reverse(golden_mean())))
    assert len(found.states) == 2
    assert [float(weight) for weight in found.start] == pytest.approx([2 / 3, 1 / 3])
    assert isinstance(epsilon_machine(as_floats(mess3()), most_states=200), Unclosed)


def test_a_large_random_unifilar_process_is_its_own_machine() -> None:
    known = random_hmm(300, 3, 5, outcomes=2, unifilar=True, denominator=12)
    assert minimize(known).operators == known.operators
