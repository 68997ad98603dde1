"""The parse tables that are shipped read specs as the grammar does; with another grammar or Lark they are not believed."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import lark
import pytest

from hmmdsl.language import parser
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.parsing import tables
from hmmdsl.language.source import Source

FOLDER = resources.files("hmmdsl.language")
GRAMMAR = FOLDER.joinpath("grammar.lark").read_text(encoding="utf-8")
SPECS = sorted(Path(__file__).parents[3].joinpath("specs").glob("*.hmm"))


def test_the_tables_are_of_this_grammar() -> None:
    stored = json.loads(FOLDER.joinpath("tables.json").read_text(encoding="utf-8"))
    assert stored["made_of"]["grammar"] == GRAMMAR, "write them anew: python -m hmmdsl.language.parsing.tables"


def test_specs_are_read_the_same_with_tables_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [path.read_text(encoding="utf-8") for path in SPECS]
    assert texts
    with_tables = [repr(parser.parse(Source("a.hmm", text), Diagnostics())) for text in texts]
    without = tables.Grammar()
    without.lark = tables.made(GRAMMAR)
    monkeypatch.setattr(parser, "grammar", lambda: without)
    assert [repr(parser.parse(Source("a.hmm", text), Diagnostics())) for text in texts] == with_tables


def test_tables_of_another_lark_are_left_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_read", lambda stored: pytest.fail("they were believed"))
    monkeypatch.setattr(lark, "__version__", "0")
    assert tables.parser().parse([], "file") == ()
