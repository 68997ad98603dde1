"""Which newlines end a statement, which brackets belong together, and how deep they nest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hmmdsl.language.diagnostics import Diagnostic
from hmmdsl.language.parsing.scanner import NEWLINE, Lexeme
from hmmdsl.language.source import Span

MAX_DEPTH = 200
"""How deep a syntax tree may be: brackets, and the operators and `if`s of one expression, count one each."""

CLOSER = {"LPAR": "RPAR", "LSQB": "RSQB", "ARROW_OPEN": "RSQB", "LBRACE": "RBRACE"}
"""The bracket that closes each opening one."""

DEEPENS = frozenset(("INFIX", "MINUS", "WORD_INFIX", "NOT", "IF"))
"""Each of these makes the tree of its expression at most one level deeper."""

_SILENT = frozenset(("LBRACE", "COMMA", NEWLINE))
"""After these a newline says nothing."""


@dataclass
class _Level:
    """One open bracket: whether a value has begun in it since its last line, and the depth of what stands in it so far, of the
    present element and its brackets, and of the deepest."""

    opener: Lexeme | None
    in_value: bool = False
    operators: int = 0
    inner: int = 0
    deepest: int = 0

    def end_element(self) -> None:
        self.deepest = max(self.deepest, self.operators + self.inner)
        self.operators = self.inner = 0


@dataclass
class Layout:
    """Lexemes as the grammar reads them; whether each bracket has its partner; the message if they nest too deep."""

    lexemes: list[Lexeme] = field(default_factory=list)
    balanced: bool = True
    too_deep: Diagnostic | None = None


def lay_out(lexemes: Iterable[Lexeme], in_value: bool = False) -> Layout:
    """Drop the newlines that end nothing, tell `-[` of an arrow from minus before a list, and measure the depth.

    `in_value` says that a value begins here, so that `-[` is no arrow; else one begins after `=` and `:`.
    """
    layout = Layout()
    kept = layout.lexemes
    levels = [_Level(None, in_value=in_value)]
    for lexeme in lexemes:
        if layout.too_deep is not None:
            break  # nothing of it is read
        kind = lexeme.type
        level = levels[-1]
        if kind == NEWLINE:
            if level.opener is not None and level.opener.type != "LBRACE":
                continue
            if not kept or kept[-1].type in _SILENT:
                continue
            level.in_value = False
            level.end_element()
        elif kind in CLOSER:
            if kind == "ARROW_OPEN" and (level.in_value or (level.opener is not None and level.opener.type != "LBRACE")):
                minus, lexeme = split_arrow(lexeme)
                kept.append(minus)
                level.operators += 1
            levels.append(_Level(lexeme))
            if len(levels) > MAX_DEPTH and layout.too_deep is None:
                layout.too_deep = _too_deep(lexeme.span)
        elif kind in ("RPAR", "RSQB", "RBRACE"):
            if level.opener is None or CLOSER[level.opener.type] != kind:
                layout.balanced = False
            else:
                levels.pop()
                level.end_element()
                outer = levels[-1]
                outer.inner = max(outer.inner, level.deepest + 1)
                if outer.inner + outer.operators > MAX_DEPTH and layout.too_deep is None:
                    layout.too_deep = _too_deep(level.opener.span)
            if kind == "RBRACE" and kept and kept[-1].type == NEWLINE:
                kept.pop()
        elif kind in DEEPENS:
            level.operators += 1
            if level.operators + level.inner > MAX_DEPTH and layout.too_deep is None:
                layout.too_deep = _too_deep(lexeme.span)
        elif kind == "COMMA":
            level.end_element()
        elif kind in ("EQUAL", "COLON"):
            level.in_value = True
        kept.append(lexeme)
    if kept and kept[-1].type == NEWLINE:
        kept.pop()
    layout.balanced = layout.balanced and len(levels) == 1
    return layout


def split_arrow(lexeme: Lexeme) -> tuple[Lexeme, Lexeme]:
    """`-[` as a minus and a bracket."""
    source, start = lexeme.span.source, lexeme.span.start
    return Lexeme("MINUS", "-", Span(source, start, start + 1)), Lexeme("LSQB", "[", Span(source, start + 1, start + 2))


def _too_deep(span: Span) -> Diagnostic:
    message = f"this nests deeper than {MAX_DEPTH} levels"
    cure = "give parts names with `let`; `sum([…])` adds any number of terms, and a list can be looked up by an index"
    return Diagnostic("E0132", message, span, label="the limit is passed here", help=cure)
