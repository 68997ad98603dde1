"""C_mu of countably many causal states, within bounds that hold however near the beliefs come to each other."""

from __future__ import annotations

from fractions import Fraction
from math import log2

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hmmdsl.process.dynamics.cardinality import reset_word
from hmmdsl.process.dynamics.predictive_form import predictive_form
from hmmdsl.process.dynamics.renewal import renewal_complexity
from hmmdsl.process.measure import Measure
from hmmdsl.process.process import Process
from tests.process.known_processes import process, simple_nonunifilar
from tests.process.random_processes import as_floats


def of(known: Process) -> Measure:
    form = predictive_form(known)
    word = reset_word(form)
    assert word is not None
    return renewal_complexity(form, word)


def gilbert(error: Fraction, recovery: Fraction, missed: Fraction) -> Process:
    """Gilbert's channel: errors, the 1s, come in its bad state alone, where `missed` is the share of tokens without one."""
    arrows = {}
    for state, moves in (("G", {"G": 1 - error, "B": error}), ("B", {"G": recovery, "B": 1 - recovery})):
        for other, p in moves.items():
            arrows[state, "0", other] = p * (missed if state == "B" else 1)
            arrows[state, "1", other] = p * (1 - missed if state == "B" else 0)
    return process("gilbert", "0 1", "G B", arrows)


HALF = Fraction(1, 2)

KNOWN = [
    (simple_nonunifilar(HALF, HALF), 2.711468724),
    (simple_nonunifilar(HALF, Fraction(1, 4)), 3.4804227997),
    (simple_nonunifilar(HALF, Fraction(1, 10)), 4.737419),
    (simple_nonunifilar(HALF, Fraction(1, 20)), 5.740958),
    (simple_nonunifilar(Fraction(9, 10), Fraction(1, 10)), 4.706010),
    (simple_nonunifilar(Fraction(9, 10), Fraction(1, 50)), 7.072724),
    (simple_nonunifilar(Fraction(3, 10), Fraction(6, 10)), 3.177360677),
    (gilbert(Fraction(3, 100), Fraction(1, 4), HALF), 6.727),
]
"""With C_mu in bits, the entropy of the ages, summed apart from this package."""


@pytest.mark.parametrize("floats", [False, True], ids=["exact", "floats"])
@pytest.mark.parametrize(("known", "bits"), KNOWN)
def test_complexity_is_the_entropy_of_the_time_since_the_reset(known: Process, bits: float, floats: bool) -> None:
    found = of(as_floats(known) if floats else known)
    digits = len(str(bits).partition(".")[2])
    assert found.bits == pytest.approx(bits, abs=0.6 * 10.0**-digits)
    assert found.error_bits < 1e-11


def since_reset(known: Process, start: int, reset: int, left: float) -> tuple[float, float]:
    """The entropy in bits of the exact beliefs after a token that leads to the state `start`, and the share of words left out:
    every word one by one in fractions, until so many are left."""
    size = range(len(known.states))
    level = {tuple(Fraction(int(i == start)) for i in size): 1.0}
    shares: dict[tuple[Fraction, ...], float] = {}
    while sum(level.values()) > left * (1 + sum(shares.values())) and len(shares) < 3000:
        following: dict[tuple[Fraction, ...], float] = {}
        for belief, weight in level.items():
            shares[belief] = shares.get(belief, 0.0) + weight
            for x, entries in enumerate(known.operators):
                after = [Fraction(0) for _ in size]
                for (i, j), value in entries.items():
                    after[j] += belief[i] * Fraction(value)
                mass = sum(after, Fraction(0))
                if x != reset and mass:
                    place = tuple(value / mass for value in after)
                    following[place] = following.get(place, 0.0) + weight * float(mass)
        level = following
    # Every state resets with a probability of 1/4 at least, so that what is left goes on for four tokens at most.
    total = sum(shares.values())
    rest = 4 * sum(level.values())
    return -sum(w / total * log2(w / total) for w in shares.values()), rest / (total + rest)


@st.composite
def resetting(draw: st.DrawFn) -> Process:
    """Two or three states and tokens; the last token leads to the first state, whatever the state before."""
    states, tokens = draw(st.integers(2, 3)), draw(st.integers(2, 3))
    arrows = {}
    for i in range(states):
        reset = draw(st.integers(2, 4))
        places = draw(
            st.lists(st.tuples(st.integers(0, tokens - 2), st.integers(0, states - 1)), min_size=1, max_size=3, unique=True)
        )
        weights = [draw(st.integers(1, 4)) for _ in places]
        arrows[str(i), str(tokens - 1), "0"] = Fraction(reset, 8)
        for (x, j), weight in zip(places, weights, strict=True):
            arrows[str(i), str(x), str(j)] = Fraction(weight, sum(weights)) * Fraction(8 - reset, 8)
    return process("resetting", " ".join(map(str, range(tokens))), " ".join(map(str, range(states))), arrows)


@settings(max_examples=25, deadline=None)
@given(resetting(), st.booleans())
def test_the_bounds_hold_for_whatever_is_reset(known: Process, floats: bool) -> None:
    form = predictive_form(as_floats(known) if floats else known)
    assume(form.dimensions == len(known.states) and all(known.start))
    reset = len(known.tokens) - 1
    entropy, left = since_reset(known, 0, reset, 1e-9)
    least, most = (1 - left) * entropy, (1 - left) * entropy + left * 60 + 1e-9
    found = renewal_complexity(form, (reset,))
    assert found.lower_bits is not None
    assert found.upper_bits is not None
    assert found.lower_bits <= most
    assert least <= found.upper_bits
    if len(known.tokens) == 2 and found.bits is not None:
        assert found.bits == pytest.approx(entropy, abs=1e-6 + found.error_bits)


def test_a_belief_that_rounding_carries_away_is_no_state_of_its_own() -> None:
    """A zero is twice as probable in B as in A: in floats the certain belief in A becomes B after some fifty zeros."""
    arrows = {("A", "0", "A"): Fraction(3, 8), ("A", "1", "B"): Fraction(3, 8), ("A", "2", "A"): Fraction(1, 4)}
    arrows |= {("B", "0", "B"): Fraction(3, 4), ("B", "2", "A"): Fraction(1, 4)}
    known = process("drifting", "0 1 2", "A B", arrows)
    found = renewal_complexity(predictive_form(as_floats(known)), (2,))
    entropy = -(0.4 * log2(0.4) + 0.6 * log2(0.6))
    assert (found.lower_bits or 9) <= entropy <= (found.upper_bits or 0)
    assert (found.lower_bits or 0) > entropy - 1e-4


def test_longer_reset_words_give_the_same_complexity() -> None:
    """1 resets the belief, and so does each word with it; the words since any of them have one entropy."""
    form = predictive_form(simple_nonunifilar())
    by_token = renewal_complexity(form, (1,)).bits
    for word in ((0, 1), (1, 0)):
        assert renewal_complexity(form, word).bits == pytest.approx(by_token, abs=1e-8)
    slow = renewal_complexity(form, (1, 0, 1))
    assert (slow.lower_bits or 9) < (by_token or 0) < (slow.upper_bits or 0)


def test_beliefs_that_predict_the_same_are_one_causal_state() -> None:
    """Two copies of a state: the beliefs tell them apart, no future does."""
    quarter = Fraction(1, 4)
    arrows = {
        ("A", "0", "A"): quarter,
        ("A", "0", "C"): quarter,
        ("C", "0", "A"): HALF,
        ("A", "0", "B"): HALF,
        ("C", "0", "B"): HALF,
        ("B", "0", "B"): HALF,
        ("B", "1", "A"): HALF,
    }
    form = predictive_form(process("doubled", "0 1", "A B C", arrows))
    assert form.dimensions == 2
    assert renewal_complexity(form, (1,)).bits == pytest.approx(2.711468724, abs=1e-8)


def test_ages_that_return_are_no_different_beliefs() -> None:
    """After a 1 two states take turns: whether the age is even is all there is to know."""
    third = Fraction(1, 3)
    arrows = {("A", "0", "B"): HALF, ("A", "1", "A"): HALF, ("B", "0", "A"): third, ("B", "1", "A"): 1 - third}
    assert of(process("turns", "0 1", "A B", arrows)).bits == pytest.approx(log2(3) - 2 / 3, abs=1e-9)
