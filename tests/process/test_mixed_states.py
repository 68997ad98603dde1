import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from hmmdsl.process.mixed_states import MixedStates, mixed_state_presentation
from hmmdsl.process.process import Process
from tests.process.brute_force import words
from tests.process.known_processes import (
    Arrows,
    alternating_coins,
    coin,
    even,
    golden_mean,
    mess3,
    process,
    rrxor,
    simple_nonunifilar,
    zero_one_random,
)
from tests.process.random_processes import as_floats, processes


@pytest.mark.parametrize(
    ("known", "sizes"),
    [
        (zero_one_random(), (1, 3, 7)),
        (rrxor(), (1, 3, 7, 15, 27, 34, 36)),
        (golden_mean(), (1, 3)),
        (even(), (1, 3, 4)),
        (coin(), (1,)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_published_numbers_of_beliefs(known: Process, sizes: tuple[int, ...]) -> None:
    for version, numerical in ((known, False), (as_floats(known), True)):
        msp = mixed_state_presentation(version)
        assert msp.sizes == sizes
        assert (len(msp), msp.closed, msp.closed_at) == (sizes[-1], True, len(sizes) - 1)
        assert msp.numerical == numerical


def test_rrxor_starts_in_a_belief_that_does_not_come_back() -> None:
    msp = mixed_state_presentation(rrxor())
    assert 0 not in msp.target
    assert msp.recurrent is not None
    assert msp.recurrent.sum() == 5


@pytest.mark.parametrize("known", [mess3(), simple_nonunifilar(), alternating_coins()], ids=lambda known: known.name)
def test_infinite_presentations_are_left_open_in_bounded_time(known: Process) -> None:
    msp = mixed_state_presentation(known, max_beliefs=5000)
    assert (msp.closed, msp.closed_at, msp.recurrent) == (False, None, None)
    assert 1 < len(msp) <= 5000
    assert (np.diff(msp.sizes) > 0).all()


def test_growth_tells_countable_from_fractal() -> None:
    assert mixed_state_presentation(mess3()).sizes[:6] == (1, 4, 13, 40, 121, 364)
    assert mixed_state_presentation(simple_nonunifilar()).sizes[:5] == (1, 3, 4, 5, 6)


def test_a_unifilar_process_need_not_close() -> None:
    """Two biased coins in turn: which comes first is learned without end."""
    msp = mixed_state_presentation(alternating_coins(), max_depth=50)
    assert not msp.closed
    assert msp.sizes[:4] == (1, 3, 5, 7)


def automaton_of_words(msp: MixedStates, depth: int) -> None:
    """Following words on the automaton gives their beliefs and probabilities."""
    known = msp.process
    ways = {(i, x): (j, p) for i, x, j, p in zip(msp.source, msp.token, msp.target, msp.probability, strict=True)}
    for n in range(depth + 1):
        possible = words(known, n)
        for word, vector in possible.items():
            at, probability = 0, 1.0
            for x in word:
                at, p = ways[at, x]
                probability *= p
            assert probability == pytest.approx(vector.sum(), rel=1e-12)
            np.testing.assert_allclose(msp.belief[at], vector / vector.sum(), atol=1e-12)
            assert msp.depth[at] <= n


def test_the_automaton_reads_words() -> None:
    for known in (rrxor(), even(), mess3(), simple_nonunifilar()):
        automaton_of_words(mixed_state_presentation(known), 5)


@settings(max_examples=40, deadline=None)
@given(processes())
def test_the_automaton_of_random_processes_reads_words(known: Process) -> None:
    msp = mixed_state_presentation(known, max_beliefs=500, max_depth=20)
    automaton_of_words(msp, min(3, len(msp.sizes) - 1))
    outgoing = np.bincount(msp.source, msp.probability, len(msp))
    followed = np.bincount(msp.source, minlength=len(msp)) > 0
    np.testing.assert_allclose(outgoing[followed], 1, rtol=1e-12)
    assert not msp.closed or followed.all()


def test_beliefs_are_known_as_fractions() -> None:
    msp = mixed_state_presentation(even())
    assert msp.fractions(0) == (Fraction(2, 3), Fraction(1, 3))
    assert {msp.fractions(k) for k in range(len(msp))} >= {(1, 0), (Fraction(1, 2), Fraction(1, 2))}
    with pytest.raises(ValueError, match="not rational"):
        mixed_state_presentation(as_floats(even())).fractions(0)


def test_beliefs_as_close_as_floats_are_told_apart_exactly() -> None:
    """The observer learns 10^-12 at a time: floats close, fractions don't."""
    tiny = Fraction(1, 10**12)
    known = alternating_coins(Fraction(1, 2) + tiny)
    assert mixed_state_presentation(as_floats(known), max_depth=20).closed
    assert not mixed_state_presentation(known, max_depth=20).closed


def test_a_thirty_state_unifilar_process_closes_in_seconds() -> None:
    rng = random.Random(3)
    closed = 0
    for _ in range(6):
        arrows: Arrows = {}
        for i in range(30):
            tokens = rng.sample(range(4), rng.choice([1, 2]))
            for x in tokens:
                arrows[str(i), str(x), str(rng.randrange(30))] = Fraction(1, len(tokens))
        try:
            known = process("random", "0 1 2 3", " ".join(map(str, range(30))), arrows)
        except ValueError:
            continue
        closed += mixed_state_presentation(known).closed
    assert closed >= 2


def test_a_start_beyond_the_budget_of_digits_is_numerical() -> None:
    long = Fraction(1, 3**3000)
    known = process("long", "0 1", "A B", {("A", "0", "A"): Fraction(1), ("B", "1", "B"): Fraction(1)}, (long, 1 - long))
    assert known.exact
    assert mixed_state_presentation(known).numerical
