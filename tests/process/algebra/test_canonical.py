from fractions import Fraction
from itertools import product as tuples

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.process.algebra.canonical import CanonicalDimension, canonical_dimension, predictive
from hmmdsl.process.algebra.epsilon_machine import coarsest_lumping, lumped
from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.algebra.predictive_states import predictive_states
from hmmdsl.process.algebra.product import product
from hmmdsl.process.algebra.spans import Span, WorkError, closure
from hmmdsl.process.algebra.transforms import relabel
from hmmdsl.process.process import Process
from tests.process.known_processes import alternating_coins, coin, golden_mean, mess3, rrxor, simple_nonunifilar
from tests.process.random_processes import as_floats, processes


@pytest.mark.parametrize(
    ("known", "rank"),
    [
        (coin(), 1),
        (golden_mean(), 2),
        (rrxor(), 5),
        (mess3(), 3),
        (simple_nonunifilar(), 2),
        (alternating_coins(), 2),
        (relabel(rrxor(), {"0": "x", "1": "x"}), 1),
        (mixture({"A": rrxor(), "B": rrxor()}, (Fraction(1, 3), Fraction(2, 3))), 5),
        (product({"A": golden_mean(), "B": golden_mean()}), 4),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_known_dimensions(known: Process, rank: int) -> None:
    assert canonical_dimension(known) == CanonicalDimension(rank, True)
    assert canonical_dimension(as_floats(known)) == CanonicalDimension(rank, False)


@settings(max_examples=40, deadline=None)
@given(processes(3, 2))
def test_it_is_the_rank_of_the_hankel_matrix(known: Process) -> None:
    """Pasts and futures to length n - 1 are enough for n states."""
    words = [word for length in range(len(known.states)) for word in tuples(range(len(known.tokens)), repeat=length)]

    def after(word: tuple[int, ...]) -> np.ndarray:
        vector = known.eta
        for x in word:
            vector = vector @ known.T[x]
        return vector

    def before(word: tuple[int, ...]) -> np.ndarray:
        vector = np.ones(len(known.states))
        for x in reversed(word):
            vector = known.T[x] @ vector
        return vector

    hankel = np.array([[after(past) @ before(future) for future in words] for past in words])
    assert canonical_dimension(known).rank == np.linalg.matrix_rank(hankel, tol=1e-9)


@settings(max_examples=40, deadline=None)
@given(processes(4, 2))
def test_predictive_coordinates_give_the_words_probabilities(known: Process) -> None:
    seen = predictive(known)
    size = len(seen.pivots)
    M = np.zeros((len(known.tokens), size, size))
    for x, rows in enumerate(seen.operators):
        for k, row in rows.items():
            for j, value in row:
                M[x, k, j] = float(value)
    a = np.array([float(seen.start.get(k, 0)) for k in range(size)])
    a /= a.sum()
    total = (a @ M.sum(axis=0)).sum()
    for word in tuples(range(len(known.tokens)), repeat=3):
        here, there = a, known.eta
        for x in word:
            here, there = here @ M[x] / total, there @ known.T[x]
        assert here.sum() == pytest.approx(there.sum(), abs=1e-12)


def test_states_with_one_future_are_one_predictive_state() -> None:
    blind = relabel(alternating_coins(), {"0": "x", "1": "x"})
    found = predictive_states(predictive(blind), 10, 1000)
    assert (found.closed, found.sizes) == (True, (1,))


@settings(max_examples=40, deadline=None)
@given(processes(5, 2))
def test_a_lumping_is_one(known: Process) -> None:
    block = coarsest_lumping(known)
    small = lumped(known, block)
    for x, entries in enumerate(known.operators):
        for i in range(len(known.states)):
            row: dict[int, Fraction] = {}
            for (source, j), value in entries.items():
                if source == i:
                    row[block[j]] = row.get(block[j], Fraction(0)) + Fraction(value)
            assert row == {b: value for (source, b), value in small.operators[x].items() if source == block[i]}
    assert coarsest_lumping(small) == tuple(range(len(small.states)))


@given(st.lists(st.lists(st.integers(-3, 3), min_size=4, max_size=4), min_size=1, max_size=5))
def test_spans_have_the_rank_of_their_vectors(vectors: list[list[int]]) -> None:
    exact, modular = Span(None, 1000), Span(2**61 - 1, 1000)
    for vector in vectors:
        exact.add(dict(enumerate(vector)))
        modular.add(dict(enumerate(vector)))
    assert len(exact) == len(modular) == np.linalg.matrix_rank(np.array(vectors))


def test_spaces_have_a_budget() -> None:
    with pytest.raises(WorkError):
        closure({0: 1}, [{0: [(1, 1)], 1: [(0, 2), (1, 3)]}], None, 0)
