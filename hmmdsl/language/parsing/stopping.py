"""Where the parser stopped, and what stands around the place."""

from __future__ import annotations

from dataclasses import dataclass

from hmmdsl.language.parsing.chunks import Kind, behind
from hmmdsl.language.parsing.layout import CLOSER
from hmmdsl.language.parsing.scanner import NEWLINE, Lexeme
from hmmdsl.language.source import Span

OPERATORS = ("INFIX", "MINUS", "WORD_INFIX", "NOT")
OPENERS = tuple(CLOSER)
ENDS_VALUE = ("NAME", "INT", "NUMBER", "IMAGINARY", "STRING", "TRUE", "FALSE", "RPAR", "RSQB", "RBRACE")
BEGINS_VALUE = ("NAME", "INT", "NUMBER", "IMAGINARY", "STRING", "TRUE", "FALSE", "LPAR", "LSQB", "IF")


@dataclass(frozen=True)
class Failure:
    """Where the parser stopped: at lexeme number `at`, or behind the last; `accepts` are the terminals it could take."""

    lexemes: list[Lexeme]
    at: int
    accepts: frozenset[str]
    kind: Kind

    @property
    def found(self) -> Lexeme | None:
        """The lexeme that does not fit, None at the end."""
        return self.lexemes[self.at] if self.at < len(self.lexemes) else None

    @property
    def before(self) -> Lexeme | None:
        """The lexeme before it."""
        return self.lexemes[self.at - 1] if self.at > 0 else None

    @property
    def first(self) -> str:
        """The first word."""
        return str(self.lexemes[0]) if self.lexemes else ""

    @property
    def span(self) -> Span:
        """The place: the lexeme that does not fit, or behind the last one."""
        if self.found is not None and self.found.type != NEWLINE:
            return self.found.span
        last = self.before
        assert last is not None
        return behind(last)

    @property
    def at_end(self) -> bool:
        """Whether the text ends where something is missing."""
        return self.found is None or self.found.type in (NEWLINE, "RBRACE")

    @property
    def gives_value(self) -> bool:
        """Whether a `=` stands before the place, outside of brackets."""
        depth = 0
        for lexeme in self.lexemes[: self.at]:
            depth += (lexeme.type in CLOSER) - (lexeme.type in ("RPAR", "RSQB", "RBRACE"))
            if lexeme.type == "EQUAL" and depth == 0:
                return True
        return False

    def open_bracket(self) -> Lexeme | None:
        """The innermost bracket that is open before the place."""
        brackets: list[Lexeme] = []
        for lexeme in self.lexemes[: self.at]:
            if lexeme.type in CLOSER:
                brackets.append(lexeme)
            elif lexeme.type in ("RPAR", "RSQB", "RBRACE") and brackets:
                brackets.pop()
        return brackets[-1] if brackets else None
