"""Constants, and chains of operands and operators, which the grammar leaves flat, as trees by precedence."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostic
from hmmdsl.language.parsing.scanner import Lexeme
from hmmdsl.language.parsing.slips import ESCAPES
from hmmdsl.language.source import Span
from hmmdsl.language.syntax import Expression, Name


class RefusedError(Exception):
    """The grammar takes it, the language does not; `diagnostic` says why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(frozen=True)
class Group:
    """An expression in parentheses, until the expression around it is built: its place has the parentheses."""

    inner: Any
    span: Span


@lru_cache(maxsize=4096)
def exact(text: str) -> Fraction:
    """The exact value of a written number."""
    plain = text.replace("_", "")
    return Fraction(int(plain)) if plain.isdigit() else Fraction(plain)


def unescaped(text: str) -> str:
    """What a written text says: its quotes taken off, its escapes resolved."""
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    characters = iter(inner)
    return "".join(ESCAPES[next(characters)] if c == "\\" else c for c in characters)


def name(token: Lexeme) -> Name:
    """A name as written."""
    return Name(token.span, str(token))


RESERVED = frozenset(
    ("if", "then", "else", "not", "true", "false", "and", "or", "mod", "in", "at", "over", "along", "emits", "rest")
)
"""Words that nothing may be called that values refer to: there they mean something else."""


def declared(token: Lexeme) -> Name:
    """The name of something that values refer to. Raises RefusedError for a word of the language."""
    if str(token) in RESERVED:
        message = f"`{token}` is a word of the language and cannot be a name"
        raise RefusedError(Diagnostic("E0135", message, token.span, help="choose another name"))
    return name(token)


def constant(token: Lexeme) -> Expression:
    """A number, a text or a truth value as written."""
    match token.type:
        case "INT":
            return syntax.Number(token.span, exact(str(token)), True)
        case "NUMBER":
            return syntax.Number(token.span, exact(str(token)), False)
        case "IMAGINARY":
            return syntax.Imaginary(token.span, exact(token[:-1]))
        case "STRING":
            return syntax.String(token.span, unescaped(token))
    return syntax.Boolean(token.span, token.type == "TRUE")


LEVELS = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 4),
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("*", "/", "mod"), 6),
    "^": 8,
}
"""How tightly an operator between two operands binds."""

NOT_LEVEL, COMPARISON_LEVEL, MINUS_LEVEL, POWER_LEVEL, ATOM_LEVEL = 3, 4, 7, 8, 9
"""The same for prefix `not`, for comparisons (which chain), for prefix `-`, for `^` and for what stands alone."""


def unwrapped(part: Any) -> Expression:
    """The tree of one operand: a constant's lexeme, a group in parentheses, or a tree already."""
    if isinstance(part, Lexeme):
        return constant(part)
    return part.inner if isinstance(part, Group) else part  # type: ignore[no-any-return]


def resolve(parts: list[Any]) -> Expression:
    """The tree of operands, each with its prefixes before it, and the operators between them. Raises RefusedError."""
    return _Chain(parts).expression(1)[0]


class _Chain:
    """Precedence climbing. Each step gives a tree and its place with the parentheses that were around it."""

    def __init__(self, parts: list[Any]) -> None:
        self.parts = parts
        self.at = 0

    def expression(self, level: int) -> tuple[Expression, Span]:
        """What stands from here on and binds at least as tightly as `level`."""
        parts = self.parts
        first = parts[self.at]
        self.at += 1
        left: Expression
        if isinstance(first, Lexeme) and first.type == "MINUS":
            operand, span = self.expression(MINUS_LEVEL)
            place = first.span.to(span)
            left = syntax.Unary(place, "-", operand)
        elif isinstance(first, Lexeme) and first.type == "NOT":
            if level > NOT_LEVEL:
                cure = "put it into parentheses: `(not …)`"
                raise RefusedError(
                    Diagnostic("E0140", "`not` cannot stand behind an operator that binds tighter", first.span, help=cure)
                )
            operand, span = self.expression(NOT_LEVEL)
            place = first.span.to(span)
            left = syntax.Unary(place, "not", operand)
        else:
            left, place = unwrapped(first), first.span
        while self.at < len(parts):
            operator = str(parts[self.at])
            binding = LEVELS[operator]
            if binding < level:
                break
            if binding == COMPARISON_LEVEL:
                left, place = self._comparison(left, place)
                continue
            self.at += 1
            right, span = self.expression(MINUS_LEVEL if binding == POWER_LEVEL else binding + 1)
            place = place.to(span)
            left = syntax.Binary(place, operator, left, right)
        return left, place

    def _comparison(self, first: Expression, place: Span) -> tuple[Expression, Span]:
        operands, operators = [first], []
        while self.at < len(self.parts) and LEVELS[str(self.parts[self.at])] == COMPARISON_LEVEL:
            operators.append(str(self.parts[self.at]))
            self.at += 1
            right, span = self.expression(COMPARISON_LEVEL + 1)
            operands.append(right)
            place = place.to(span)
        return syntax.Comparison(place, tuple(operands), tuple(operators)), place
