"""Folds over histories: what stands in one, how even they are, and what they share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.analysis.fitting.folds import assign_folds, draw_folds, groups, sharing
from hmmdsl.analysis.reading.held_out import By, ByBelief, ByHistory, ByPrefix
from hmmdsl.process.history_tree import build_history_tree, distinct_beliefs, words_of
from tests.process.known_processes import mess3, rrxor


@given(st.integers(1, 300), st.integers(3, 20), st.integers(1, 6), st.integers(0, 100))
def test_folds_are_even_whole_and_alike_in_lengths(groups: int, folds: int, lengths: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    shortest = random.integers(1, lengths + 1, groups)
    group = np.concatenate([np.arange(groups), random.integers(0, groups, groups)])
    length = np.concatenate([shortest, shortest[group[groups:]] + random.integers(0, 3, groups)])
    fold = assign_folds(group, length, folds, random)
    of_group = fold[:groups]
    assert (fold == of_group[group]).all()  # a group is held out whole
    assert len(np.unique(of_group)) == min(folds, groups)
    for chosen in (shortest > 0, *(shortest == k for k in range(1, lengths + 1))):
        sizes = np.bincount(of_group[chosen], minlength=min(folds, groups))
        assert sizes.max() - sizes.min() <= 1


def test_the_short_histories_never_fall_into_one_fold() -> None:
    tree = build_history_tree(mess3(), 5)
    for fold in draw_folds(tree, slice(None), ByHistory(), 5, 50, 0):
        assert len(set(fold[tree.length == 1])) == 3


def test_histories_with_one_belief_are_held_out_together() -> None:
    tree = build_history_tree(rrxor(), 8)
    label, twins = groups(tree, slice(None), ByBelief()), distinct_beliefs(tree)
    assert label.max() + 1 == 35
    for k in range(35):
        assert np.ptp(tree.belief[label == k], axis=0).max() < 1e-9
    whole = draw_folds(tree, slice(None), ByBelief(), 7, 3, 0)
    assert sharing(twins, whole).results() == {"distinct": 35, "in_fold": 5, "shared": 0}
    single = sharing(twins, draw_folds(tree, slice(None), ByHistory(), 7, 3, 0))
    assert single.results()["shared"] == pytest.approx(single.results()["in_fold"], rel=0.2)  # most have twins in other folds


def test_beliefs_of_a_product_are_those_of_its_factors_together() -> None:
    from hmmdsl.process.algebra.product import product

    both = product({"left": rrxor(), "right": mess3()})
    tree = build_history_tree(both, 3)
    joint = {tuple(np.round(belief, 9)) for belief in tree.belief}
    assert int(distinct_beliefs(tree).max()) + 1 == len(joint)


@pytest.mark.parametrize("bos", [False, True])
def test_histories_that_begin_alike_are_held_out_together(bos: bool) -> None:
    tree = build_history_tree(rrxor(), 6, bos)
    label = groups(tree, slice(None), ByPrefix(tokens=3))
    begun = [tuple(word[:3]) for word in words_of(tree)]
    for one in set(begun):
        assert len({int(label[i]) for i, other in enumerate(begun) if other == one}) == 1
    assert label.max() + 1 == len(set(begun))


@pytest.mark.parametrize("by", [ByHistory(), ByBelief(), ByPrefix()])
def test_each_draw_is_another_and_always_the_same(by: By) -> None:
    tree = build_history_tree(rrxor(), 7)
    one, again = (draw_folds(tree, slice(None), by, 5, 4, 3) for _ in range(2))
    assert all((a == b).all() for a, b in zip(one, again, strict=True))
    assert len({fold.tobytes() for fold in one}) == 4


def test_two_beliefs_are_too_few_for_folds() -> None:
    tree = build_history_tree(rrxor(), 1)
    assert draw_folds(tree, slice(None), ByBelief(), 5, 2, 0) == ()
