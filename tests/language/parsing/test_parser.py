"""Text to tree: every form, every place, and what is kept when something is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostic, Diagnostics
from hmmdsl.language.parser import parse, parse_expression
from hmmdsl.language.parsing.layout import MAX_DEPTH
from hmmdsl.language.source import Source
from tests.language import strategies
from tests.language.examples import DESIGN


def read(text: str) -> tuple[syntax.File, list[Diagnostic]]:
    diagnostics = Diagnostics()
    return parse(Source("test.hmm", text), diagnostics), diagnostics.found


def sound(text: str) -> syntax.File:
    file, found = read(text)
    assert found == []
    return file


def codes(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in read(text)[1]]


def expression(text: str) -> syntax.Expression:
    diagnostics = Diagnostics()
    tree = parse_expression(Source("expression", text), diagnostics)
    assert diagnostics.found == []
    assert tree is not None
    return tree


# ---------------------------------------------------------------- forms


@pytest.mark.parametrize("text", DESIGN)
def test_the_designs_examples_parse(text: str) -> None:
    assert sound(text).statements


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("1 + 2 * 3", "1 + (2 * 3)"),
        ("1 - 2 - 3", "(1 - 2) - 3"),
        ("2 ^ 3 ^ 2", "2 ^ (3 ^ 2)"),
        ("-2 ^ 2", "-(2 ^ 2)"),
        ("2 ^ -1 * 3", "(2 ^ (-1)) * 3"),
        ("-1 * 3", "(-1) * 3"),
        ("7 mod 4 / 2", "(7 mod 4) / 2"),
        ("not a and b or c", "((not a) and b) or c"),
        ("not a == b", "not (a == b)"),
        ("a or b and c", "a or (b and c)"),
        ("if a then b else if c then d else e", "if a then b else (if c then d else e)"),
        ("if a then 1 else 2 + 3", "if a then 1 else (2 + 3)"),
        ("1 + 2..3 * 4", "(1 + 2)..(3 * 4)"),
    ],
)
def test_operators_bind_as_in_mathematics(text: str, same: str) -> None:
    assert expression(text) == expression(same)


def test_comparisons_chain() -> None:
    tree = expression("0 <= a < 1")
    assert isinstance(tree, syntax.Comparison)
    assert tree.operators == ("<=", "<")


def test_an_expressions_place_has_its_parentheses() -> None:
    tree = expression("(1 - alpha) / (2)")
    assert tree.span.text == "(1 - alpha) / (2)"


@pytest.mark.parametrize("word", ["process", "model", "tokens", "start", "at", "import", "over", "on", "then"])
def test_words_are_free_where_they_cannot_be_meant(word: str) -> None:
    (declaration,) = sound(
        f"train fit {{\n  {word} = 1\n  a.{word} = {word}\n}}"
        if word not in ("at", "over", "then")
        else f"train fit {{ {word} = 1 }}"
    ).statements
    assert isinstance(declaration, syntax.Declaration)
    entry = declaration.record.fields[0]
    assert isinstance(entry, syntax.Entry)
    assert entry.key.bare == word


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", ";", " ; \n\n;"])
def test_lines_and_semicolons_end_statements(end: str) -> None:
    assert len(sound(f"param a = 1{end}param b = 2{end}").statements) == 2


def test_a_line_goes_on_inside_brackets_and_after_commas() -> None:
    assert len(sound("param a = [\n1,\n2\n]\nparam b = (1 +\n 2)\nhmm x { states A,\n B\n}").statements) == 3


@pytest.mark.parametrize("index", ["f(n = 1)", "a at (b = 1)", "r { n = 1 }"])
def test_an_arrow_may_follow_a_sign_of_equality_in_an_index(index: str) -> None:
    assert sound(f"hmm x {{\n s[{index}] -[b]-> c\n}}")


def test_minus_before_a_list_is_no_arrow() -> None:
    assert expression("a -[1, 2]") == expression("a - [1, 2]")
    (hmm,) = sound("hmm x {\n a -[b]-> c : d -[1]\n let v = w -[1]\n}").statements
    assert isinstance(hmm, syntax.Hmm)
    assert isinstance(hmm.body[0], syntax.LabelledArrow)


def test_comments_are_kept_in_order() -> None:
    file = sound("# one\nparam a = 1 # two\n# three")
    assert [comment.text for comment in file.comments] == ["# one", "# two", "# three"]


# ---------------------------------------------------------------- mistakes

TEN = """\
hmm a(p = 1/2) {
  states S T
  tokens 0, 1
  S -[0] T : p
  S -[1]-> : rest
  T -[0]-> S
  let q = (1 - p
  let r = 2 +
}
modle b(
train fit {
  steps: 100
  seed = 0
  lr = 1 2
}
process c = if a then b
expect a = b
"""


def test_ten_mistakes_give_ten_messages() -> None:
    _, found = read(TEN)
    lines = [diagnostic.span.source.position(diagnostic.span.start)[0] for diagnostic in found if diagnostic.span is not None]
    assert len(found) == 10
    assert sorted(lines) == [2, 4, 5, 7, 8, 10, 12, 14, 16, 17]


def test_what_is_right_around_a_mistake_is_kept() -> None:
    file, _ = read(TEN)
    hmm, train = file.statements
    assert isinstance(hmm, syntax.Hmm)
    assert [type(item).__name__ for item in hmm.body] == ["Tokens", "LabelledArrow"]
    assert isinstance(train, syntax.Declaration)
    assert len(train.record.fields) == 1
    assert {"a", "fit", "c"} <= file.damaged


@pytest.mark.parametrize(
    "text",
    [
        "hmm a {\n  states S\n\ntrain b { x = 1 }\n\nmodel c { y = 2 }",
        "process a = f(1, (2\nparam b = 1\n\nmodel c { y = 2 }",
        "hmm a {\n  states S\n  let x = [1, 2\n  S -> S\n}\n\nparam b = 1\n\nmodel c { y = 2 }",
        "train a {\n  x = f(1\n  y = 2\n}\nparam b = 1\nmodel c { y = 2 }",
        'experiment { title = "a }\nparam b = 1\nmodel c { y = 2 }',
    ],
)
def test_one_unclosed_bracket_gives_one_message(text: str) -> None:
    file, found = read(text)
    assert len(found) == 1
    assert len(file.statements) >= 2


def test_all_signs_of_other_languages_in_a_line_are_reported() -> None:
    assert codes("param a = b ** 2 && !c || d % 2") == ["E0116", "E0115", "E0115", "E0115", "E0120"]


def test_unknown_words_get_the_nearest() -> None:
    (found,) = read("improt std.processes (mess3)")[1]
    assert "import" in found.help


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize(
    "text",
    [
        "param a = " + "(" * 10_000 + "1" + ")" * 10_000,
        "param a = " + "[" * 10_000,
        "param a = " + "-" * 10_000 + "1",
        "param a = " + "not " * 10_000 + "b",
        "param a = " + "2^" * 10_000 + "1",
        "param a = " + "1 + " * 10_000 + "1",
        "param a = " + "if a then b else " * 10_000 + "c",
        "hmm a { " + "for i in 0..2 { " * 10_000 + "}" * 10_001,
        "train a { x = " + "b { x = " * 10_000 + "1 " + "}" * 10_001,
    ],
)
def test_deep_nesting_is_an_error_and_no_crash(text: str) -> None:
    assert codes(text) == ["E0132"]


def test_nesting_up_to_the_limit_is_read_and_compared() -> None:
    text = "param a = " + "(-" * (MAX_DEPTH // 2 - 1) + "1" + ")" * (MAX_DEPTH // 2 - 1)
    assert sound(text) == sound(text)


def test_a_long_list_is_no_nesting() -> None:
    (param,) = sound("param a = [" + "1, " * 20_000 + "1]").statements
    assert isinstance(param, syntax.Param)


def test_garbage_is_given_up_soon() -> None:
    found = codes("param a 1\n" * 20_000)
    assert found[-1] == "E0133"
    assert len(found) <= 101
    assert codes("$ @ " * 200_000)[-1] == "E0133"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | strategies.damaged(DESIGN))
def test_no_text_breaks_the_parser(text: str) -> None:
    file, found = read(text)
    for diagnostic in found:
        assert diagnostic.span is not None
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
        assert diagnostic.message
        assert diagnostic.code
    for statement in file.statements:
        assert 0 <= statement.span.start < statement.span.end <= len(text)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_an_expression(text: str) -> None:
    diagnostics = Diagnostics()
    tree = parse_expression(Source("expression", text), diagnostics)
    assert (tree is None) == bool(diagnostics.found)
