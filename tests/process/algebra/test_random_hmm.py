from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.process.algebra.entries import is_stationary
from hmmdsl.process.algebra.failure import AlgebraError
from hmmdsl.process.algebra.random_hmm import random_hmm
from hmmdsl.process.algebra.splitmix import SplitMix64
from hmmdsl.process.structure import structure
from tests.process.algebra.exact_words import is_process


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 7), st.integers(1, 5), st.integers(), st.booleans(), st.data())
def test_random_processes_are_what_was_asked_for(
    states: int, tokens: int, seed: int, unifilar: bool, data: st.DataObject
) -> None:
    most = tokens if unifilar else tokens * states
    outcomes = data.draw(st.integers(-(-tokens // states), most) | st.none())
    made = random_hmm(states, tokens, seed, outcomes, unifilar, denominator=97)
    assert is_process(made)
    assert structure(made).irreducible
    assert structure(made).unifilar or not unifilar
    assert all(made.operators)
    assert is_stationary(made)
    for i in range(states):
        values = [value for entries in made.operators for (source, _), value in entries.items() if source == i]
        assert len(values) == (most if outcomes is None else outcomes)
        assert all(Fraction(97) % Fraction(value).denominator == 0 for value in values)
    again = random_hmm(states, tokens, seed, outcomes, unifilar, denominator=97)
    assert again == made


def test_floats_sum_to_one_without_rounding() -> None:
    made = random_hmm(5, 3, 7, denominator=None)
    rows = [Fraction(0)] * 5
    for entries in made.operators:
        for (i, _), value in entries.items():
            rows[i] += Fraction(value)
    assert rows == [1] * 5
    assert not made.exact


def test_the_stream_is_the_published_one() -> None:
    """SplitMix64 from seed 1234567: reference outputs of Vigna's C code."""
    stream = SplitMix64(1234567)
    assert [stream.bits() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_every_state_is_as_likely_to_follow() -> None:
    stream = SplitMix64(0)
    counts = [0] * 7
    for _ in range(7000):
        counts[stream.below(7)] += 1
    assert sum((count - 1000) ** 2 / 1000 for count in counts) < 25
    assert stream.subset(5, 5) == [0, 1, 2, 3, 4]


def test_numbers_beyond_64_bits_are_drawn_from_several_words() -> None:
    n = 3 * 2**100
    stream = SplitMix64(0)
    thirds = [stream.below(n) // 2**100 for _ in range(3000)]
    assert sum((thirds.count(third) - 1000) ** 2 / 1000 for third in range(3)) < 20
    made = random_hmm(3, 2, 0, denominator=10**20)
    assert max(value.denominator for entries in made.operators for value in entries.values()) > 2**64  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 2, 0), "cannot be"),
        ((2, 2, 0, 5), "cannot have 5 outcomes"),
        ((2, 5, 0, 2), "cannot emit 5 tokens"),
        ((2, 2, 0, 4, False, 3), "multiple of 1/3"),
        ((2, 2, 0, 1, False, 0), "denominator is 0"),
    ],
)
def test_impossible_wishes(arguments: tuple[int, ...], message: str) -> None:
    with pytest.raises(AlgebraError, match=message):
        random_hmm(*arguments)
