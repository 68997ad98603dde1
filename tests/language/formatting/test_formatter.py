"""One layout: nothing changes its meaning, every comment stays, and a second time changes nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.formatting.formatter import format_expression, format_file
from hmmdsl.language.parser import parse, parse_expression
from hmmdsl.language.source import Source
from tests.language import strategies
from tests.language.examples import DESIGN


def parsed(text: str) -> syntax.File:
    diagnostics = Diagnostics()
    file = parse(Source("test.hmm", text), diagnostics)
    assert diagnostics.found == [], text
    return file


def comments(file: syntax.File) -> list[str]:
    return [comment.text for comment in file.comments]


@given(strategies.files)
def test_a_printed_tree_parses_to_itself(file: syntax.File) -> None:
    text = format_file(file)
    again = parsed(text)
    assert again.statements == file.statements, text
    assert format_file(again) == text


@given(strategies.claims)
def test_a_printed_expression_parses_to_itself(claim: syntax.Expression) -> None:
    text = format_expression(claim)
    diagnostics = Diagnostics()
    assert parse_expression(Source("claim", text), diagnostics) == claim, text
    assert diagnostics.found == []


@pytest.mark.parametrize("text", DESIGN)
def test_the_designs_examples_keep_meaning_and_comments(text: str) -> None:
    file = parsed(text)
    once = format_file(file)
    again = parsed(once)
    assert again == file
    assert comments(again) == comments(file)
    assert format_file(again) == once


@settings(deadline=None)
@given(strategies.damaged(DESIGN))
def test_whatever_parses_keeps_meaning_and_comments(text: str) -> None:
    diagnostics = Diagnostics()
    file = parse(Source("test.hmm", text), diagnostics)
    if diagnostics.found:
        return
    once = format_file(file)
    again = parsed(once)
    assert again == file
    assert comments(again) == comments(file)
    assert format_file(again) == once


def cut_up(text: str, places: list[int]) -> str:
    """The text with a comment and a new line behind some of its brackets and commas."""
    pieces = re.split(r"(?<=[(\[{,])", text)
    return "".join(piece + (f" # c{i}\n" if i % 7 in places else "") for i, piece in enumerate(pieces))


@settings(deadline=None)
@given(st.sampled_from(DESIGN).map(lambda text: re.sub(r"#.*", "", text)), st.lists(st.integers(0, 6), max_size=5))
def test_comments_inside_brackets_stay(text: str, places: list[int]) -> None:
    file = parsed(cut_up(re.sub(r'"[^"]*"', '"text"', text), places))
    once = format_file(file)
    again = parsed(once)
    assert again == file
    assert comments(again) == comments(file)
    assert format_file(again) == once


def layout(text: str) -> str:
    return format_file(parsed(text))


def test_literals_stay_as_they_were_written() -> None:
    text = 'param a = [1_200, 1e-3, 0.50, 2i, "q\\"q"]\nexpect b ~= 1.0 +/- 0.10\n'
    assert layout(text) == text


def test_short_records_stay_in_a_line_and_long_ones_are_broken() -> None:
    assert layout("profile a{b=1,c=2}") == "profile a { b = 1, c = 2 }\n"
    fields = [f"a_rather_long_name_{i} = {i}" for i in range(8)]
    broken = layout(f"profile a {{ {', '.join(fields)} }}")
    assert broken == "profile a {\n" + "".join(f"  {field}\n" for field in fields) + "}\n"


def test_fields_that_share_a_line_go_on_sharing_it() -> None:
    assert layout("train a {\n x=1,y =2\n z= 3 }") == "train a {\n  x = 1, y = 2\n  z = 3\n}\n"


def test_arrows_and_comments_are_aligned() -> None:
    text = "hmm a {\nS -[0]-> S0 : p # one\nS10 -[10]-> T: 1-p # two\nT -[1]-> S\n\nS -[2]-> S : 0\n}"
    assert layout(text) == (
        "hmm a {\n  S   -[0]->  S0 : p      # one\n  S10 -[10]-> T  : 1 - p  # two\n  T   -[1]->  S\n\n  S -[2]-> S : 0\n}\n"
    )


def test_single_empty_lines_stay_and_more_are_one() -> None:
    assert layout("\n\nparam a = 1\n\n\n\nparam b = 2\nparam c = 3\n\n") == "param a = 1\n\nparam b = 2\nparam c = 3\n"


def test_an_empty_file_stays_empty() -> None:
    assert layout("") == ""
    assert layout("# only this") == "# only this\n"
