"""The beliefs that histories are steered to."""

from __future__ import annotations

import numpy as np
import pytest

from hmmdsl.analysis.intervention.compute import Towards, aim, mean_aim
from hmmdsl.process.algebra.product import product
from hmmdsl.process.history_tree import build_history_tree, history_weights, words_of
from hmmdsl.process.process import Process


@pytest.mark.parametrize("bos", [False, True])
def test_a_counterfactual_differs_in_the_last_token_alone(bos: bool, mess3: Process) -> None:
    tree = build_history_tree(mess3, 4, bos)
    new = aim("counterfactual", mess3, tree, np.random.default_rng(0))
    words = words_of(tree)
    beliefs = {tuple(word): belief for word, belief in zip(words.tolist(), tree.belief, strict=True)}
    tokens = np.zeros((3, 3))
    for node in np.flatnonzero(new.defined):
        end = int(tree.length[node]) - 1
        others = {x: beliefs[(*words[node][:end].tolist(), x, *words[node][end + 1 :].tolist())] for x in range(3)}
        (found,) = [x for x, belief in others.items() if np.array_equal(belief, new.belief[node])]
        assert found != words[node][end]
        tokens[words[node][end], found] += 1
    assert (tokens + np.eye(3) > 0).all()
    assert new.defined.sum() == len(tree) - bos  # the empty history has no last token


def test_a_history_whose_last_token_is_certain_has_no_counterfactual(rrxor: Process) -> None:
    tree = build_history_tree(rrxor, 4)
    new = aim("counterfactual", rrxor, tree, np.random.default_rng(0))
    siblings = np.array([(tree.parent == parent).sum() if parent >= 0 else 2 for parent in tree.parent])
    assert np.array_equal(new.defined, siblings > 1)
    assert np.array_equal(new.belief[~new.defined], tree.belief[~new.defined])


def test_other_histories_are_drawn_by_probability(golden_mean: Process) -> None:
    tree = build_history_tree(golden_mean, 3)
    last = slice(*tree.levels[-2:])
    share = tree.probability[last]
    counts = np.zeros((len(share), len(share)))
    random = np.random.default_rng(0)
    for _ in range(4000):
        new = aim("history", golden_mean, tree, random)
        counts += np.isclose(new.next_token[last][:, None], tree.next_token[last][None], atol=1e-12).all(axis=2) & ~np.eye(
            len(share), dtype=bool
        )
    chosen = np.array([[share[j] / (1 - share[i]) if i != j else 0.0 for j in range(len(share))] for i in range(len(share))])
    # Several histories may share a prediction: compare by prediction.
    alike = np.isclose(tree.next_token[last][:, None], tree.next_token[last][None], atol=1e-12).all(axis=2)
    expected = chosen @ alike * ~np.eye(len(share), dtype=bool)
    np.testing.assert_allclose(counts / 4000, expected, atol=0.04)


@pytest.mark.parametrize("towards", ["counterfactual", "history", "uniform"])
def test_predictions_are_those_of_the_belief(towards: Towards, mess3: Process) -> None:
    tree = build_history_tree(mess3, 4)
    new = aim(towards, mess3, tree, np.random.default_rng(3))
    np.testing.assert_allclose(new.next_token, new.belief @ mess3.emission, atol=1e-12)
    np.testing.assert_allclose(new.belief.sum(axis=1), 1, atol=1e-12)
    same = aim(towards, mess3, tree, np.random.default_rng(3))
    assert np.array_equal(new.belief, same.belief)


def test_uniform_beliefs_fill_the_simplex_evenly(mess3: Process) -> None:
    tree = build_history_tree(mess3, 7)
    belief = aim("uniform", mess3, tree, np.random.default_rng(0)).belief
    np.testing.assert_allclose(belief.mean(axis=0), 1 / 3, atol=0.02)
    assert ((belief > 0.5).any(axis=1)).mean() == pytest.approx(3 / 4, abs=0.03)  # three corner triangles of a quarter each


def test_a_products_predictions_need_no_joint_matrices(golden_mean: Process, rrxor: Process) -> None:
    pair = product({"left": golden_mean, "right": rrxor})
    tree = build_history_tree(pair, 2)
    new = aim("uniform", pair, tree, np.random.default_rng(0))
    np.testing.assert_allclose(new.next_token, new.belief @ pair.emission, atol=1e-12)


def test_ablation_leaves_the_mean_belief(mess3: Process) -> None:
    tree = build_history_tree(mess3, 3)
    new = mean_aim(tree, history_weights(tree), mess3)
    np.testing.assert_allclose(new.belief, np.full((len(tree), 3), 1 / 3), atol=1e-12)
    np.testing.assert_allclose(new.next_token, np.full((len(tree), 3), 1 / 3), atol=1e-12)
