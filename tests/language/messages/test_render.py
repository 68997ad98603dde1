"""How a diagnostic looks, and what of it a program reads."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from hmmdsl.language.diagnostics import Diagnostic, Note
from hmmdsl.language.messages.render import MAX_WIDTH, as_json, render
from hmmdsl.language.source import Source, Span

SPEC = Source("specs/rrxor.hmm", "\n" * 8 + "  S0 -[0]-> F : q / 2\n" + "x = [\n  1,\n  2\n]\n" + "\tαβ 漢字 here\n")


def at(text: str, source: Source = SPEC) -> Span:
    start = source.text.index(text)
    return Span(source, start, start + len(text))


def test_the_shape_is_the_designs() -> None:
    cure = "write `rest` as one probability to give it what is left"
    diagnostic = Diagnostic("E0301", "the transitions out of S0 sum to 3/4, not 1", at("S0"), "1/4 is missing", cure)
    assert render(diagnostic) == (
        "error[E0301]: the transitions out of S0 sum to 3/4, not 1\n"
        "  --> specs/rrxor.hmm:9:3\n"
        "   |\n"
        " 9 |   S0 -[0]-> F : q / 2\n"
        "   |   ^^ 1/4 is missing\n"
        "   = help: write `rest` as one probability to give it what is left"
    )


def test_a_place_over_lines_shows_its_first_and_last(snapshot: SnapshotAssertion) -> None:
    assert render(Diagnostic("E0101", "wrong", at("[\n  1,\n  2\n]"), "here", "mend it")) == snapshot


def test_notes_show_their_own_places(snapshot: SnapshotAssertion) -> None:
    other = Source("other.hmm", 'import "specs/rrxor.hmm" as r\n')
    notes = (Note("imported here", at("import", other)), Note("in a loop where i = 2"))
    assert render(Diagnostic("W0901", "odd", at("S0"), notes=notes)) == snapshot


def test_tabs_and_wide_characters_keep_the_mark_in_its_place() -> None:
    lines = render(Diagnostic("E0101", "wrong", at("here"))).splitlines()
    assert lines[-1].index("^") == lines[-2].index("here") + len("漢字")


def test_a_long_line_is_cut_around_its_place() -> None:
    source = Source("long.hmm", "x" * 500 + "MARK" + "y" * 500)
    *_, shown, under = render(Diagnostic("E0101", "wrong", at("MARK", source))).splitlines()
    assert len(shown) <= MAX_WIDTH + len(" 1 | ")
    assert shown.index("MARK") == under.index("^^^^")
    assert shown.count("...") == 2


@pytest.mark.parametrize("before", [0, 3, 10_000])
@pytest.mark.parametrize("behind", [0, 3, 10_000])
def test_a_very_long_line_is_looked_at_near_its_place_alone(before: int, behind: int) -> None:
    source = Source("long.hmm", "x" * before + "MARK" + "y" * behind)
    *_, shown, under = render(Diagnostic("E0101", "wrong", at("MARK", source))).splitlines()
    assert len(shown) <= MAX_WIDTH + len(" 1 | ")
    assert shown.index("MARK") == under.index("^^^^")
    assert shown.count("...") == (before > 100) + (behind > 100)


def test_characters_that_a_terminal_obeys_are_made_visible() -> None:
    source = Source("evil.hmm", "a \x1b[31m b\u202e")
    text = render(Diagnostic("E0123", "`\x1b` means nothing", Span(source, 2, 3)))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_colour_changes_nothing_but_colour() -> None:
    diagnostic = Diagnostic("E0301", "wrong", at("S0"), "label", "cure", (Note("see", at("αβ")),))
    coloured = render(diagnostic, color=True)
    assert coloured != render(diagnostic)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(diagnostic)


def test_a_program_reads_places_and_severity() -> None:
    record = json.loads(json.dumps(as_json(Diagnostic("W0901", "odd", at("S0"), "here", "mend it", (Note("see"),)))))
    assert record["severity"] == "warning"
    assert record["place"] == {"file": "specs/rrxor.hmm", "line": 9, "column": 3, "end_line": 9, "end_column": 5}
    assert record["notes"] == [{"message": "see", "place": None}]


@given(st.text(max_size=60), st.data())
def test_any_place_in_any_text_can_be_shown(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    lines = render(Diagnostic("E0101", "wrong", Span(Source("any", text), start, end), "here")).splitlines()
    assert any("^" in line for line in lines)


def test_a_cure_as_long_as_the_file_is_cut() -> None:
    shown = render(Diagnostic("E0100", "wrong", None, help="write " + "x" * 900_000 + " there"), color=False)
    assert len(shown) < 3_000
    assert "write xxx" in shown
    assert shown.rstrip().endswith("xxx there")
