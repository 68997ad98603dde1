"""After a syntax error: statements and items one by one, a message for each that is wrong, the tree of all that are right."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lark import UnexpectedToken

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostic, Diagnostics
from hmmdsl.language.parsing.chunks import ITEM_WORDS, Chunk, Kind, behind, is_name, split
from hmmdsl.language.parsing.layout import Layout, lay_out
from hmmdsl.language.parsing.mistakes import diagnose, not_an_hmm
from hmmdsl.language.parsing.operators import RefusedError
from hmmdsl.language.parsing.scanner import Lexeme, Scan
from hmmdsl.language.parsing.slips import MAX_MISTAKES, too_many
from hmmdsl.language.parsing.stopping import Failure
from hmmdsl.language.parsing.tree_builder import Body
from hmmdsl.language.source import Source, Span

if TYPE_CHECKING:
    from hmmdsl.language.parsing.tables import Grammar


def recover(grammar: Grammar, scan: Scan, diagnostics: Diagnostics) -> tuple[tuple[syntax.Statement, ...], frozenset[str]]:
    """The statements that can be read, and the names of those that lack something; a message (E01xx) for each mistake."""
    recovery = _Recovery(grammar, scan, diagnostics)
    try:
        statements = [tree for chunk in split(scan.lexemes) for tree in recovery.statement(chunk)]
    except _TooManyError:
        return (), frozenset()
    return tuple(statements), frozenset(recovery.damaged)


def explain_expression(problem: UnexpectedToken | RefusedError, layout: Layout, source: Source) -> Diagnostic:
    """The message for a value or claim that stands alone and is wrong."""
    if isinstance(problem, RefusedError):
        return problem.diagnostic
    if not layout.lexemes:
        return Diagnostic(
            "E0111", "a value is missing", Span(source, 0, len(source.text)), help="write a number, a word or an expression"
        )
    return diagnose(_failure(problem, layout.lexemes, "record"))


class _TooManyError(Exception):
    """The limit of messages is reached."""


class _Recovery:
    def __init__(self, grammar: Grammar, scan: Scan, diagnostics: Diagnostics) -> None:
        self.grammar = grammar
        self.diagnostics = diagnostics
        self.slips = [slip.span.start for slip in scan.slips if slip.span is not None]
        self.damaged: set[str] = set()
        self.found = len(scan.slips)
        self.misplaced = False

    # ------------------------------------------------------------ statements

    def statement(self, chunk: Chunk) -> list[syntax.Statement]:
        """What can be kept of one statement: at most one tree."""
        first = chunk.head[0] if chunk.head else None
        misplaced = first is not None and (str(first) in ITEM_WORDS or _is_arrow(chunk.head) or _is_field(chunk.head))
        if misplaced and self.misplaced:
            return []
        only_closer = self.misplaced and first is not None and first.type == "RBRACE"
        self.misplaced = misplaced
        if only_closer:
            return []
        tree = self.attempt(list(chunk.lexemes()), "file") if chunk.sound else None
        if isinstance(tree, tuple):
            return list(tree)
        self.damage(chunk)
        if chunk.block is None:
            self.report(chunk, chunk.problem or tree)
            return []
        parts = self.parts(chunk.block.chunks, chunk.block.kind)
        head = self.attempt(list(chunk.lexemes(inside=False)), "file")
        if chunk.problem is not None or not isinstance(head, tuple):
            self.report(chunk, chunk.problem or head)
        if not isinstance(head, tuple) or not head:
            return []
        whole = head[0].span.to(chunk.span)
        match head[0]:
            case syntax.Hmm() as hmm if chunk.block.kind == "body":
                return [replace(hmm, body=tuple(parts), span=whole)]
            case syntax.Declaration() as declaration if chunk.block.kind == "record":
                return [replace(declaration, record=replace(declaration.record, fields=tuple(parts)), span=whole)]
            case syntax.Declaration() as declaration:
                self.report(chunk, not_an_hmm(declaration))
        return []

    def parts(self, chunks: list[Chunk], kind: Kind) -> list[Any]:
        """What can be kept of the items of a body or the fields of a record: halves that are wrong are halved again."""
        if len(chunks) < 2:
            return [part for chunk in chunks for part in self.part(chunk, kind)]
        if all(chunk.sound for chunk in chunks):
            tree = self.attempt([lexeme for chunk in chunks for lexeme in (*chunk.lexemes(), chunk.newline)], kind)
            if isinstance(tree, Body):
                return list(tree.items)
            if isinstance(tree, syntax.Record):
                return list(tree.fields)
        middle = len(chunks) // 2
        return self.parts(chunks[:middle], kind) + self.parts(chunks[middle:], kind)

    def part(self, chunk: Chunk, kind: Kind) -> list[Any]:
        """What can be kept of one item of a body or one field of a record."""
        tree = self.attempt(list(chunk.lexemes()), kind) if chunk.sound else None
        if isinstance(tree, Body):
            return list(tree.items)
        if isinstance(tree, syntax.Record):
            return list(tree.fields)
        if chunk.block is None:
            self.report(chunk, chunk.problem or tree)
            return []
        parts = self.parts(chunk.block.chunks, chunk.block.kind)
        head = self.attempt(list(chunk.lexemes(inside=False)), kind)
        if chunk.problem is not None or not isinstance(head, Body):
            self.report(chunk, chunk.problem or head)
        if isinstance(head, Body) and head.items and isinstance(head.items[0], syntax.For):
            return [replace(head.items[0], body=tuple(parts), span=head.items[0].span.to(chunk.span))]
        return []

    # ------------------------------------------------------------ one try, one message

    def attempt(self, lexemes: list[Lexeme], kind: Kind) -> Any:
        """The tree, or the message that says why there is none."""
        if kind != "file":
            lexemes = [Lexeme("LBRACE", "{", lexemes[0].span), *lexemes, Lexeme("RBRACE", "}", behind(lexemes[-1]))]
        laid_out = lay_out(lexemes).lexemes
        try:
            return self.grammar.parse(laid_out, kind)
        except RefusedError as problem:
            return problem.diagnostic
        except UnexpectedToken as problem:
            if kind != "file":
                own = laid_out[1:-1]
                return diagnose(_failure(problem, own, kind))
            return diagnose(_failure(problem, laid_out, kind))

    def report(self, chunk: Chunk, diagnostic: object) -> None:
        """Add a message, unless the chunk's lines have a slip: that is the cause already."""
        assert isinstance(diagnostic, Diagnostic)
        place = chunk.span if diagnostic is not chunk.problem else diagnostic.span
        if place is not None and self.has_slip(place):
            return
        if self.found >= MAX_MISTAKES:
            self.diagnostics.found.append(too_many(diagnostic.span))
            raise _TooManyError
        self.found += 1
        self.diagnostics.found.append(diagnostic)

    def has_slip(self, span: Span) -> bool:
        """Whether a slip stands in the lines of a chunk."""
        text = span.source.text
        start = text.rfind("\n", 0, span.start) + 1
        end = text.find("\n", span.end)
        return any(start <= slip < (len(text) if end < 0 else end) for slip in self.slips)

    def damage(self, chunk: Chunk) -> None:
        """Note the name that a broken statement declares."""
        for lexeme in chunk.head[1:2]:
            if is_name(lexeme):
                self.damaged.add(str(lexeme))


def _failure(problem: UnexpectedToken, lexemes: list[Lexeme], kind: Kind) -> Failure:
    """Where the parser stopped among `lexemes`, and what it could have taken there."""
    at = next((i for i, lexeme in enumerate(lexemes) if lexeme.span == getattr(problem.token, "span", None)), len(lexemes))
    stopped = problem.interactive_parser
    accepts = set() if stopped is None else stopped.accepts()  # type: ignore[no-untyped-call]
    return Failure(lexemes, at, frozenset(accepts), kind)


def _is_arrow(head: list[Lexeme]) -> bool:
    """Whether a statement looks like an arrow or an emission."""
    signs = [x for x in head if x.type in ("ARROW", "ARROW_OPEN", "EQUAL") or str(x) == "emits"]
    return (
        bool(signs)
        and signs[0].type != "EQUAL"
        and is_name(head[0])
        and len(head) > 1
        and (not is_name(head[1]) or str(head[1]) == "emits")
    )


def _is_field(head: list[Lexeme]) -> bool:
    """Whether a statement looks like a field of a record."""
    return len(head) > 1 and is_name(head[0]) and head[1].type == "EQUAL"
