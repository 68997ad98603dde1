import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.process.counting import count_histories
from hmmdsl.process.history_tree import (
    HistoryTree,
    ancestors,
    build_history_tree,
    distinct_beliefs,
    history_weights,
    optimal_losses,
    sample_history_tree,
    word_text,
    words_below,
    words_of,
)
from hmmdsl.process.process import Process
from tests.process.brute_force import myopic_entropy_nats, words
from tests.process.known_processes import ALL, coin, mess3, rrxor
from tests.process.random_processes import as_floats, processes


def words_in(tree: HistoryTree) -> list[tuple[int, ...]]:
    return [tuple(int(x) for x in word if x >= 0) for word in words_of(tree)]


def check_against_words(process: Process, context: int) -> None:
    tree = build_history_tree(process, context, bos=True)
    expected = {word: vector for n in range(context + 1) for word, vector in words(process, n).items()}
    assert words_in(tree) == list(expected)
    vectors = np.array(list(expected.values()))
    np.testing.assert_allclose(tree.probability, vectors.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(tree.belief, vectors / vectors.sum(axis=1, keepdims=True), rtol=1e-11, atol=1e-300)
    np.testing.assert_allclose(tree.next_token, np.einsum("ni,xij->nx", tree.belief, process.T), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("process", ALL, ids=lambda process: process.name)
def test_nodes_are_the_words_with_their_beliefs(process: Process) -> None:
    check_against_words(process, 5)


@settings(max_examples=60, deadline=None)
@given(processes())
def test_nodes_of_random_processes_are_their_words(process: Process) -> None:
    check_against_words(process, 4)


def test_published_sizes() -> None:
    tree = build_history_tree(rrxor(), 10)
    assert (len(tree), tree.levels[-1] - tree.levels[-2]) == (1046, 436)
    assert len(build_history_tree(rrxor(), 14)) == 7654
    assert len(build_history_tree(mess3(), 10)) == 88_572


def test_published_optimal_losses() -> None:
    assert optimal_losses(build_history_tree(rrxor(), 10)).mean() == pytest.approx(0.578185, abs=5e-7)
    # Positions 0 to 9: a window of ten of which the first reads the bos token alone.
    assert optimal_losses(build_history_tree(rrxor(), 9, bos=True)).mean() == pytest.approx(0.597166, abs=5e-7)


@pytest.mark.parametrize("process", ALL, ids=lambda process: process.name)
def test_optimal_losses_are_the_myopic_entropies(process: Process) -> None:
    losses = optimal_losses(build_history_tree(process, 4, bos=True))
    np.testing.assert_allclose(losses, [myopic_entropy_nats(process, n) for n in range(1, 6)], atol=1e-12)


@given(processes(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_laws_of_probability(process: Process, bos: bool) -> None:
    tree = build_history_tree(process, 4, bos)
    np.testing.assert_allclose(tree.belief.sum(axis=1), 1, rtol=1e-13)
    np.testing.assert_allclose(tree.next_token.sum(axis=1), 1, rtol=1e-13)
    assert (np.diff(tree.levels) == count_histories(process, 4, bos)).all()
    for start, end in zip(tree.levels, tree.levels[1:], strict=False):
        assert tree.probability[start:end].sum() == pytest.approx(1, rel=1e-13)
    inner = np.flatnonzero(tree.length < 4)
    children = np.bincount(tree.parent[tree.parent >= 0], tree.probability[tree.parent >= 0], len(tree))
    np.testing.assert_allclose(children[inner], tree.probability[inner], rtol=1e-12)
    child = np.flatnonzero(tree.parent >= 0)
    expected = tree.next_token[tree.parent[child], tree.token[child]] * tree.probability[tree.parent[child]]
    np.testing.assert_allclose(tree.probability[child], expected, rtol=1e-13)


@given(processes(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_breadth_first_order(process: Process, bos: bool) -> None:
    tree = build_history_tree(process, 4, bos)
    assert (np.diff(tree.length) >= 0).all()
    key = tree.parent * (tree.vocabulary + 1) + tree.token
    assert all((np.diff(key[start:end]) > 0).all() for start, end in zip(tree.levels, tree.levels[1:], strict=False))
    assert (tree.parent < np.arange(len(tree))).all()
    if bos:
        assert (tree.token[0], tree.parent[0], tree.length[0]) == (tree.vocabulary, -1, 0)
    assert ((tree.parent == -1) == (tree.length == (0 if bos else 1))).all()


def test_floats_give_the_tree_of_fractions_and_drop_impossible_words() -> None:
    process = rrxor()
    floats = as_floats(process)
    tiny = 1e-15
    noisy = dataclasses.replace(floats, operators=({**floats.operators[0], (3, 0): tiny}, floats.operators[1]))
    exact = build_history_tree(process, 8)
    for other in (floats, noisy):
        tree = build_history_tree(other, 8)
        assert (tree.token == exact.token).all()
        np.testing.assert_allclose(tree.belief, exact.belief, atol=1e-12)


@pytest.mark.parametrize("bos", [False, True])
@pytest.mark.parametrize("weights", ["probability", "uniform", "words", "beliefs"])
def test_weights_sum_to_one(weights: str, bos: bool) -> None:
    for tree in (build_history_tree(rrxor(), 7, bos), sample_history_tree(rrxor(), 7, 100, seed=0, bos=bos)):
        assert history_weights(tree, weights).sum() == pytest.approx(1, rel=1e-12)  # type: ignore[arg-type]


def test_probability_weighs_positions_alike() -> None:
    tree = build_history_tree(rrxor(), 7)
    weight = history_weights(tree, "probability")
    np.testing.assert_allclose(np.bincount(tree.length, weight)[1:], 1 / 7)


def test_words_weigh_by_their_extensions() -> None:
    tree = build_history_tree(rrxor(), 6)
    known = words_in(tree)
    full = [word for word in known if len(word) == 6]
    expected = [sum(word[: len(history)] == history for word in full) for history in known]
    assert words_below(tree).tolist() == expected
    np.testing.assert_allclose(history_weights(tree, "words"), np.array(expected) / sum(expected))


def test_an_unknown_weighting_is_refused() -> None:
    with pytest.raises(ValueError, match="probability, uniform, words"):
        history_weights(build_history_tree(coin(), 2), "loud")  # type: ignore[arg-type]


@pytest.mark.parametrize("bos", [False, True])
def test_ancestors_are_the_prefixes(bos: bool) -> None:
    tree = build_history_tree(rrxor(), 6, bos)
    known = words_in(tree)
    for node, row in enumerate(ancestors(tree)):
        way = [int(k) for k in row if k >= 0]
        assert way[-1] == node
        assert [known[k] for k in way] == [known[node][:n] for n in range(0 if bos else 1, len(known[node]) + 1)]


def test_words_are_shown_with_spaces_where_tokens_are_long() -> None:
    assert word_text(("0", "1"), np.array([0, 1, 1, -1])) == "011"
    assert word_text(("heads", "tails"), np.array([0, 1, -1])) == "heads tails"


def test_a_sampled_tree_is_part_of_the_exact_one() -> None:
    process = mess3()
    exact, sampled = build_history_tree(process, 6, bos=True), sample_history_tree(process, 6, 2000, seed=3, bos=True)
    place = {word: k for k, word in enumerate(words_in(exact))}
    known = words_in(sampled)
    assert len(set(known)) == len(known)
    rows = [place[word] for word in known]
    assert rows == sorted(rows)
    np.testing.assert_allclose(sampled.belief, exact.belief[rows], atol=1e-14)
    np.testing.assert_allclose(sampled.next_token, exact.next_token[rows], atol=1e-14)
    assert (sampled.source, sampled.words) == ("sampled", 2000)
    counts = sampled.probability * 2000
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-9)


def test_a_sampled_tree_converges_to_the_exact_one() -> None:
    exact, sampled = build_history_tree(rrxor(), 6), sample_history_tree(rrxor(), 6, 200_000, seed=1)
    assert (exact.token == sampled.token).all()
    deviation = (sampled.probability - exact.probability) / np.sqrt(exact.probability / 200_000)
    assert np.abs(deviation).max() < 5


def test_the_seed_determines_the_sampled_tree() -> None:
    first, again, other = (sample_history_tree(mess3(), 8, 500, seed=seed) for seed in (1, 1, 2))
    assert (first.token == again.token).all()
    assert (first.probability == again.probability).all()
    assert len(first) != len(other) or (first.token != other.token).any()


@pytest.mark.parametrize("rows", [slice(None), np.arange(40, 200)])
def test_each_belief_counts_once(rows: slice | np.ndarray) -> None:
    tree = build_history_tree(rrxor(), 8)
    weights, label = history_weights(tree, "beliefs", rows), distinct_beliefs(tree, rows)
    assert np.bincount(label, weights) == pytest.approx(np.full(label.max() + 1, 1 / (label.max() + 1)))
    assert all(np.ptp(weights[label == k]) == 0 for k in range(label.max() + 1))
