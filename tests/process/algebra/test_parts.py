from fractions import Fraction

import numpy as np
import pytest

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_text
from hmmdsl.process.algebra.failure import AlgebraError
from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.algebra.parts import part_targets, read_target
from hmmdsl.process.algebra.product import in_full, product
from hmmdsl.process.algebra.transforms import leak
from hmmdsl.process.history_tree import HistoryTree, build_history_tree
from hmmdsl.process.process import Process
from tests.process.known_processes import coin, even, golden_mean, mess3, rrxor

HALF = Fraction(1, 2)


def moon(log_alpha: float = 1.0) -> Process:
    """The library's, whose right eigenvector is not all ones."""
    text = f"import std.processes (moon)\nprocess m = moon({log_alpha})"
    return compile_text(text, "x.hmm", kinds()).declared["m"]


def test_factor_beliefs_are_those_of_the_factors_alone() -> None:
    pair = product({"left": golden_mean(), "right": rrxor()})
    tree = build_history_tree(pair, 4)
    alone = build_history_tree(rrxor(), 4)
    found = read_target(pair, "factor.right")(tree.belief)
    for belief in found:
        assert np.abs(alone.belief - belief).max(axis=1).min() < 1e-12
    assert read_target(pair, "factor.left").labels == ("A", "B")
    assert not read_target(pair, "factor.left").conditional


def test_components_are_inferred_and_beliefs_within_are_conditional() -> None:
    tasks = mixture({"A": golden_mean(), "B": even()}, (HALF, HALF))
    tree = build_history_tree(tasks, 5, bos=True)
    component = read_target(tasks, "component")(tree.belief)
    assert component[0] == pytest.approx([0.5, 0.5])
    assert component.sum(axis=1) == pytest.approx(1)
    within = read_target(tasks, "within.A")
    assert within.conditional
    values = within(tree.belief)
    dead = component[:, 0] == 0
    assert dead.any()
    assert np.isnan(values[dead]).all()
    assert values[~dead].sum(axis=1) == pytest.approx(1)


def test_nested_parts_are_read_through() -> None:
    tasks = mixture({"A": product({"left": coin(), "right": golden_mean()}), "B": mess3()}, (HALF, HALF))
    nested = product({"x": leak(tasks, Fraction(1, 10)), "y": coin()})
    assert part_targets(nested) == (
        "factor.x",
        "factor.x.component",
        "factor.x.within.A",
        "factor.x.within.A.factor.left",
        "factor.x.within.A.factor.right",
        "factor.x.within.B",
        "factor.y",
    )
    reading = read_target(nested, "factor.x.within.A.factor.right")
    assert reading.labels == ("A", "B")
    assert reading.coordinate == (0, 1, None, None, None)
    assert reading.conditional


def test_an_unknown_target_lists_those_that_exist() -> None:
    with pytest.raises(AlgebraError, match=r"no target `within\.C`") as raised:
        read_target(mixture({"A": coin(), "B": mess3()}, (HALF, HALF)), "within.C")
    assert raised.value.cure == "choose one of state, component, within.A, within.B"
    assert part_targets(mess3()) == ()
    assert read_target(mess3(), "state").labels == mess3().states


def test_parts_do_not_bear_on_equality() -> None:
    one, other = product({"l": coin(), "r": coin()}, "p"), product({"a": coin(), "b": coin()}, "p")
    assert one.parts != other.parts
    assert one == other


def test_parts_of_generalized_hmms_are_read_with_their_right_eigenvectors() -> None:
    """Neither vector of ones nor sums of coordinates: of a ghmm the probability of a component is its coordinates times r."""
    one, other = moon(), moon(0.3)
    tasks = mixture({"A": one, "B": other}, (Fraction(1, 3), Fraction(2, 3)))
    tree = build_history_tree(tasks, 4)
    component, within = (read_target(tasks, target)(tree.belief) for target in ("component", "within.A"))
    for history, word in enumerate(words_of(tree)):
        joint, rival = one.eta, other.eta
        for token in word:
            joint, rival = joint @ one.T[token], rival @ other.T[token]
        mine, theirs = joint @ one.r / 3, rival @ other.r * 2 / 3
        assert component[history] == pytest.approx([mine / (mine + theirs), theirs / (mine + theirs)], abs=1e-9)
        if mine > 1e-9:
            assert within[history] == pytest.approx(joint / (joint @ one.r), abs=1e-9)


def test_a_factor_of_joint_generalized_hmms_is_read_off_their_joint_belief() -> None:
    pair = in_full(product({"left": moon(), "right": moon(0.3)}))
    tree, alone = build_history_tree(pair, 3), build_history_tree(moon(), 3)
    own = dict(zip(words_of(alone), alone.belief, strict=True))
    found = read_target(pair, "factor.left")(tree.belief)
    for belief, word in zip(found, words_of(tree), strict=True):
        assert belief == pytest.approx(own[tuple(token // 3 for token in word)], abs=1e-9)
    nested = mixture({"P": pair, "Q": product({"left": moon(), "right": moon()})}, (HALF, HALF))
    read = read_target(nested, "within.P.factor.left")(build_history_tree(nested, 3).belief)
    assert read == pytest.approx(found, abs=1e-9)


def words_of(tree: HistoryTree) -> list[tuple[int, ...]]:
    """Each history as its tokens."""
    words: list[tuple[int, ...]] = []
    for parent, token in zip(tree.parent.tolist(), tree.token.tolist(), strict=True):
        words.append((*(words[parent] if parent >= 0 else ()), token))
    return words
