"""One word at a time: its probability and its belief, as the history tree has them."""

from __future__ import annotations

from fractions import Fraction
from math import inf
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_file
from hmmdsl.language.modules.imports import LIBRARY
from hmmdsl.process.algebra.product import product
from hmmdsl.process.history_tree import build_history_tree, words_of
from hmmdsl.process.process import Process
from hmmdsl.process.sampling import sample_words
from hmmdsl.process.words import (
    LONGEST_EXACT,
    SHORTENED,
    UnknownTokenError,
    log_probability_nats,
    observe,
    read_word,
    word_probability,
)
from tests.process.known_processes import mess3, rrxor
from tests.process.random_processes import processes

LIBRARY_PROCESSES = compile_file(Path(LIBRARY / "processes.hmm"), kinds()).declared


@pytest.mark.parametrize(
    "known",
    [rrxor(), mess3(), *(LIBRARY_PROCESSES[name] for name in ("bloch_walk", "moon", "fanizza"))],
    ids=lambda known: known.name,
)
def test_observed_words_are_the_trees_histories(known: Process) -> None:
    tree = build_history_tree(known, 4)
    for node, word in enumerate(words_of(tree)):
        seen = observe(known, (int(x) for x in word if x >= 0))
        assert float(seen.probability) == pytest.approx(tree.probability[node], abs=1e-12)
        assert np.exp(seen.log_probability_nats) == pytest.approx(tree.probability[node], abs=1e-12)
        np.testing.assert_allclose([float(value) for value in seen.belief], tree.belief[node], atol=1e-9)


def test_rational_processes_have_rational_beliefs() -> None:
    assert observe(rrxor(), (0, 1, 1, 0)).belief == (Fraction(2, 5), Fraction(2, 5), 0, Fraction(1, 5), 0)


def test_long_words_are_read_in_floats_and_agree_with_fractions() -> None:
    word = [0, 1, 1] * (LONGEST_EXACT // 3 + 10)
    assert len(word) > LONGEST_EXACT
    assert log_probability_nats(mess3(), word) == pytest.approx(observe(mess3(), word).log_probability_nats, rel=1e-13)
    both = product({"a": mess3(), "b": mess3()})
    assert log_probability_nats(both, [4 * x for x in word]) == pytest.approx(2 * log_probability_nats(mess3(), word), rel=1e-13)
    assert log_probability_nats(both, ()) == 0
    assert log_probability_nats(LIBRARY_PROCESSES["golden_mean"], [1] * LONGEST_EXACT + [0, 0, 1, 1]) == -inf


@settings(max_examples=20, deadline=None)
@given(processes(most_states=3), st.integers(0, 2**32))
def test_long_words_keep_every_digit(drawn: Process, seed: int) -> None:
    word = sample_words(drawn, 1, SHORTENED + 6, seed)[0].tolist()
    weights = list(drawn.start)
    for x in word:
        after = [Fraction(0)] * len(weights)
        for (i, j), value in drawn.operators[x].items():
            after[j] += weights[i] * value
        weights = after
    seen, probability = observe(drawn, word), sum(weights)
    assert seen.probability == probability
    assert list(seen.belief) == [weight / probability for weight in weights]


def test_a_word_that_cannot_occur_has_probability_zero_and_no_belief() -> None:
    moon = LIBRARY_PROCESSES["moon"]
    assert word_probability(moon, (0, 0)) == 0
    with pytest.raises(ValueError, match="never emits"):
        observe(moon, (0, 0))


PAIRS = ("(0, 0)", "(0, 1)", "(1, 0)", "(1, 1)")
FAMILY = ("d[0, 0]", "d[0, 1]", "stop")


@pytest.mark.parametrize(
    ("tokens", "text", "word"),
    [
        (("0", "1"), "0110", (0, 1, 1, 0)),
        (("0", "1"), "01 10", (0, 1, 1, 0)),
        (("0", "1"), "0, 1,1", (0, 1, 1)),
        (("heads", "tails"), "tails, heads", (1, 0)),
        (("heads", "tails"), "tails", (1,)),
        (("0", "1", "10"), "10 0", (2, 0)),
        (("0", "1", "10"), "100", (1, 0, 0)),
        (PAIRS, "(0,1) (1,1)", (1, 3)),
        (PAIRS, "(0, 1) (1, 1)", (1, 3)),
        (PAIRS, "( 0 ,1 ),(1, 1)(0,0)", (1, 3, 0)),
        (PAIRS, "", ()),
        (("((0, 1), a)", "((1, 1), a)"), "((1,1),a) ((0, 1), a)", (1, 0)),
        (FAMILY, "d[0,1] stop d[0, 0]", (1, 2, 0)),
        (("NN", ",", "(", ")"), "NN , ( NN )", (0, 1, 2, 0, 3)),
        (("a b", "a"), "a b a a b", (0, 1, 0)),
        (("(a b, 0)", "(ab, 0)"), "(a b,0) (ab,0)", (0, 1)),
    ],
)
def test_one_reader_takes_a_history_however_it_is_spaced(tokens: tuple[str, ...], text: str, word: tuple[int, ...]) -> None:
    assert read_word(tokens, text) == word


@pytest.mark.parametrize(
    ("tokens", "text", "token"),
    [
        (("0", "1"), "021", "2"),
        (PAIRS, "(0,1) (1,2)", "(1,2)"),
        (PAIRS, "(0,1) 1", "1"),
        (PAIRS, "(0, 1) (1", "(1"),
        (("0", "1", "10"), "0 110", "110"),
        (("heads", "tails"), "heads hats", "hats"),
    ],
)
def test_what_is_no_token_is_named(tokens: tuple[str, ...], text: str, token: str) -> None:
    with pytest.raises(UnknownTokenError, match="is no token") as raised:
        read_word(tokens, text)
    assert raised.value.token == token


def test_the_tokens_of_a_product_are_read_back() -> None:
    pair = product({"left": rrxor(), "right": product({"one": mess3(), "other": rrxor()})})
    text = " ".join(pair.tokens)
    assert read_word(pair.tokens, text) == read_word(pair.tokens, text.replace(", ", ",")) == tuple(range(len(pair.tokens)))
