"""Finitely, countably or uncountably many causal states; C_mu of the countable ones."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import hmmdsl
from hmmdsl.process.algebra.noise import noise
from hmmdsl.process.dynamics.cardinality import Cardinality, cardinality
from hmmdsl.process.dynamics.predictive_form import predictive_form
from hmmdsl.process.dynamics.renewal import renewal_complexity
from hmmdsl.process.process import Process
from tests.process.known_processes import leaky, mess3, process, rrxor, simple_nonunifilar
from tests.process.random_processes import as_floats


def of(known: Process) -> Cardinality:
    return cardinality(known, predictive_form(known), (1,))


def test_a_token_that_resets_the_belief_makes_them_countable() -> None:
    found = of(simple_nonunifilar())
    assert (found.kind, found.proven, found.reset_word) == ("countable", True, (1,))
    assert (of(as_floats(simple_nonunifilar())).kind, of(as_floats(simple_nonunifilar())).proven) == ("countable", False)


@pytest.mark.parametrize("known", [mess3(), leaky(rrxor(), Fraction(1, 50))], ids=lambda known: known.name)
def test_positive_invertible_operators_make_them_uncountable(known: Process) -> None:
    found = of(known)
    assert (found.kind, found.proven) == ("uncountable", True)


def test_what_cannot_be_told_is_left_undecided() -> None:
    """A qubit's beliefs: operators of both signs that no word resets."""
    found = of(hmmdsl.process("std.processes", "bloch_walk").process)
    assert (found.kind, found.proven) == ("undecided", False)
    assert of(noise(simple_nonunifilar(), Fraction(1, 10))).kind in ("undecided", "uncountable")


@pytest.mark.parametrize(("name", "token"), [("moon", "0"), ("fanizza", "0")])
def test_generalized_processes_may_be_reset_too(name: str, token: str) -> None:
    known = hmmdsl.process("std.processes", name).process
    found = of(known)
    assert found.kind == "countable"
    assert [known.tokens[x] for x in found.reset_word or ()] == [token]


@pytest.mark.parametrize(("p", "q"), [(Fraction(1, 2), Fraction(1, 2)), (Fraction(1, 3), Fraction(1, 5))])
def test_complexity_is_the_entropy_of_the_time_since_the_reset(p: Fraction, q: Fraction) -> None:
    """After n zeros the belief is (1-p)^n on A against the rest: all different. Pr(n) = Pr(no 1 in n tokens) / E[tokens]."""
    survival = np.array([[1 - p, p], [0, 1 - q]], dtype=float)
    vector, shares = np.array([1.0, 0.0]), []
    for _ in range(2000):
        shares.append(vector.sum())
        vector = vector @ survival
    weights = np.array(shares) / sum(shares)
    weights = weights[weights > 0]
    expected = float(-(weights * np.log2(weights)).sum())
    found = renewal_complexity(predictive_form(simple_nonunifilar(p, q)), (1,))
    assert found.bits == pytest.approx(expected, abs=1e-6)
    assert found.lower_bits is not None
    assert found.upper_bits is not None
    assert found.lower_bits - 1e-9 <= expected <= found.upper_bits + 1e-9
    if p == q:
        assert found.bits == pytest.approx(2.711468724, abs=1e-9)


def test_longer_reset_words_give_the_same_complexity() -> None:
    """1 resets the belief, and so does each word with it; the words since any of them have one entropy."""
    form = predictive_form(simple_nonunifilar())
    by_token = renewal_complexity(form, (1,)).bits
    for word in ((0, 1), (1, 0), (1, 0, 1)):
        assert renewal_complexity(form, word).bits == pytest.approx(by_token, abs=1e-8)


def test_beliefs_that_predict_the_same_are_one_causal_state() -> None:
    """Two copies of a state: the beliefs tell them apart, no future does."""
    half, quarter = Fraction(1, 2), Fraction(1, 4)
    arrows = {
        ("A", "0", "A"): quarter,
        ("A", "0", "C"): quarter,
        ("C", "0", "A"): half,
        ("A", "0", "B"): half,
        ("C", "0", "B"): half,
        ("B", "0", "B"): half,
        ("B", "1", "A"): half,
    }
    form = predictive_form(process("doubled", "0 1", "A B C", arrows))
    assert form.dimensions == 2
    assert renewal_complexity(form, (1,)).bits == pytest.approx(2.711468724, abs=1e-8)
