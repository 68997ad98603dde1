"""Lexemes split into statements, items and fields by their brackets and lines alone, however wrong they are inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hmmdsl.language.diagnostics import Diagnostic, Note
from hmmdsl.language.parsing.layout import CLOSER
from hmmdsl.language.parsing.scanner import NEWLINE, Lexeme
from hmmdsl.language.source import Span

Kind = Literal["file", "body", "record"]
"""What a chunk is part of: a statement of a file, an item of a body, a field of a record."""

STATEMENT_WORDS = (
    "hmm",
    "ghmm",
    "process",
    "param",
    "import",
    "expect",
    "experiment",
    "replicate",
    "model",
    "train",
    "analysis",
    "sweep",
    "profile",
)
"""The words that statements begin with, as far as one can tell without the schemas."""

NAMELESS = ("experiment", "replicate")
"""Those that no name follows, but a record."""

ITEM_WORDS = ("states", "tokens", "let", "for", "emit", "start", "operator", "kraus")
"""The words that items of a body begin with."""

SIGN = {"LPAR": "(", "LSQB": "[", "ARROW_OPEN": "-[", "LBRACE": "{", "RPAR": ")", "RSQB": "]", "RBRACE": "}"}
"""How each bracket is written."""
_CLOSING = ("RPAR", "RSQB", "RBRACE")
_GOES_ON = ("COMMA", "EQUAL", "COLON", "INFIX", "MINUS", "WORD_INFIX", "NOT", *CLOSER)
"""After these a line inside brackets goes on."""
_BREAKS_OFF = ("INFIX", "MINUS", "WORD_INFIX", "NOT", "EQUAL", "COLON")
"""After these a line was meant to go on."""


@dataclass
class Block:
    """What stands between the braces of a statement or a `for`."""

    kind: Kind
    opener: Lexeme
    chunks: list[Chunk] = field(default_factory=list)
    closer: Lexeme | None = None


@dataclass
class Chunk:
    """One statement, item or field: what stands before its block, the block if it has one, and what stands after it.

    `problem` is the message for brackets that do not match.
    """

    head: list[Lexeme] = field(default_factory=list)
    block: Block | None = None
    tail: list[Lexeme] = field(default_factory=list)
    problem: Diagnostic | None = None

    @property
    def sound(self) -> bool:
        """Whether all brackets match, here and inside."""
        return self.problem is None and (self.block is None or all(chunk.sound for chunk in self.block.chunks))

    @property
    def span(self) -> Span:
        """From the first lexeme to the last."""
        first = self.head[0] if self.head else self._last
        return first.span.to(self._last.span)

    @property
    def _last(self) -> Lexeme:
        if self.tail:
            return self.tail[-1]
        if self.block is None:
            return self.head[-1]
        return self.block.closer or self.block.opener

    @property
    def newline(self) -> Lexeme:
        """A new line behind the chunk."""
        return Lexeme(NEWLINE, "\n", behind(self._last))

    def lexemes(self, inside: bool = True) -> Iterator[Lexeme]:
        """All lexemes as written; without `inside`, those of the block left out."""
        yield from self.head
        if self.block is not None:
            opener = self.block.opener
            yield opener
            if inside:
                for number, chunk in enumerate(self.block.chunks):
                    if number:
                        yield Lexeme(NEWLINE, "\n", behind(opener))
                    yield from chunk.lexemes()
            yield self.block.closer or Lexeme("RBRACE", "}", behind(opener))
        yield from self.tail


def split(lexemes: Sequence[Lexeme]) -> list[Chunk]:
    """The statements of a file."""
    return _Splitter(lexemes).run()


@dataclass
class _Frame:
    """A block that is open, or the file: its chunks, the one being read, and the brackets open inside that."""

    kind: Kind
    chunks: list[Chunk]
    block: Block | None = None
    chunk: Chunk | None = None
    brackets: list[Lexeme] = field(default_factory=list)


class _Splitter:
    def __init__(self, lexemes: Sequence[Lexeme]) -> None:
        self.lexemes = lexemes
        self.at = 0
        self.frames = [_Frame("file", [])]

    def run(self) -> list[Chunk]:
        line_begins = True
        for at, lexeme in enumerate(self.lexemes):
            self.at = at
            kind = lexeme.type
            if kind == NEWLINE:
                self.newline(lexeme)
                line_begins = True
                continue
            if line_begins:
                self.resynchronize(lexeme)
                line_begins = False
            frame = self.frames[-1]
            if kind in _CLOSING:
                self.close(frame, lexeme)
            elif kind == "LBRACE" and not frame.brackets and self.opens_block(frame):
                self.open_block(frame, lexeme)
            elif kind == "COMMA" and frame.kind == "record" and not frame.brackets and frame.chunk is not None:
                self.end_chunk(frame)
            else:
                if kind in CLOSER:
                    frame.brackets.append(lexeme)
                self.add(frame, lexeme)
        while len(self.frames) > 1:
            self.abandon_frame(None)
        self.end_chunk(self.frames[0])
        return self.frames[0].chunks

    # ------------------------------------------------------------ chunks

    def add(self, frame: _Frame, lexeme: Lexeme) -> None:
        if frame.chunk is None:
            frame.chunk = Chunk()
        (frame.chunk.head if frame.chunk.block is None else frame.chunk.tail).append(lexeme)

    def end_chunk(self, frame: _Frame, cause: Lexeme | None = None) -> None:
        """The present chunk ends here; a bracket still open in it is never closed."""
        chunk = frame.chunk
        if chunk is None:
            return
        if frame.brackets and chunk.problem is None:
            chunk.problem = _never_closed(frame.brackets[-1], cause)
        frame.brackets = []
        frame.chunks.append(chunk)
        frame.chunk = None

    def newline(self, lexeme: Lexeme) -> None:
        frame = self.frames[-1]
        if frame.chunk is None:
            return
        if frame.brackets:
            self.add(frame, lexeme)
            return
        chunk = frame.chunk
        if chunk.block is None and chunk.head[-1].type == "COMMA":
            return
        begin = next(
            (i for i in range(self.at + 1, min(self.at + 8, len(self.lexemes))) if self.lexemes[i].type != NEWLINE), None
        )
        following = None if begin is None else self.lexemes[begin]
        if following is not None and following.type == "LBRACE" and self.opens_block(frame):
            if chunk.problem is None:
                cure = f"put it at the end of the line before: `… {chunk.head[-1]} {{`"
                message = "an opening `{` stands on the line of what it belongs to"
                chunk.problem = Diagnostic("E0130", message, following.span, help=cure)
            return
        last = chunk.head[-1] if chunk.block is None else None
        if begin is not None and last is not None and last.type in _BREAKS_OFF and not self.begins(frame, begin):
            if chunk.problem is None:
                cure = "a line goes on only inside `(` and `[`: put the expression into parentheses"
                chunk.problem = Diagnostic("E0136", f"the expression breaks off after `{last}`", last.span, help=cure)
            return
        self.end_chunk(frame)

    def begins(self, frame: _Frame, at: int) -> bool:
        """Whether a statement, or what the frame is made of, plainly begins here, or the frame ends."""
        if self.lexemes[at].type in _CLOSING or self.begins_statement(at):
            return True
        return self.begins_item(at) if frame.kind == "body" else self.begins_field(at)

    # ------------------------------------------------------------ blocks

    def opens_block(self, frame: _Frame) -> bool:
        """Whether a `{` here opens a block of chunks, rather than a record inside a value."""
        chunk = frame.chunk
        if chunk is None or chunk.block is not None or frame.kind == "record":
            return False
        first = str(chunk.head[0])
        if frame.kind == "file" and first in ("process", "param", "import", "expect"):
            return False
        return first in ("for", "hmm", "ghmm") or not any(x.type in ("EQUAL", "ARROW") for x in chunk.head)

    def open_block(self, frame: _Frame, opener: Lexeme) -> None:
        chunk = frame.chunk
        assert chunk is not None
        body = frame.kind == "body" or str(chunk.head[0]) in ("hmm", "ghmm", "for") or self.begins_item(self.at + 1)
        chunk.block = Block("body" if body else "record", opener)
        self.frames.append(_Frame(chunk.block.kind, chunk.block.chunks, chunk.block))

    def abandon_frame(self, cause: Lexeme | None) -> None:
        """Close the innermost block, whose `}` is missing: the text ends, or `cause` cannot stand in it."""
        frame = self.frames.pop()
        self.end_chunk(frame, cause)
        owner = self.frames[-1].chunk
        assert owner is not None
        assert frame.block is not None
        if owner.problem is None:
            owner.problem = _never_closed(frame.block.opener, cause)

    # ------------------------------------------------------------ closing brackets

    def close(self, frame: _Frame, lexeme: Lexeme) -> None:
        brackets = frame.brackets
        if brackets and CLOSER[brackets[-1].type] == lexeme.type:
            brackets.pop()
            self.add(frame, lexeme)
            return
        depth = next((i for i in reversed(range(len(brackets))) if CLOSER[brackets[i].type] == lexeme.type), None)
        if lexeme.type == "RBRACE" and depth is None and len(self.frames) > 1:
            self.end_chunk(frame, lexeme)
            self.frames.pop()
            assert frame.block is not None
            frame.block.closer = lexeme
            return
        if frame.chunk is None:
            self.add(frame, lexeme)
        assert frame.chunk is not None
        if frame.chunk.problem is None:
            frame.chunk.problem = _mismatched(brackets[-1], lexeme) if brackets else _never_opened(lexeme)
        if depth is not None:
            del brackets[depth:]

    # ------------------------------------------------------------ where a line can only be a new beginning

    def resynchronize(self, lexeme: Lexeme) -> None:
        """Give up brackets that were never closed, if the line that begins here is plainly a new statement, item or field."""
        if len(self.frames) == 1 and not self.frames[0].brackets:
            return
        if self.begins_statement(self.at) and (self.frames[0].brackets or not self.is_inside(lexeme)):
            while len(self.frames) > 1:
                self.abandon_frame(lexeme)
            self.end_chunk(self.frames[0], lexeme)
            return
        frame = self.frames[-1]
        if not frame.brackets or frame.brackets[-1].type == "LBRACE":
            return
        if self.last_of(frame).type in _GOES_ON:
            return
        if (frame.kind == "body" and self.begins_item(self.at)) or (frame.kind == "record" and self.begins_field(self.at)):
            self.end_chunk(frame, lexeme)

    def is_inside(self, lexeme: Lexeme) -> bool:
        """Whether a line is indented further than the statement whose block is open: then it was meant to stand in it."""
        chunk = self.frames[0].chunk
        return chunk is not None and bool(chunk.head) and column(lexeme) > column(chunk.head[0])

    def last_of(self, frame: _Frame) -> Lexeme:
        """The last lexeme of the present chunk, newlines left out."""
        chunk = frame.chunk
        assert chunk is not None
        return next(x for x in reversed(chunk.tail or chunk.head) if x.type != NEWLINE)

    def peek(self, at: int) -> Lexeme | None:
        return self.lexemes[at] if at < len(self.lexemes) else None

    def begins_statement(self, at: int) -> bool:
        """`model net`, `expect "…"`, `experiment {`: two words side by side stand nowhere inside brackets."""
        first, second = self.peek(at), self.peek(at + 1)
        if first is None or second is None or str(first) not in STATEMENT_WORDS:
            return False
        if second.type == "WORD_INFIX" or str(second) in ("at", "over", "along", "if", "then", "else", "emits", "in"):
            return False
        return is_name(second) or second.type == "STRING" or (str(first) in NAMELESS and second.type == "LBRACE")

    def begins_item(self, at: int) -> bool:
        """`let x`, `for i`, `S ->`, `s[0] -[`, `S emits`; blank lines before it don't matter."""
        while (first := self.peek(at)) is not None and first.type == NEWLINE:
            at += 1
        if first is None or not is_name(first):
            return False
        second = self.peek(at + 1)
        if str(first) in ITEM_WORDS:
            return second is not None and (is_name(second) or second.type in ("INT", "STRING", "LSQB"))
        at = self.skip_path(at)
        sign = self.peek(at)
        return sign is not None and (sign.type in ("ARROW", "ARROW_OPEN") or str(sign) == "emits")

    def begins_field(self, at: int) -> bool:
        """`lr =`, `fit.steps =`."""
        first = self.peek(at)
        sign = self.peek(self.skip_path(at))
        return first is not None and is_name(first) and sign is not None and sign.type == "EQUAL"

    def skip_path(self, at: int) -> int:
        """The position after the path that begins at `at`, within its line."""
        at += 1
        depth = 0
        while (lexeme := self.peek(at)) is not None and lexeme.type != NEWLINE:
            if lexeme.type == "LSQB":
                depth += 1
            elif lexeme.type == "RSQB" and depth:
                depth -= 1
            elif not depth and not (lexeme.type == "DOT" or (is_name(lexeme) and str(self.lexemes[at - 1]) == ".")):
                break
            at += 1
        return at


def column(lexeme: Lexeme) -> int:
    """The column in which a lexeme begins."""
    return lexeme.span.source.position(lexeme.span.start)[1]


def behind(lexeme: Lexeme) -> Span:
    """The empty place behind a lexeme."""
    return Span(lexeme.span.source, lexeme.span.end, lexeme.span.end)


def is_name(lexeme: Lexeme) -> bool:
    """Whether it is a word, keyword or not."""
    return lexeme[:1].isalpha() or lexeme[:1] == "_"


def _never_closed(opener: Lexeme, cause: Lexeme | None) -> Diagnostic:
    sign = SIGN[opener.type]
    message = "the label of this arrow is never closed" if opener.type == "ARROW_OPEN" else f"this `{sign}` is never closed"
    notes = () if cause is None else (Note(f"`{cause}` cannot stand inside it", cause.span),)
    return Diagnostic("E0103", message, opener.span, label="opened here", help=f"add `{SIGN[CLOSER[opener.type]]}`", notes=notes)


def _never_opened(closer: Lexeme) -> Diagnostic:
    return Diagnostic(
        "E0104", f"this `{closer}` closes nothing", closer.span, help="delete it, or add the bracket that it should close"
    )


def _mismatched(opener: Lexeme, closer: Lexeme) -> Diagnostic:
    message = f"`{SIGN[opener.type]}` is closed by `{closer}`"
    note = Note(f"`{SIGN[opener.type]}` is opened here", opener.span)
    return Diagnostic(
        "E0105", message, closer.span, help=f"write `{SIGN[CLOSER[opener.type]]}` here, or before it", notes=(note,)
    )
