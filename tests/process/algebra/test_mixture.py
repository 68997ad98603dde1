from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.process.algebra.failure import AlgebraError
from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.algebra.transforms import leak
from hmmdsl.process.process import Process
from hmmdsl.process.structure import structure
from tests.process.algebra.exact_words import exact_words, is_process
from tests.process.known_processes import even, mess3, rrxor, zero_one_random
from tests.process.random_processes import processes

HALF = Fraction(1, 2)


@settings(max_examples=30, deadline=None)
@given(processes(3, 3), processes(3, 2), st.integers(0, 6))
def test_words_are_the_weighted_sum(a: Process, b: Process, sixths: int) -> None:
    weights = (Fraction(sixths, 6), Fraction(6 - sixths, 6))
    mixed = mixture({"A": a, "B": b}, weights)
    assert is_process(mixed)
    summed: dict[tuple[str, ...], Fraction] = {}
    for weight, component in zip(weights, (a, b), strict=True):
        for word, p in exact_words(component, 3).items():
            if weight:
                summed[word] = summed.get(word, Fraction(0)) + weight * Fraction(p)
    assert exact_words(mixed, 3) == summed


def test_tokens_are_the_union_by_first_appearance() -> None:
    letters = Process("letters", ("b", "1"), ("A",), ({(0, 0): HALF}, {(0, 0): HALF}), (Fraction(1),))
    mixed = mixture({"A": rrxor(), "B": letters}, (HALF, HALF))
    assert mixed.tokens == ("0", "1", "b")
    assert mixed.states == ("A.S", "A.S0", "A.S1", "A.T", "A.F", "B.A")


def test_a_mixture_is_stationary_and_not_ergodic() -> None:
    mixed = mixture({"A": rrxor(), "B": even()}, (HALF, HALF))
    assert mixed.start_kind == "stationary"
    assert not structure(mixed).ergodic
    assert structure(leak(mixed, Fraction(1, 50))).ergodic


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ((HALF,), "2 components and 1 weights"),
        ((HALF, Fraction(1, 3)), "sums to 5/6, not 1"),
        ((Fraction(3, 2), -HALF), "negative"),
    ],
)
def test_wrong_weights(weights: tuple[Fraction, ...], message: str) -> None:
    with pytest.raises(AlgebraError, match=message):
        mixture({"A": mess3(), "B": zero_one_random()}, weights)


def test_clashing_names_and_nothing_to_mix() -> None:
    dotted = Process("dotted", ("0",), ("b.c",), ({(0, 0): Fraction(1)},), (Fraction(1),))
    plain = Process("plain", ("0",), ("c",), ({(0, 0): Fraction(1)},), (Fraction(1),))
    with pytest.raises(AlgebraError, match=r"`a\.b\.c` would be there twice"):
        mixture({"a": dotted, "a.b": plain}, (HALF, HALF))
    with pytest.raises(AlgebraError, match="no components"):
        mixture({}, ())
