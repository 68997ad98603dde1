"""Filtered, smoothed and most probable states, beside all paths of hidden states one by one."""

from __future__ import annotations

from fractions import Fraction
from itertools import product as every

import numpy as np
import pytest
from hypothesis import given, settings

from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.algebra.product import in_full, product
from hmmdsl.process.growth import topological_entropy_bits
from hmmdsl.process.inference import filtered, most_probable_states, smoothed
from hmmdsl.process.process import Process
from hmmdsl.process.sampling import sample_words_and_states
from hmmdsl.process.structure import ergodic_components, mean_absorption_time
from tests.process.brute_force import words
from tests.process.known_processes import HALF, coin, even, golden_mean, mess3, process, rrxor, simple_nonunifilar
from tests.process.random_processes import processes


def paths(known: Process, word: tuple[int, ...]) -> dict[tuple[int, ...], float]:
    """Pr(states, word) of every path of hidden states."""
    found = {}
    for states in every(range(len(known.states)), repeat=len(word) + 1):
        steps = zip(word, states, states[1:], strict=False)
        found[states] = float(known.eta[states[0]]) * float(np.prod([known.T[x, i, j] for x, i, j in steps]))
    return found


@given(processes())
@settings(max_examples=25, deadline=None)
def test_they_are_what_all_paths_say(known: Process) -> None:
    for word in list(words(known, 3))[:4]:
        weights = paths(known, word)
        total = sum(weights.values())
        posterior = np.zeros((4, len(known.states)))
        for states, weight in weights.items():
            for place, state in enumerate(states):
                posterior[place, state] += weight / total
        np.testing.assert_allclose(smoothed(known, word), posterior, atol=1e-12)
        beliefs = filtered(known, word)
        np.testing.assert_allclose(beliefs[-1], posterior[-1], atol=1e-12)
        for k in range(4):
            np.testing.assert_allclose(beliefs[k], filtered(known, word[:k])[-1], atol=1e-12)
        best = tuple(most_probable_states(known, word).tolist())
        assert weights[best] == pytest.approx(max(weights.values()), rel=1e-12)


def test_a_product_is_read_factor_by_factor() -> None:
    pair = product({"left": mess3(), "right": product({"a": golden_mean(Fraction(1, 3)), "b": simple_nonunifilar()})})
    (word,), _ = sample_words_and_states(pair, 1, 6, 0)
    whole = in_full(pair)
    for function in (filtered, smoothed):
        np.testing.assert_allclose(function(pair, word), function(whole, word), atol=1e-12)
    np.testing.assert_array_equal(most_probable_states(pair, word), most_probable_states(whole, word))


def test_long_words_do_not_underflow_and_smoothing_knows_more() -> None:
    (word,), (states,) = sample_words_and_states(mess3(), 1, 20_000, 3)
    before, after = filtered(mess3(), word), smoothed(mess3(), word)
    np.testing.assert_allclose(after.sum(axis=1), 1)
    np.testing.assert_allclose(before[-1], after[-1])
    places = np.arange(len(states))
    assert np.log(after[places, states]).mean() > np.log(before[places, states]).mean() + 0.05
    assert (most_probable_states(mess3(), word) == states).mean() > 0.8


def test_words_that_cannot_occur_and_processes_without_states_are_refused() -> None:
    for function in (filtered, smoothed, most_probable_states):
        with pytest.raises(ValueError, match="never emits"):
            function(golden_mean(), (1, 1))
    generalized = Process("g", ("0",), ("d",), ({(0, 0): Fraction(1)},), (Fraction(1),), right=(Fraction(1),))
    assert filtered(generalized, (0, 0)).tolist() == [[1.0]] * 3
    with pytest.raises(ValueError, match="no hidden states"):
        smoothed(generalized, (0,))
    with pytest.raises(ValueError, match="no hidden states"):
        most_probable_states(generalized, (0,))


def test_absorption_of_a_reducible_chain() -> None:
    """A gambler's ruin with stakes 0 to 3, from 1: ruined with 2/3, after 2 rounds on average."""
    arrows = {("1", "l", "0"): HALF, ("1", "w", "2"): HALF, ("2", "l", "1"): HALF, ("2", "w", "3"): HALF}
    ends = {("0", "l", "0"): Fraction(1), ("3", "w", "3"): Fraction(1)}
    ruin = process("ruin", "l w", "0 1 2 3", {**arrows, **ends}, (Fraction(0), Fraction(1), Fraction(0), Fraction(0)))
    assert mean_absorption_time(ruin) == pytest.approx(2)
    assert [one.probability for one in ergodic_components(ruin)] == pytest.approx([2 / 3, 1 / 3])
    assert mean_absorption_time(mess3()) == 0
    assert mean_absorption_time(mixture({"A": coin(), "B": even()}, [HALF, HALF])) == 0
    with pytest.raises(ValueError, match="product"):
        mean_absorption_time(product({"left": coin(), "right": coin()}))


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (coin(Fraction(1, 3)), 1.0),
        (golden_mean(Fraction(1, 5)), np.log2((1 + 5**0.5) / 2)),
        (even(Fraction(1, 7)), np.log2((1 + 5**0.5) / 2)),
        (rrxor(Fraction(1, 3)), 2 / 3),
        (mess3(), np.log2(3)),
        (product({"left": golden_mean(), "right": coin()}), 1 + np.log2((1 + 5**0.5) / 2)),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_the_number_of_words_grows_by_the_topological_entropy(known: Process, expected: float) -> None:
    assert topological_entropy_bits(known) == pytest.approx(expected, abs=1e-9)


def test_words_are_counted_where_states_are_not_told_apart() -> None:
    """Beside the words themselves, of 8 and of 9 tokens of a process that is not unifilar."""
    arrows = {("A", "0", "A"): HALF, ("A", "0", "B"): HALF, ("B", "1", "A"): HALF, ("B", "2", "B"): HALF}
    known = process("mixed", "0 1 2", "A B", {**arrows})
    counts = [len(words(known, n)) for n in (8, 9)]
    assert topological_entropy_bits(known) == pytest.approx(np.log2(counts[1] / counts[0]), abs=0.01)
