"""A spec's text in pieces, each with the class of what it is, for coloured listings."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from hmmdsl.language.parsing.chunks import ITEM_WORDS, STATEMENT_WORDS
from hmmdsl.language.parsing.scanner import NEWLINE, Lexeme
from hmmdsl.language.parsing.tables import grammar
from hmmdsl.language.source import Source

KEYWORDS = frozenset(
    (
        *STATEMENT_WORDS,
        *ITEM_WORDS,
        "as",
        "in",
        "if",
        "then",
        "else",
        "on",
        "emits",
        "over",
        "along",
        "at",
        "and",
        "or",
        "not",
        "mod",
    )
)
"""Words that are shown as keywords, unless they stand where only a name can."""

_CLASSES = {
    "INT": "number",
    "NUMBER": "number",
    "IMAGINARY": "number",
    "STRING": "string",
    "TRUE": "constant",
    "FALSE": "constant",
    "ARROW": "arrow",
    "ARROW_OPEN": "arrow",
    "INFIX": "operator",
    "MINUS": "operator",
    "EQUAL": "operator",
    "DOTS": "operator",
    "DOTS_EQ": "operator",
    "APPROXIMATELY": "operator",
    "PLUS_MINUS": "operator",
}


def highlight(text: str) -> Iterator[tuple[str, str]]:
    """Pairs of a CSS class and a piece of text; the pieces together are the text, whatever it is.

    Classes: comment, keyword, name (what is declared), key (of a record), call, variable, number, string, constant, rest,
    arrow, operator, punctuation, and the empty one for white space.
    """
    source = Source("", text)
    scan = grammar().scanner.scan(source)
    pieces: list[tuple[int, int, str]] = [(c.span.start, c.span.end, "comment") for c in scan.comments]
    lexemes = [lexeme for lexeme in scan.lexemes if lexeme.span.end > lexeme.span.start]
    previous: Lexeme | None = None
    for lexeme, following in pairwise([*lexemes, None]):
        assert lexeme is not None
        if lexeme.type == NEWLINE:
            previous = None
            continue
        pieces.append((lexeme.span.start, lexeme.span.end, _class_of(lexeme, previous, following)))
        previous = lexeme
    position = 0
    for start, end, kind in sorted(pieces):
        if start < position:
            continue
        if start > position:
            yield "", text[position:start]
        yield kind, text[start:end]
        position = end
    if position < len(text):
        yield "", text[position:]


def _class_of(lexeme: Lexeme, previous: Lexeme | None, following: Lexeme | None) -> str:
    """The class of a lexeme by its neighbours in the line."""
    word = str(lexeme)
    if not (word[:1].isalpha() or word[:1] == "_"):
        return _CLASSES.get(lexeme.type, "punctuation")
    after = "" if following is None else str(following)
    before = "" if previous is None else str(previous)
    if word in ("true", "false"):
        return "constant"
    if word == "rest":
        return "rest"
    if before == ".":
        return "variable"
    if after == "=" and before not in ("let", "param", "process", "operator", "kraus"):
        return "key"
    if word in KEYWORDS and _is_keyword(word, before, after):
        return "keyword"
    if before in STATEMENT_WORDS or before in ("let", "states", "tokens", "operator", "kraus"):
        return "name"
    return "call" if after == "(" else "variable"


def _is_keyword(word: str, before: str, after: str) -> bool:
    if word in STATEMENT_WORDS:
        return before in ("", "}", ";") and after not in (".", "->", "-[", "emits")
    if word in ITEM_WORDS:
        return before in ("", "{", "}", ";") and after not in (".", "->", "-[", "emits")
    return True
