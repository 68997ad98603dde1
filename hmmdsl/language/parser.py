"""Text to syntax tree. What is wrong is reported and left out; what is right around it is kept."""

from __future__ import annotations

from collections.abc import Iterator

from lark import UnexpectedToken

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.parsing.layout import CLOSER, Layout, lay_out
from hmmdsl.language.parsing.operators import RefusedError
from hmmdsl.language.parsing.recovery import explain_expression, recover
from hmmdsl.language.parsing.scanner import NEWLINE, Lexeme
from hmmdsl.language.parsing.tables import grammar
from hmmdsl.language.source import Source, Span
from hmmdsl.language.values.budget import count_records


def parse(source: Source, diagnostics: Diagnostics) -> syntax.File:
    """The syntax tree of a file.

    Every mistake is added to `diagnostics` (E01xx); the statement, item or field that has it is left out of the tree,
    the rest is kept. `File.damaged` names the declarations that lack something for it. Never raises.
    """
    language = grammar()
    scan = language.scanner.scan(source)
    diagnostics.found.extend(scan.slips)
    span = Span(source, 0, len(source.text))
    if not count_records([lexeme.span for lexeme in _records(scan.lexemes)], diagnostics):
        return syntax.File(span, (), tuple(scan.comments))
    layout = lay_out(scan.lexemes)
    if layout.too_deep is not None:
        diagnostics.found.append(layout.too_deep)
        return syntax.File(span, (), tuple(scan.comments))
    if layout.balanced:
        try:
            return syntax.File(span, language.parse(layout.lexemes, "file"), tuple(scan.comments))
        except (UnexpectedToken, RefusedError):
            pass
    # Only wrong specs need what follows, so only they pay for its import.

    statements, damaged = recover(language, scan, diagnostics)
    return syntax.File(span, statements, tuple(scan.comments), damaged)


def _records(lexemes: list[Lexeme]) -> Iterator[Lexeme]:
    """The first lexeme of each statement that has a record."""
    depth, first = 0, None
    for lexeme in lexemes:
        kind = lexeme.type
        if kind in CLOSER:
            if depth == 0 and kind == "LBRACE" and first is not None and first.type not in ("HMM", "GHMM", "EXPECT"):
                yield first
            depth += 1
        elif kind in ("RPAR", "RSQB", "RBRACE"):
            depth = max(0, depth - 1)
        elif depth == 0:
            first = None if kind == NEWLINE else first or lexeme


def parse_expression(source: Source, diagnostics: Diagnostics) -> syntax.Expression | None:
    """One value alone, as in `--set fit.steps=50`, or a claim, which may use `~=`. None, and a message, if it is wrong."""
    language = grammar()
    scan = language.scanner.scan(source)
    diagnostics.found.extend(scan.slips)
    layout: Layout = lay_out((lexeme for lexeme in scan.lexemes if lexeme.type != NEWLINE), in_value=True)
    if layout.too_deep is not None:
        diagnostics.found.append(layout.too_deep)
        return None
    try:
        tree: syntax.Expression = language.parse(layout.lexemes, "lone")
    except (UnexpectedToken, RefusedError) as problem:
        if not scan.slips:
            diagnostics.found.append(explain_expression(problem, layout, source))
        return None
    return None if scan.slips else tree
