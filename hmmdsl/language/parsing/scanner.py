"""Text to lexemes: names, numbers, strings, signs, newlines; comments stand apart, slips of the pen are mended and noted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lark import Token
from lark.lexer import Lexer, PatternStr, TerminalDef

from hmmdsl.language.diagnostics import Diagnostic
from hmmdsl.language.parsing.slips import (
    MAX_MISTAKES,
    SLIP,
    capitalized,
    check_name,
    check_number,
    check_string,
    mend,
    stray,
    too_many,
    unterminated,
)
from hmmdsl.language.source import Source, Span
from hmmdsl.language.syntax import Comment

NEWLINE = "_NL"
"""The grammar's name for what ends a statement."""

MOST_LEXEMES = 250_000
"""Words, numbers and signs of one file: they are read in about a second, and what they mean in a few."""


class Lexeme(Token):
    """A token of the grammar with its place. Lark's own line and column are not kept: the span has them."""

    __slots__ = ("span",)
    span: Span
    start_pos = line = column = end_line = end_column = end_pos = None

    def __new__(cls, kind: str, text: str, span: Span) -> Lexeme:
        lexeme = str.__new__(cls, text)
        lexeme.type = kind
        lexeme.span = span
        return lexeme


class Words(Lexer):
    """What Lark reads lexemes through: a word is a keyword where the grammar can take one, else a name."""

    __future_interface__ = 2

    def __init__(self, conf: Any) -> None:
        self.words = frozenset(t.name for t in conf.terminals if is_word(t))

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Token]:
        """Pass the lexemes (`lexer_state.text` is their list) on; `parser_state` says what the grammar can take."""
        actions = parser_state.parse_conf.states
        stack = parser_state.state_stack
        words = self.words
        for lexeme in lexer_state.text:
            if lexeme.type in words and lexeme.type not in actions[stack[-1]]:
                yield Lexeme("NAME", lexeme, lexeme.span)
            else:
                yield lexeme


_BEFORE_VALUE = frozenset(("EQUAL", "NOT", "THEN", "ELSE", "IF", "WORD_INFIX"))

_WORD = re.compile(r"(\(\?:)?[a-z|]+\)?")


def is_word(terminal: TerminalDef) -> bool:
    """Whether a terminal is a keyword, or a choice of keywords, such as `over` and `along`."""
    return _WORD.fullmatch(terminal.pattern.to_regexp()) is not None


@dataclass(frozen=True)
class Scan:
    """What a text was read as. `slips` are the mistakes that could be mended in passing; the list has their lexemes as meant."""

    lexemes: list[Lexeme]
    comments: list[Comment]
    slips: list[Diagnostic]


class Scanner:
    """Reads lexemes by the terminals of the grammar."""

    def __init__(self, terminals: Iterable[TerminalDef]) -> None:
        self._words: dict[str, str] = {}
        blanks: list[str] = []
        patterns: list[tuple[int, str]] = []
        signs: list[tuple[int, str]] = []
        for terminal in terminals:
            regexp = terminal.pattern.to_regexp()
            group = f"(?P<{terminal.name}>{regexp})"
            if terminal.name.startswith("__IGNORE"):
                blanks.append(regexp)
            elif is_word(terminal):
                self._words |= dict.fromkeys(regexp.removeprefix("(?:").rstrip(")").split("|"), terminal.name)
            elif isinstance(terminal.pattern, PatternStr):
                signs.append((-len(terminal.pattern.value), group))
            else:
                patterns.append((-terminal.priority, group))
        ordered = [*(p for _, p in sorted(patterns)), *(s for _, s in sorted(signs))]
        wrong = '(?P<UNTERMINATED>")|(?P<STRAY>.)'
        pattern = f"(?:{'|'.join(blanks)})?(?:(?![\\w\\s(){{}}\\[\\],])(?P<SLIP>{SLIP})|{'|'.join(ordered)}|(?P<END>\\Z)|{wrong})"
        self._match = re.compile(pattern, re.DOTALL).match

    def type_of(self, text: str) -> str:
        """The terminal that the start of `text` belongs to."""
        found = self._match(text)
        if found is None or found.lastgroup is None:
            return "STRAY"
        return self._words.get(found[found.lastgroup], "NAME") if found.lastgroup == "NAME" else found.lastgroup

    def scan(self, source: Source) -> Scan:
        """All lexemes of a text. Never raises."""
        text = source.text
        match, words = self._match, self._words.get
        lexemes: list[Lexeme] = []
        comments: list[Comment] = []
        slips: list[Diagnostic] = []
        position, length = 0, len(text)
        while position < length:
            found = match(text, position)
            assert found is not None
            kind = found.lastgroup
            assert kind is not None
            position, end = found.span(kind)
            if kind == "END":
                break
            written = text[position:end]
            slip = None
            if kind == "NAME" and (word := words(written)) is not None:
                kind = word
            elif kind == "NAME":
                if written in ("True", "False", "None") and lexemes and lexemes[-1].type in _BEFORE_VALUE:
                    slip = capitalized(source, position, end)
                elif not written.isascii():
                    slip = check_name(source, position, end)
            elif kind in ("INT", "NUMBER", "IMAGINARY"):
                slip = check_number(source, position, end)
            elif kind == "STRING":
                if "\\" in written:
                    slip = check_string(source, position, end)
            elif kind == "COMMENT":
                comments.append(Comment(Span(source, position, end), written.rstrip()))
                position = end
                continue
            elif kind == "SLIP":
                slip = mend(source, position, end)
            elif kind == "UNTERMINATED":
                slip = unterminated(source, position)
            elif kind == "STRAY":
                slip = stray(source, position)
            if slip is None:
                if len(lexemes) == MOST_LEXEMES:
                    return Scan([], comments, [*slips, _too_long(Span(source, position, end))])
                lexemes.append(Lexeme(kind, written, Span(source, position, end)))
                position = end
                continue
            if len(slips) == MAX_MISTAKES:
                return Scan([], comments, [*slips, too_many(slip.diagnostic.span)])
            slips.append(slip.diagnostic)
            place = Span(source, position, slip.end)
            lexemes.extend(Lexeme(self.type_of(mended), mended, place) for mended in slip.mended)
            position = slip.end
        return Scan(lexemes, comments, slips)


def _too_long(span: Span) -> Diagnostic:
    message = f"this file has more than {MOST_LEXEMES:,} words, numbers and signs"
    cure = "split it with `import`, write rows that are alike by a loop, and let one record stand for many by a sweep"
    return Diagnostic("E0405", message, span, label="the limit was reached here", help=cure)
