import json
from fractions import Fraction

import pytest
from hypothesis import given, settings

from hmmdsl.process.algebra.canonical import CanonicalDimension
from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.portraying import portrait
from hmmdsl.process.process import Process
from tests.process.known_processes import coin, mess3, rrxor
from tests.process.random_processes import as_floats, processes


def test_a_portrait_as_json_has_the_documented_paths() -> None:
    shown = json.loads(json.dumps(portrait(rrxor()).as_json(), allow_nan=False))
    assert (shown["beliefs"]["count"], shown["beliefs"]["closed"], shown["beliefs"]["closed_at"]) == (36, True, 6)
    assert shown["beliefs"]["growth"] == [1, 3, 7, 15, 27, 34, 36]
    assert shown["stationary"] == ["1/3", "1/6", "1/6", "1/6", "1/6"]
    assert shown["entropy_rate"]["bits"] == pytest.approx(2 / 3)
    assert shown["statistical_complexity"]["bits"] == pytest.approx(2.251629, abs=1e-6)
    assert shown["excess_entropy"]["bits"] == pytest.approx(2.251629, abs=1e-6)
    assert (shown["ergodic"], shown["period"], shown["unifilar"], shown["exact"]) == (True, 3, True, True)
    assert len(shown["myopic_entropies"]["bits"]) == 10


def test_what_is_infinite_is_null_with_a_reason() -> None:
    shown = portrait(mess3()).as_json()
    assert (shown["beliefs"]["count"], shown["beliefs"]["closed"]) == (None, False)
    assert shown["beliefs"]["found"] > 1000
    assert shown["statistical_complexity"]["bits"] is None
    assert shown["statistical_complexity"]["reason"]


def test_a_composed_process_tells_its_parts_and_its_causal_states() -> None:
    """Two coins, one chosen for ever: infinitely many beliefs, but the past tells the coin, so two causal states."""
    tasks = mixture({"A": coin(Fraction(1, 4)), "B": coin(Fraction(3, 4))}, [Fraction(1, 2), Fraction(1, 2)])
    shown = portrait(tasks).as_json()
    assert [(part["name"], part["role"], part["states"]) for part in shown["parts"]] == [
        ("A", "component", 1),
        ("B", "component", 1),
    ]
    assert (shown["ergodic"], shown["beliefs"]["count"], shown["causal_states"]) == (False, None, 2)
    assert shown["statistical_complexity"]["bits"] == pytest.approx(1)
    assert shown["canonical_dimension"] == {"rank": 2, "proven": True, "numerical": False}


def test_the_canonical_dimension_is_that_of_the_words() -> None:
    """A mixture of a process with itself has twice its states and the same words."""
    twice = mixture({"A": rrxor(), "B": rrxor()}, [Fraction(1, 3), Fraction(2, 3)])
    assert portrait(twice).canonical == portrait(rrxor()).canonical == CanonicalDimension(5, True)
    assert portrait(twice).causal_states == 5


def test_floats_say_that_they_are_numerical() -> None:
    about = portrait(as_floats(rrxor()))
    assert about.numerical
    assert about.beliefs.numerical
    assert about.beliefs.count == 36


@settings(max_examples=20, deadline=None)
@given(processes())
def test_every_process_has_a_portrait(known: Process) -> None:
    json.dumps(portrait(known, depth=4).as_json(), allow_nan=False)
