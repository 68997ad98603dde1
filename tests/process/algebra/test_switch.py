from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.process.algebra.entries import is_stationary
from hmmdsl.process.algebra.failure import AlgebraError, ClashError
from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.algebra.parts import part_targets, read_target
from hmmdsl.process.algebra.switch import switch
from hmmdsl.process.process import Process
from tests.process.algebra.exact_words import exact_words, is_process
from tests.process.known_processes import coin, even, golden_mean, mess3, process, rrxor
from tests.process.random_processes import processes

THIRD = Fraction(1, 3)


@settings(max_examples=30, deadline=None)
@given(processes(3, 2), processes(3, 2), st.fractions(0, 1, max_denominator=6))
def test_which_task_and_then_the_task(a: Process, b: Process, p: Fraction) -> None:
    made = switch(coin(p), {"heads": a, "tails": b})
    assert is_process(made)
    assert made.start_kind == "given"
    expected = {("heads", *word): p * q for word, q in exact_words(a, 3).items()}
    expected |= {("tails", *word): (1 - p) * q for word, q in exact_words(b, 3).items()}
    assert exact_words(made, 4) == {word: q for word, q in expected.items() if q}


@settings(max_examples=30, deadline=None)
@given(processes(3, 2), processes(3, 2), st.fractions(0, 1, max_denominator=6))
def test_an_unseen_choice_for_ever_is_a_mixture(a: Process, b: Process, p: Fraction) -> None:
    unseen = switch(coin(p), {"heads": a, "tails": b}, seen=False)
    assert exact_words(unseen, 4) == exact_words(mixture({"heads": a, "tails": b}, (p, 1 - p)), 4)


def test_episodes_of_one_token_choose_anew_each_time() -> None:
    always = {x: Process(x, (x,), ("A",), ({(0, 0): Fraction(1)},), (Fraction(1),)) for x in ("0", "1")}
    assert exact_words(switch(golden_mean(), always, end=Fraction(1), seen=False), 5) == exact_words(golden_mean(), 5)


def test_seen_choices_and_tasks_alternate_in_episodes_of_one_token() -> None:
    top = process("top", "0 1", "A B", {("A", "0", "B"): Fraction(1), ("B", "1", "A"): Fraction(1)}, (Fraction(1), Fraction(0)))
    made = switch(top, {"0": coin(THIRD), "1": coin()}, end=Fraction(1))
    assert {word[0::2] for word in exact_words(made, 4)} == {("0", "1")}
    assert exact_words(made, 4)["0", "heads", "1", "heads"] == THIRD / 2


@settings(max_examples=20, deadline=None)
@given(processes(2, 2), st.fractions(Fraction(1, 6), 1, max_denominator=6), st.booleans())
def test_episodes_that_end_make_one_stationary_process(a: Process, end: Fraction, seen: bool) -> None:
    made = switch(even(), {"0": a, "1": golden_mean()}, end=end, seen=seen)
    assert is_process(made)
    assert made.start_kind == "stationary"
    assert is_stationary(made)


def test_an_episode_lasts_geometrically_long() -> None:
    end = Fraction(1, 10)
    made = switch(coin(), {"heads": golden_mean(), "tails": rrxor()}, end=end)
    waiting = sum(made.start[: made.states.index("heads.A")])
    assert waiting == end / (1 + end)


def test_sub_processes_may_be_named_after_states() -> None:
    made = switch(golden_mean(), {"A": mess3(), "B": coin()}, end=Fraction(1, 5), seen=False)
    assert made.states == ("A.0", "A.1", "A.2", "B.S")
    assert is_stationary(made)


def test_the_state_of_the_top_is_a_part_where_it_goes_on() -> None:
    top = process("top", "0 1", "A B", {(i, x, j): Fraction(1, 4) for i in "AB" for x in "01" for j in "AB"})
    made = switch(top, {"0": coin(), "1": coin(THIRD)}, end=Fraction(1, 2))
    assert made.states == ("top.A", "top.B", "0.S | A", "0.S | B", "1.S | A", "1.S | B")
    assert part_targets(made) == ("component", "within.top", "within._0", "within._1", "factor.next")
    assert read_target(made, "factor.next").coordinate == (0, 1, 0, 1, 0, 1)
    assert read_target(made, "component").coordinate == (0, 0, 1, 1, 2, 2)


def test_parts_have_names_that_a_target_can_have() -> None:
    """Tokens such as `t[0]` are no words of the language: their parts are called by what is left."""
    top = process("top", "t[0] (0,a) plain", "S", {("S", x, "S"): THIRD for x in ("t[0]", "(0,a)", "plain")})
    made = switch(top, {"t[0]": coin(), "(0,a)": coin(THIRD), "plain": coin()})
    assert part_targets(made) == ("component", "within.top", "within.t_0", "within._0_a", "within.plain")
    clashing = process("top", "t[0] t_0", "S", {("S", x, "S"): Fraction(1, 2) for x in ("t[0]", "t_0")})
    with pytest.raises(ClashError, match="would both be called `t_0`"):
        switch(clashing, {"t[0]": coin(), "t_0": coin()})


def test_names_that_fit_neither_tokens_nor_states() -> None:
    with pytest.raises(AlgebraError, match="named heads, tales"):
        switch(coin(), {"heads": mess3(), "tales": rrxor()})
    topped = process("topped", "top", "S", {("S", "top", "S"): Fraction(1)})
    with pytest.raises(AlgebraError, match="the name `top`"):
        switch(topped, {"top": mess3()})
