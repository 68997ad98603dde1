"""Pieces with classes: together they are the text, whatever it is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmmdsl.language.formatting.highlight import highlight
from tests.language import strategies
from tests.language.examples import DESIGN


@settings(deadline=None)
@given(st.text(max_size=100) | strategies.damaged(DESIGN) | st.sampled_from(DESIGN))
def test_the_pieces_are_the_text(text: str) -> None:
    assert "".join(piece for _, piece in highlight(text)) == text


@pytest.mark.parametrize(
    ("text", "piece", "kind"),
    [
        ("hmm coin { states C }", "hmm", "keyword"),
        ("hmm coin { states C }", "coin", "name"),
        ("hmm coin { states C }", "states", "keyword"),
        ("train fit { process = coin() }", "process", "key"),
        ("train fit { process = coin() }", "coin", "call"),
        ("  S -[0]-> T : rest  # what is left", "rest", "rest"),
        ("  S -[0]-> T : rest  # what is left", "-[", "arrow"),
        ("  S -[0]-> T : rest  # what is left", "0", "number"),
        ("  S -[0]-> T : rest  # what is left", "# what is left", "comment"),
        ('expect "label": a.b > 1/2', '"label"', "string"),
        ('expect "label": a.b > 1/2', ">", "operator"),
        ("  for i in 0..3 if i != j { s[i] -> s[j] : x }", "if", "keyword"),
        ("  start -> tokens : x", "start", "variable"),
    ],
)
def test_classes_say_what_a_piece_is(text: str, piece: str, kind: str) -> None:
    assert (kind, piece) in list(highlight(text))
