from fractions import Fraction

import pytest
from hypothesis import given, settings

from hmmdsl.process.algebra.failure import AlgebraError, TooLargeError
from hmmdsl.process.algebra.product import product
from hmmdsl.process.process import Process
from tests.process.algebra.exact_words import exact_words, is_process
from tests.process.known_processes import coin, golden_mean, matching_parens, mess3, rrxor
from tests.process.random_processes import processes


def test_a_product_of_coins_is_a_coin_of_products() -> None:
    pair = product({"left": coin(Fraction(1, 3)), "right": coin(Fraction(1, 4))})
    assert pair.states == ("(S, S)",)
    assert pair.tokens == ("(heads, heads)", "(heads, tails)", "(tails, heads)", "(tails, tails)")
    assert [entries[0, 0] for entries in pair.operators] == [Fraction(n, 12) for n in (1, 3, 2, 6)]
    assert pair.start == (1,)
    assert pair.start_kind == "stationary"


def test_the_rightmost_factor_runs_fastest() -> None:
    pair = product({"a": golden_mean(), "b": rrxor()})
    assert pair.tokens == ("(0, 0)", "(0, 1)", "(1, 0)", "(1, 1)")
    assert pair.states[:6] == ("(A, S)", "(A, S0)", "(A, S1)", "(A, T)", "(A, F)", "(B, S)")


@settings(max_examples=30, deadline=None)
@given(processes(3, 2), processes(2, 2))
def test_word_probabilities_multiply(left: Process, right: Process) -> None:
    pair = product({"left": left, "right": right})
    assert is_process(pair)
    both = {
        tuple(f"({x}, {y})" for x, y in zip(u, v, strict=True)): p * q
        for u, p in exact_words(left, 3).items()
        for v, q in exact_words(right, 3).items()
    }
    assert exact_words(pair, 3) == both


@settings(max_examples=20, deadline=None)
@given(processes(2, 2), processes(2, 2), processes(2, 2))
def test_three_factors_are_the_product_of_products_but_for_names(a: Process, b: Process, c: Process) -> None:
    flat, nested = product({"a": a, "b": b, "c": c}), product({"ab": product({"a": a, "b": b}), "c": c})
    assert flat.operators == nested.operators
    assert flat.start == nested.start


def test_factors_of_a_common_period_are_stationary_though_not_ergodic() -> None:
    pair = product({"left": matching_parens(), "right": matching_parens()})
    assert pair.start_kind == "stationary"
    assert is_process(pair)


def test_a_given_start_stays_given() -> None:
    begun = Process("begun", ("0",), ("A",), ({(0, 0): Fraction(1)},), (Fraction(1),), "given")
    assert product({"left": begun, "right": coin()}).start_kind == "given"


def test_a_product_that_would_not_fit_says_how_large_it_is() -> None:
    with pytest.raises(TooLargeError, match="14,348,907 states") as raised:
        product({f"f{k}": mess3() for k in range(15)})
    assert (raised.value.states, raised.value.tokens, raised.value.entries) == (3**15, 3**15, 27**15)


def test_a_product_needs_a_factor() -> None:
    with pytest.raises(AlgebraError, match="no factors"):
        product({})
