"""Floats prove nothing: no quantity is exact, and no number of states is read off beliefs that are only near each other."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import exp, sqrt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.process.algebra.epsilon_machine import Unclosed, epsilon_machine
from hmmdsl.process.complexity import complexity
from hmmdsl.process.dynamics.cardinality import cardinality, reset_word
from hmmdsl.process.dynamics.predictive_form import predictive_form
from hmmdsl.process.entropies import entropy_rate, followed_beliefs
from hmmdsl.process.portrait import FACTS, Portrait, told
from hmmdsl.process.portraying import portrait
from hmmdsl.process.process import Process, Scalar
from tests.process.known_processes import even, golden_mean, mess3, process, rrxor, simple_nonunifilar
from tests.process.random_processes import as_floats


def noisy_chain(noise: Scalar, change: Scalar = Fraction(1, 10)) -> Process:
    """A symmetric chain of two states through a channel that flips each token: its beliefs are uncountable for every noise."""
    arrows = {
        (str(i), str(x), str(j)): (change if i != j else 1 - change) * (noise if x != j else 1 - noise)
        for i in range(2)
        for j in range(2)
        for x in range(2)
    }
    return process("noisy chain", "0 1", "0 1", arrows)


@pytest.mark.parametrize("power", [-1, -4, -9, -14])
def test_floats_that_come_together_make_no_machine(power: int) -> None:
    known = noisy_chain(exp(power))
    assert isinstance(epsilon_machine(known), Unclosed)
    assert not followed_beliefs(known).closed
    form = predictive_form(known)
    assert reset_word(form) is None
    found = cardinality(known, form, (1,))
    assert (found.kind, found.proven) == ("uncountable", False)


@pytest.mark.parametrize("known", [simple_nonunifilar(sqrt(2) / 3, Fraction(1, 4)), mess3(exp(-3), 0.999)], ids=str)
def test_infinitely_many_beliefs_stay_so_in_floats(known: Process) -> None:
    msp = followed_beliefs(known)
    assert (msp.closed, msp.recurrent, msp.blurred) == (False, None, True)
    assert complexity(known, entropy_rate(known)).causal_states is None


def test_a_float_does_not_change_the_complexity() -> None:
    """sqrt(2) / 3 lies between two fractions whose complexities are as near."""
    near = Fraction(sqrt(2) / 3).limit_denominator(10**6)
    exact, floats = (
        complexity(known, entropy_rate(known)).statistical_complexity
        for known in (simple_nonunifilar(near, Fraction(1, 4)), simple_nonunifilar(sqrt(2) / 3, Fraction(1, 4)))
    )
    assert floats.bits == pytest.approx(exact.bits, abs=1e-5)
    assert (exact.exact, exact.numerical, floats.exact, floats.numerical) == (True, False, False, True)


@pytest.mark.parametrize("known", [rrxor(), even(), golden_mean(Fraction(1, 3))], ids=lambda known: known.name)
def test_finitely_many_beliefs_are_found_in_floats_and_called_numerical(known: Process) -> None:
    exact, floats = portrait(known), portrait(as_floats(known))
    assert floats.beliefs.count == exact.beliefs.count
    assert floats.causal_states == exact.causal_states
    assert floats.statistical_complexity.bits == pytest.approx(exact.statistical_complexity.bits, abs=1e-12)
    lines = by_name(floats)
    for what in ("beliefs", "entropy rate", "statistical complexity", "causal states", "canonical dimension", "excess entropy"):
        assert "numerical" in lines[what]
    of_dynamics = FACTS[[fact.path for fact in FACTS].index("crypticity") :]
    assert all("numerical" in line.text for fact in of_dynamics if fact.lines for line in fact.lines(floats))
    assert not any("numerical" in text for text in by_name(exact).values())
    assert not list(called_exact(floats.as_json()))


def by_name(about: Portrait) -> dict[str, str]:
    """What readers are told, by its name."""
    return {line.name: line.text for line in told(about)}


def called_exact(told: Any, path: str = "") -> Iterator[str]:
    """Where a portrait calls something exact or proven."""
    if isinstance(told, dict):
        for name, value in told.items():
            if name in ("exact", "proven") and value:
                yield f"{path}{name}"
            yield from called_exact(value, f"{path}{name}.")


@settings(max_examples=8, deadline=None)
@given(st.fractions(Fraction(1, 20), Fraction(19, 20), max_denominator=40), st.fractions(Fraction(1, 20), Fraction(19, 20)))
def test_one_portrait_does_not_contradict_itself(p: Fraction, q: Fraction) -> None:
    for known in (simple_nonunifilar(p, q), golden_mean(p), even(q), rrxor(p, q)):
        rate = entropy_rate(known)
        assert 0 <= rate.lower_bits <= rate.value_bits <= rate.upper_bits
        assert rate.error_bits >= 0
        found = complexity(known, rate)
        C, E = found.statistical_complexity, found.excess_entropy
        assert C.bits is not None
        assert E.bits is not None
        assert E.bits <= C.bits + C.error_bits + E.error_bits
        assert C.lower_bits is None or C.upper_bits is None or C.lower_bits <= C.bits <= C.upper_bits
        if found.causal_states is not None:
            assert rate.exact
