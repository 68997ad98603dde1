from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.portraying import portrait
from hmmdsl.process.process import Process
from hmmdsl.process.structure import ergodic_components, is_unifilar, structure
from tests.process.known_processes import ALL, even, golden_mean, mess3, process, rrxor, zero_one_random
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


def in_other_coordinates(known: Process, seed: int) -> Process:
    """The same words from operators S^-1 T S, whose entries have any sign."""
    n = len(known.states)
    S = np.eye(n) + np.random.default_rng(seed).normal(scale=0.2, size=(n, n))
    moved = np.linalg.inv(S) @ known.T @ S
    operators = tuple({place: float(value) for place, value in np.ndenumerate(of_token)} for of_token in moved)
    start, right = tuple(map(float, known.eta @ S)), tuple(map(float, np.linalg.inv(S) @ known.r))
    return Process(known.name, known.tokens, known.states, operators, start, "given", right=right)


def word_probabilities(known: Process, length: int) -> np.ndarray:
    words = product(range(len(known.tokens)), repeat=length)
    return np.array([np.linalg.multi_dot([known.eta, *(known.T[x] for x in word), known.r]) for word in words])


PAIRS = [(even(), golden_mean()), (rrxor(), zero_one_random()), (mess3(), mess3(Fraction(3, 20), Fraction(3, 5)))]


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda known: known.name)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32), share=st.fractions(Fraction(1, 5), Fraction(4, 5), max_denominator=20))
def test_a_generalized_mixture_settles_into_its_components(one: Process, other: Process, seed: int, share: Fraction) -> None:
    moved = in_other_coordinates(mixture({"A": one, "B": other}, [share, 1 - share]), seed)
    parts = sorted(ergodic_components(moved), key=lambda part: word_probabilities(part.process, 2).tolist())
    whole = sorted([(share, one), (1 - share, other)], key=lambda part: word_probabilities(part[1], 2).tolist())
    assert not structure(moved).ergodic
    for part, (probability, component) in zip(parts, whole, strict=True):
        assert part.probability == pytest.approx(float(probability), abs=1e-7)
        np.testing.assert_allclose(word_probabilities(part.process, 4), word_probabilities(component, 4), atol=1e-7)
        assert structure(part.process).ergodic


def test_blocks_of_a_generalized_hmm_that_are_ordinary_are_taken_as_such() -> None:
    mixed = mixture({"A": even(), "B": golden_mean()}, [Fraction(1, 4), Fraction(3, 4)])
    parts = ergodic_components(replace(mixed, right=(Fraction(1),) * 4))
    assert [part.probability for part in parts] == [0.25, 0.75]
    assert [(part.process.operators, part.process.start) for part in parts] == [
        (each.operators, each.start) for each in (even(), golden_mean())
    ]
    assert not any(part.process.generalized for part in parts)


def test_measured_for_ever_a_qubit_settles_into_one_outcome() -> None:
    half = Fraction(1, 2)
    up = {(0, 0): half, (0, 3): half, (3, 0): half, (3, 3): half}
    down = {(i, j): value if i == j else -value for (i, j), value in up.items()}
    start = (Fraction(1), Fraction(1, 5), Fraction(0), Fraction(1, 2))
    right = (Fraction(1), Fraction(0), Fraction(0), Fraction(0))
    measured = Process("measured", ("up", "down"), tuple("IXYZ"), (up, down), start, "given", right=right)
    parts = ergodic_components(measured)
    assert sorted(part.probability for part in parts) == pytest.approx([1 / 4, 3 / 4])
    found = portrait(measured)
    assert not found.ergodic
    assert found.entropy_rate.value_bits == pytest.approx(0, abs=1e-12)
    assert found.excess_entropy.bits == pytest.approx(-0.75 * np.log2(0.75) - 0.25 * np.log2(0.25))
    assert found.dynamics.crypticity.bits == pytest.approx(0, abs=1e-12)
