from fractions import Fraction

import pytest
from hypothesis import given

from hmmdsl.process.process import Process
from hmmdsl.process.structure import ergodic_components, is_unifilar, structure
from tests.process.known_processes import ALL, process, rrxor
from tests.process.random_processes import processes


def test_which_known_processes_are_unifilar() -> None:
    unifilar = {known.name for known in ALL if is_unifilar(known)}
    assert unifilar == {"zero_one_random", "rrxor", "golden_mean", "even", "coin", "alternating_coins", "matching_parens"}


def test_known_processes_are_ergodic_and_irreducible() -> None:
    for known in ALL:
        about = structure(known)
        assert (about.ergodic, about.irreducible, about.unreachable) == (True, True, ())
    assert structure(rrxor()).period == 3


def test_absorption_weighs_the_components() -> None:
    third = Fraction(1, 3)
    arrows = {
        ("A", "0", "A"): third,
        ("A", "0", "B"): third,
        ("A", "1", "C"): third,
        ("B", "0", "B"): Fraction(1),
        ("C", "1", "D"): Fraction(1),
        ("D", "0", "C"): Fraction(1),
    }
    known = process("absorbed", "0 1", "A B C D E", {**arrows, ("E", "0", "A"): Fraction(1)}, (Fraction(1), *[Fraction(0)] * 4))
    about = structure(known)
    assert (about.ergodic, about.irreducible, about.period, about.unifilar) == (False, False, 2, False)
    assert about.unreachable == (4,)
    parts = ergodic_components(known)
    assert [part.probability for part in parts] == pytest.approx([0.5, 0.5])
    assert [part.process.states for part in parts] == [("B",), ("C", "D")]
    assert parts[1].process.start == (Fraction(1, 2), Fraction(1, 2))


@given(processes())
def test_components_share_all_probability(known: Process) -> None:
    parts = ergodic_components(known)
    assert sum(part.probability for part in parts) == pytest.approx(1)
    assert structure(known).ergodic == (len(parts) == 1)
