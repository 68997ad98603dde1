"""Distributions of the next k tokens, against every word and every path of hidden states."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_file
from hmmdsl.language.modules.imports import LIBRARY
from hmmdsl.process.futures import future_space, word_vectors
from hmmdsl.process.generalized import future_coordinates, observability_index
from hmmdsl.process.history_tree import build_history_tree, words_of
from hmmdsl.process.process import Process
from tests.process import known_processes


@pytest.fixture(scope="module")
def library() -> dict[str, Process]:
    return dict(compile_file(LIBRARY / "processes.hmm", kinds()).declared)


def by_paths(process: Process, word: tuple[int, ...]) -> float:
    """A word's probability, summed over all paths of hidden states."""
    total = 0.0
    for path in product(range(len(process.states)), repeat=len(word) + 1):
        probability = float(process.start[path[0]])
        for x, i, j in zip(word, path, path[1:], strict=False):
            probability *= float(process.operators[x].get((i, j), 0))
        total += probability
    return total


@pytest.mark.parametrize(("name", "depth", "k"), [("zero_one_random", 2, 3), ("golden_mean", 3, 3), ("mess3", 1, 2)])
def test_a_future_is_the_conditional_distribution_over_all_hidden_paths(name: str, depth: int, k: int) -> None:
    process = getattr(known_processes, name)()
    tree = build_history_tree(process, depth)
    found = tree.belief @ word_vectors(process, k)
    for history, row in zip(words_of(tree), found, strict=True):
        past = tuple(int(x) for x in history if x >= 0)
        ahead = [by_paths(process, past + word) for word in product(range(len(process.tokens)), repeat=k)]
        assert row == pytest.approx(np.array(ahead) / by_paths(process, past), abs=1e-12)


def test_the_rank_of_rrxors_futures_grows_to_its_observability_index() -> None:
    """FACTS: over the beliefs of rrxor it is 2, 3, 4, 5 for k = 1..4."""
    process = known_processes.rrxor()
    belief = build_history_tree(process, 6, bos=True).belief
    ranks = [int(np.linalg.matrix_rank(belief @ word_vectors(process, k), tol=1e-9)) for k in range(1, 6)]
    assert ranks == [2, 3, 4, 5, 5]
    assert [future_space(process, k).coordinates.shape[1] for k in range(1, 6)] == ranks
    assert observability_index(process) == 4


@pytest.mark.parametrize("name", ["bloch_walk", "fanizza", "moon", "mess3", "even"])
def test_the_observability_index_is_where_the_rank_stops_growing(library: dict[str, Process], name: str) -> None:
    process = library[name]
    ranks = [int(np.linalg.matrix_rank(word_vectors(process, k), tol=1e-10)) for k in range(1, 7)]
    assert observability_index(process) == 1 + ranks.index(max(ranks))


@pytest.mark.parametrize("name", ["rrxor", "bloch_walk", "moon"])
@pytest.mark.parametrize("k", [1, 3])
def test_few_coordinates_have_the_distances_of_all_words(library: dict[str, Process], name: str, k: int) -> None:
    process = library[name]
    belief = build_history_tree(process, 4).belief[:60]
    ahead = belief @ word_vectors(process, k)
    space = future_space(process, k)
    assert space.coordinates.shape[1] <= len(process.states)
    assert np.allclose(belief @ space.coordinates @ space.words, ahead, atol=1e-12)
    assert np.allclose(space.words @ space.words.T, np.eye(len(space.words)), atol=1e-12)
    true = np.linalg.norm(ahead[:, None] - ahead[None], axis=2)
    for short in (belief @ space.coordinates, belief @ future_coordinates(process, k)):
        assert np.allclose(np.linalg.norm(short[:, None] - short[None], axis=2), true, atol=1e-12)
