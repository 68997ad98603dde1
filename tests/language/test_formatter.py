"""One layout: nothing changes its meaning, every comment stays, and a second time changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.formatter import format_expression, format_file
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
