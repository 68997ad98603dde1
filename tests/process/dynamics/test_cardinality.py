"""Finitely, countably or uncountably many causal states."""

from __future__ import annotations

from fractions import Fraction

import pytest

import hmmdsl
from hmmdsl.process.algebra.transforms import noise
from hmmdsl.process.dynamics.cardinality import Cardinality, cardinality
from hmmdsl.process.dynamics.predictive_form import predictive_form
from hmmdsl.process.process import Process
from tests.process.known_processes import leaky, mess3, rrxor, simple_nonunifilar
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
