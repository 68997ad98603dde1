from fractions import Fraction
from math import log2

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.complexity import Complexity, complexity
from hmmdsl.process.entropies import entropy_rate, myopic_entropies
from hmmdsl.process.process import Process, Scalar
from tests.process.known_processes import (
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
from tests.process.random_processes import processes


def of(known: Process) -> Complexity:
    return complexity(known, entropy_rate(known))


@pytest.mark.parametrize(
    ("known", "stored", "excess", "states"),
    [
        (zero_one_random(), log2(3), log2(3), 3),
        (rrxor(), log2(108) / 3, log2(108) / 3, 5),
        (golden_mean(), log2(3) - 2 / 3, log2(3) - 4 / 3, 2),
        (even(), log2(3) - 2 / 3, log2(3) - 2 / 3, 2),
        (coin(), 0, 0, 1),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_known_complexities(known: Process, stored: float, excess: float, states: int) -> None:
    found = of(known)
    assert found.statistical_complexity.bits == pytest.approx(stored, abs=1e-12)
    assert found.excess_entropy.bits == pytest.approx(excess, abs=1e-12)
    assert found.causal_states == states
    assert found.statistical_complexity.exact
    assert found.excess_entropy.exact


def test_countably_many_causal_states() -> None:
    found = of(simple_nonunifilar())
    assert found.statistical_complexity.bits == pytest.approx(2.711468724, abs=1e-8)
    assert found.excess_entropy.bits == pytest.approx(0.147231942, abs=1e-8)
    assert found.causal_states is None
    assert found.statistical_complexity.error_bits < 1e-11


def test_uncountably_many_causal_states_have_no_finite_complexity() -> None:
    found = of(mess3())
    assert found.statistical_complexity.bits is None
    assert "infinitely many causal states" in found.statistical_complexity.reason
    gaps = np.array(myopic_entropies(mess3(), 10).bits) - entropy_rate(mess3()).value_bits
    assert found.excess_entropy.bits == pytest.approx(gaps.sum(), abs=1e-5)
    assert not found.excess_entropy.exact


def test_coins_in_turn_store_the_phase() -> None:
    found = of(alternating_coins())
    assert found.statistical_complexity.bits == pytest.approx(1)
    assert found.excess_entropy.bits == pytest.approx(1, abs=1e-9)


def test_equal_coins_in_turn_are_one_causal_state() -> None:
    half = Fraction(1, 2)
    arrows = {(a, x, b): half for a, b in (("A", "B"), ("B", "A")) for x in "01"}
    found = of(process("fair", "0 1", "A B", arrows))
    assert (found.causal_states, found.statistical_complexity.bits) == (1, 0)


def test_of_several_components_past_and_future_tell_which() -> None:
    arrows = {("A", "0", "A"): Fraction(1), ("B", "1", "B"): Fraction(1)}
    found = of(process("either", "0 1", "A B", arrows, (Fraction(1, 4), Fraction(3, 4))))
    which = -0.25 * log2(0.25) - 0.75 * log2(0.75)
    assert (found.statistical_complexity.bits, found.excess_entropy.bits) == pytest.approx((which, which))
    assert found.causal_states == 2


def test_a_mixture_by_its_words() -> None:
    """1.585 bits: one to tell the component, and half of each component's own."""
    mixed = mixture({"A": even(), "B": golden_mean()}, [Fraction(1, 2), Fraction(1, 2)])
    found = of(mixed)
    h = np.array(myopic_entropies(mixed, 150).bits) - entropy_rate(mixed).value_bits
    assert found.excess_entropy.bits == pytest.approx(1 + (log2(3) - 4 / 3 + log2(3) - 2 / 3) / 2)
    assert found.excess_entropy.bits == pytest.approx(h.sum(), abs=1e-9)
    assert found.transient_information.bits == pytest.approx(np.arange(1, len(h) + 1) @ h, abs=1e-7)
    assert found.statistical_complexity.bits == pytest.approx(1 + log2(3) - 2 / 3)
    assert found.causal_states == 4


def test_equal_components_are_one() -> None:
    mixed = mixture({"A": even(), "B": even()}, [Fraction(1, 3), Fraction(2, 3)])
    assert of(mixed).excess_entropy.bits == pytest.approx(of(even()).excess_entropy.bits)
    assert of(mixed).causal_states == 2


@settings(max_examples=15, deadline=None)
@given(processes(most_states=3), processes(most_states=3), st.integers(1, 4))
def test_words_show_the_excess_entropy_of_mixtures(one: Process, other: Process, weight: int) -> None:
    share = Fraction(weight, 5)
    mixed = mixture({"A": one, "B": other}, [share, 1 - share])
    assume(mixed.start_kind == "stationary")
    found = of(mixed)
    shown = sum(myopic_entropies(mixed, 6).bits) - 6 * entropy_rate(mixed).upper_bits
    upper = found.excess_entropy.upper_bits if found.excess_entropy.upper_bits is not None else found.excess_entropy.bits
    assert upper is None or shown <= upper + 1e-9


def test_exact_probabilities_are_compared_exactly() -> None:
    """The two states tell themselves apart once in 10^12 tokens; they do, so each past of infinite length knows the phase."""
    found = of(seldom(Fraction(1, 10**12), Fraction(1, 10**11)))
    assert found.causal_states == 2
    assert found.statistical_complexity.bits == pytest.approx(1, abs=1e-12)
    assert found.excess_entropy.bits == pytest.approx(1, abs=1e-12)


def seldom(p: Scalar, q: Scalar) -> Process:
    """Two states in turn that emit a 1 with probability p and q."""
    return process(
        "seldom", "0 1", "A B", {("A", "1", "B"): p, ("A", "0", "B"): 1 - p, ("B", "1", "A"): q, ("B", "0", "A"): 1 - q}
    )


@pytest.mark.parametrize(("letters", "transient"), [(256, 137.89), (1024, 524.19)])
def test_a_cycle_shows_all_that_it_stores(letters: int, transient: float) -> None:
    """The first letters of the Thue-Morse word, over and over: nothing is random, and the future tells the place."""
    arrows = {(str(i), str(i.bit_count() % 2), str((i + 1) % letters)): Fraction(1) for i in range(letters)}
    found = of(process("cycle", "0 1", " ".join(map(str, range(letters))), arrows))
    assert found.statistical_complexity.bits == found.excess_entropy.bits == log2(letters)
    assert found.excess_entropy.exact
    assert found.transient_information.bits == pytest.approx(transient, abs=0.005)


@pytest.mark.parametrize("k", range(1, 2048, 89))
def test_floats_a_last_bit_apart_are_equal(k: int) -> None:
    """However a grid may lie between them: k / 2048 is near a multiple of 5e-11 for every k."""
    u, v = k / 2048, float(np.nextafter(k / 2048, 1))
    assert of(seldom(u, v)).causal_states == of(seldom(u, u)).causal_states == 1
    assert of(seldom(u, u + 1e-6)).causal_states == 2


@pytest.mark.parametrize("known", [golden_mean(Fraction(1, 3)), even(), zero_one_random(), rrxor()], ids=lambda known: known.name)
@pytest.mark.parametrize("seed", range(3))
def test_causal_states_do_not_depend_on_the_basis(known: Process, seed: int) -> None:
    """The same words as a generalized HMM, in coordinates that are turned, and with a dimension that no word ever sees."""
    expected, found = of(known), of(in_another_basis(known, seed))
    assert found.causal_states == expected.causal_states
    assert found.statistical_complexity.bits == pytest.approx(expected.statistical_complexity.bits, abs=1e-12)
    assert found.excess_entropy.bits == pytest.approx(expected.excess_entropy.bits, abs=1e-9)


def in_another_basis(known: Process, seed: int) -> Process:
    """P^-1 T P for a triangular P with ones on its diagonal, of a process that has one dimension more than it needs."""
    n, rng = len(known.states) + 1, np.random.default_rng(seed)
    size = range(n)
    P = [[Fraction(int(rng.integers(-3, 4))) if i < j else Fraction(i == j) for j in size] for i in size]
    inverse = [[Fraction(i == j) for j in size] for i in size]
    for i in reversed(size):
        for k in range(i + 1, n):
            inverse[i] = [a - P[i][k] * b for a, b in zip(inverse[i], inverse[k], strict=True)]

    def times(A: list[list[Fraction]], B: list[list[Fraction]]) -> list[list[Fraction]]:
        return [[sum((A[i][k] * B[k][j] for k in range(len(B))), Fraction(0)) for j in range(len(B[0]))] for i in range(len(A))]

    operators: list[dict[tuple[int, int], Scalar]] = []
    for x, entries in enumerate(known.operators):
        dense = [[Fraction(entries.get((i, j), 0)) for j in size] for i in size]
        dense[0][n - 1], dense[n - 1][n - 1] = Fraction(x - 1, 7), Fraction(1, 5)
        turned = times(times(inverse, dense), P)
        operators.append({(i, j): turned[i][j] for i in size for j in size if turned[i][j]})
    unseen = sum((Fraction(known.start[0]) * Fraction(x - 1, 7) for x in range(len(known.tokens))), Fraction(0))
    start = [[*map(Fraction, known.start), unseen / (1 - Fraction(len(known.tokens), 5))]] if len(known.tokens) != 5 else []
    right = [[Fraction(i < n - 1)] for i in size]
    return Process(
        name="turned",
        tokens=known.tokens,
        states=tuple(f"d[{i}]" for i in size),
        operators=tuple(operators),
        start=tuple(times(start, P)[0]),
        right=tuple(row[0] for row in times(inverse, right)),
    )


@settings(max_examples=40, deadline=None)
@given(processes(unifilar=True))
def test_the_future_shows_no_more_than_is_stored(known: Process) -> None:
    found = of(known)
    stored, excess = found.statistical_complexity.bits, found.excess_entropy.bits
    if stored is not None and excess is not None:
        assert -1e-9 <= excess <= stored + 1e-8 + found.excess_entropy.error_bits
        assert found.causal_states is not None
        assert stored <= log2(found.causal_states) + 1e-9
