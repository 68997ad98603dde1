"""Products factor by factor: the same numbers as of the joint process, without making it."""

from __future__ import annotations

from fractions import Fraction
from math import lcm

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from hmmdsl.process.algebra.failure import AlgebraError, TooLargeError
from hmmdsl.process.algebra.parts import part_targets, read_target, within_factors
from hmmdsl.process.algebra.product import in_full, product
from hmmdsl.process.algebra.transforms import noise, reverse
from hmmdsl.process.counting import count_histories
from hmmdsl.process.histories import JointSizeError
from hmmdsl.process.history_tree import HistoryTree, build_history_tree, optimal_losses, sample_history_tree, words_of
from hmmdsl.process.independent import joint_beliefs
from hmmdsl.process.mixed_states import mixed_state_presentation
from hmmdsl.process.portraying import portrait
from hmmdsl.process.process import Process
from hmmdsl.process.sampling import TOKENS_AT_ONCE, sample_pieces, sample_words, sample_words_and_states
from hmmdsl.process.structure import structure
from hmmdsl.process.words import observe
from tests.process.algebra.exact_words import exact_words
from tests.process.known_processes import coin, even, golden_mean, matching_parens, mess3, rrxor, zero_one_random
from tests.process.random_processes import as_floats, processes

FIVE = product({f"m{k}": mess3() for k in range(5)})
TEN = product({f"z{k}": zero_one_random() for k in range(10)})


def started(process: Process, state: int) -> Process:
    """The same process, begun in one state."""
    start = tuple(Fraction(int(i == state)) for i in range(len(process.states)))
    return Process(process.name, process.tokens, process.states, process.operators, start, "given")


def same_tree(found: HistoryTree, expected: HistoryTree) -> None:
    for name in ("token", "parent", "length"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.levels == expected.levels
    for name in ("belief", "next_token", "probability"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-13, rtol=1e-11)


@settings(max_examples=25, deadline=None)
@given(processes(3, 2), processes(2, 2), processes(2, 2), st.booleans())
def test_the_tree_of_factors_is_the_tree_of_the_joint_process(a: Process, b: Process, c: Process, bos: bool) -> None:
    pair = product({"a": a, "rest": product({"b": b, "c": c})})
    assert pair.factored
    assert not in_full(pair).factored
    same_tree(build_history_tree(pair, 3, bos), build_history_tree(in_full(pair), 3, bos))
    np.testing.assert_allclose(
        optimal_losses(build_history_tree(pair, 3, bos)), optimal_losses(build_history_tree(in_full(pair), 3, bos)), atol=1e-13
    )


@settings(max_examples=10, deadline=None)
@given(processes(3, 2), processes(2, 3))
def test_floats_give_the_same_tree(a: Process, b: Process) -> None:
    pair = product({"a": as_floats(a), "b": b})
    same_tree(build_history_tree(pair, 3), build_history_tree(in_full(pair), 3))


@settings(max_examples=20, deadline=None)
@given(processes(3, 2), processes(2, 2))
def test_joint_matrices_and_beliefs_are_exact(a: Process, b: Process) -> None:
    pair = product({"a": a, "b": b})
    assert sum(exact_words(pair, 2).values()) == 1
    for word in words_of(build_history_tree(pair, 2)):
        read = [int(x) for x in word if x >= 0]
        apart, joint = observe(pair, read), observe(in_full(pair), read)
        assert apart.probability == joint.probability
        assert apart.belief == joint.belief
        assert apart.log_probability_nats == pytest.approx(joint.log_probability_nats, abs=1e-12)
    other = product({"a": a, "b": coin(Fraction(1, 7))})
    assert other != pair
    assert product({"x": a, "y": b}) == in_full(pair).__class__(**{**vars_of(pair), "name": product({"x": a, "y": b}).name})


def vars_of(process: Process) -> dict[str, object]:
    made = in_full(process)
    return {name: getattr(made, name) for name in ("tokens", "states", "operators", "start", "start_kind", "right")}


def test_products_are_counted_without_being_made() -> None:
    assert count_histories(FIVE, 3) == (243, 243**2, 243**3)
    assert count_histories(in_full(product({"a": rrxor(), "b": even()})), 6) == count_histories(
        product({"a": rrxor(), "b": even()}), 6
    )
    assert (len(TEN.states), len(TEN.tokens), TEN.transition_count) == (3**10, 2**10, 4**10)
    assert TEN.states[-1] == f"({', '.join([zero_one_random().states[-1]] * 10)})"


def test_sampled_trees_hold_the_factors_beliefs() -> None:
    pair = product({"a": rrxor(), "b": mess3()})
    tree, whole = sample_history_tree(pair, 4, 300, 5), build_history_tree(pair, 4)
    known = {tuple(word): k for k, word in enumerate(words_of(whole).tolist())}
    rows = np.array([known[tuple(word)] for word in words_of(tree).tolist()])
    np.testing.assert_allclose(tree.belief, whole.belief[rows], atol=1e-13)
    np.testing.assert_allclose(tree.next_token, whole.next_token[rows], atol=1e-13)
    for begin, end in zip(tree.levels, tree.levels[1:], strict=False):
        assert tree.probability[begin:end].sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_array_equal(
        np.unique(words_of(tree)[tree.levels[-2] :], axis=0), np.unique(sample_words(pair, 300, 4, 5), axis=0)
    )


def test_targets_of_factors_are_read_without_the_joint_belief() -> None:
    nested = product({"left": product({"a": rrxor(), "b": even()}), "right": golden_mean()})
    tree = build_history_tree(nested, 3)
    for target in ("factor.left", "factor.left.factor.b", "factor.right"):
        found = within_factors(nested, target)
        read = tree.belief_of(first=found.first, last=found.last)
        np.testing.assert_allclose(read, read_target(nested, target)(tree.belief), atol=1e-13)


def test_joint_beliefs_that_would_not_fit_say_how_large() -> None:
    tree = sample_history_tree(TEN, 6, 2000, 0)
    assert tree.belief_of(np.arange(3)).shape == (3, 3**10)
    with pytest.raises(JointSizeError, match="59,049 numbers"):
        _ = tree.belief


def test_drawn_words_have_their_probabilities() -> None:
    pair = product({"a": rrxor(), "b": golden_mean()})
    tree = build_history_tree(in_full(pair), 3)
    words = words_of(tree)[tree.levels[-2] :]
    base = len(pair.tokens) ** np.arange(3)
    drawn = np.bincount(sample_words(pair, 100_000, 3, 11) @ base, minlength=len(pair.tokens) ** 3)
    counts = drawn[words @ base]
    assert counts.sum() == 100_000
    assert chisquare(counts, 100_000 * tree.probability[tree.levels[-2] :]).pvalue > 1e-3


def test_drawn_states_lead_on_by_drawn_tokens() -> None:
    pair = product({"a": rrxor(), "b": mess3()})
    words, states = sample_words_and_states(pair, 200, 12, 3)
    assert (pair.T[words, states[:, :-1], states[:, 1:]] > 0).all()
    share = np.bincount(states[:, 0], minlength=len(pair.states)) / 200
    assert np.abs(share - pair.eta).max() < 0.15


@pytest.mark.parametrize("states", [False, True])
def test_long_words_are_drawn_in_parts_that_go_on(states: bool) -> None:
    pair = product({"a": rrxor(), "b": golden_mean(), "c": coin()})
    length = TOKENS_AT_ONCE + 1000
    pieces = list(sample_pieces(pair, 1, length, 0, states))
    assert len(pieces) > 1
    token = np.concatenate([piece.token for piece in pieces], axis=1)[0]
    assert len(token) == length
    # rrxor's tokens come in threes whose sum is even: one of the three phases fits the whole word.
    own = token // 4
    assert any((own[phase : phase + (length - phase) // 3 * 3].reshape(-1, 3).sum(axis=1) % 2 == 0).all() for phase in range(3))
    assert not (((token // 2 % 2)[:-1] == 1) & ((token // 2 % 2)[1:] == 1)).any()
    if states:
        assert sum(piece.state.shape[1] for piece in pieces if piece.state is not None) == length + 1


PAIRS = {
    "coprime": product({"a": rrxor(), "b": matching_parens()}),
    "aperiodic": product({"a": golden_mean(), "b": even()}),
    "of one period": product({"a": zero_one_random(), "b": rrxor()}),
    "begun, coprime": product({"a": started(rrxor(), 0), "b": even()}),
    "begun, of one period": product({"a": started(zero_one_random(), 0), "b": started(zero_one_random(), 1)}),
    "one begun": product({"a": started(zero_one_random(), 0), "b": zero_one_random()}),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_product_is_described_as_its_joint_process_is(name: str) -> None:
    pair = PAIRS[name]
    apart, joint = portrait(pair), portrait(in_full(pair))
    for field in ("ergodic", "irreducible", "period", "unifilar", "unreachable", "canonical", "causal_states", "start_kind"):
        assert getattr(apart, field) == getattr(joint, field), field
    assert (apart.stationary is None) == (joint.stationary is None)
    assert apart.stationary is None or apart.stationary == joint.stationary
    assert apart.entropy_rate.value_bits == pytest.approx(joint.entropy_rate.value_bits, abs=1e-12)
    np.testing.assert_allclose(apart.myopic_entropies.bits, joint.myopic_entropies.bits, atol=1e-12)
    if joint.beliefs.closed:
        assert apart.beliefs == joint.beliefs
    else:
        assert apart.beliefs.count is None
        common = min(len(apart.beliefs.growth), len(joint.beliefs.growth))
        assert apart.beliefs.growth[:common] == joint.beliefs.growth[:common]
    for measure in ("statistical_complexity", "excess_entropy"):
        known = getattr(joint, measure).bits
        assert known is None or getattr(apart, measure).bits == pytest.approx(known, abs=1e-8)


def test_excess_entropy_of_a_common_period_is_that_of_the_whole_process() -> None:
    """The past tells both phases, log2 3 bits each, though the joint process settles into one of three classes."""
    pair = product({"a": zero_one_random(), "b": zero_one_random()})
    about = portrait(pair)
    assert not about.ergodic
    assert about.excess_entropy.bits == pytest.approx(2 * np.log2(3), abs=1e-12)
    blocks = [0.0, *portrait(in_full(pair), depth=10).myopic_entropies.block_bits]
    # E is the limit of H(n) - n h.
    assert about.excess_entropy.bits == pytest.approx(blocks[-1] - 10 * about.entropy_rate.value_bits, abs=1e-9)
    begun = portrait(PAIRS["begun, of one period"])
    assert begun.excess_entropy.bits == pytest.approx(np.log2(3), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(processes(4, 2), processes(3, 2))
def test_structure_and_counts_of_random_pairs(a: Process, b: Process) -> None:
    pair = product({"a": a, "b": b})
    assert structure(pair) == structure(in_full(pair))
    found, msp = joint_beliefs(pair), mixed_state_presentation(in_full(pair), 2000, max_work=200_000)
    common = min(len(found.sizes), len(msp.sizes))
    assert found.sizes[:common] == msp.sizes[:common]
    if msp.closed and found.count is not None:
        assert found.count == len(msp)
        assert msp.recurrent is not None
        assert found.recurrent == int(msp.recurrent.sum())


def test_large_products_are_described_by_their_factors() -> None:
    about = portrait(TEN)
    assert about.entropy_rate.value_bits == pytest.approx(10 / 3, abs=1e-12)
    assert about.statistical_complexity.bits == pytest.approx(10 * np.log2(3), abs=1e-12)
    assert about.canonical.rank == about.causal_states == 3**10
    assert (about.beliefs.recurrent, about.period, about.ergodic) == (3**10, 3, False)
    single = portrait(zero_one_random()).beliefs
    assert about.beliefs.growth == (1, 1 + 2**10, 1 + 2**10 + 4**10)
    assert single.growth == (1, 3, 7)


def test_what_needs_the_joint_matrices_says_how_large_they_would_be() -> None:
    with pytest.raises(TooLargeError, match="14,348,907 transitions"):
        noise(FIVE, Fraction(1, 10))
    with pytest.raises(TooLargeError, match="about 10\\^"):
        product({f"f{k}": mess3() for k in range(60)})


def test_periods_are_common_multiples() -> None:
    assert structure(product({"a": rrxor(), "b": matching_parens()})).period == lcm(3, 2)


def test_a_product_runs_backwards_factor_by_factor() -> None:
    pair = product({"left": golden_mean(Fraction(1, 3)), "right": product({"a": matching_parens(), "b": coin(Fraction(1, 4))})})
    backwards = reverse(pair)
    assert [factor.name for factor in backwards.factors] == [f"reverse({factor.name})" for factor in pair.factors]
    assert part_targets(backwards) == part_targets(pair)
    whole = reverse(in_full(pair))
    assert tuple(backwards.operators) == tuple(whole.operators)
    assert tuple(backwards.start) == tuple(whole.start)
    assert len(reverse(FIVE).factors) == 5  # its joint matrices would have 14 million entries
    with pytest.raises(AlgebraError, match="stationary"):
        reverse(product({"left": coin(), "right": started(golden_mean(), 0)}))
