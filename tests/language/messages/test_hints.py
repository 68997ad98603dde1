"""Nearest names and other libraries' words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hmmdsl.language.messages.hints import listing, meant, nearest, suggestion

NAMES = ["layers", "heads", "d_model", "context", "activation"]


def test_slips_of_the_pen_are_near() -> None:
    assert nearest("layer", NAMES) == "layers"
    assert nearest("laeyrs", NAMES) == "layers"
    assert nearest("Context", NAMES) == "context"
    assert nearest("dmodel", NAMES) == "d_model"


def test_other_words_are_not_near() -> None:
    assert nearest("zebra", NAMES) is None
    assert nearest("", NAMES) is None
    assert nearest("x" * 100_000, NAMES) is None


def test_a_word_of_another_library_counts_where_ours_fits() -> None:
    assert meant("n_ctx", NAMES) == "context"
    assert meant("n_ctx", ["steps"]) is None


def test_a_suggestion_always_says_something() -> None:
    assert suggestion("n_ctx", NAMES) == "write `context`"
    assert suggestion("contxt", NAMES) == "did you mean `context`?"
    assert suggestion("zebra", ["a", "b"], "there is") == "there is `a`, `b`"
    assert "vocabulary" in suggestion("d_vocab", NAMES)


def test_long_lists_are_cut() -> None:
    assert listing([f"n{i}" for i in range(20)]).endswith("and 8 more")


@given(st.text(min_size=1, max_size=12), st.lists(st.text(min_size=1, max_size=12), max_size=5))
def test_a_known_name_is_nearest_to_itself(word: str, others: list[str]) -> None:
    assert nearest(word, [word, *others]) == word
