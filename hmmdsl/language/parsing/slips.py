"""Slips of the pen that the scanner can name and mend: other languages' signs, look-alikes, broken numbers and texts."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from hmmdsl.language.diagnostics import Diagnostic
from hmmdsl.language.source import Source, Span

MAX_DIGITS = 400
"""Digits that a number may be written with."""
MAX_EXPONENT = 400
"""Largest power of ten in a written number; float64 ends at 308."""

MAX_MISTAKES = 100
"""Messages about syntax after which the rest of a file is not read."""

SLIP = (
    r"\*\*|//[^\r\n]*|/\*(?:(?!\*/).)*\*/|/\*[^\r\n]*|&&?|\|\|?|!(?!=)|%|===|!==|=>|=<|<>|-->|:=|(?:\+(?!/-)|[*/])=(?!=)"
    r"|(?<![\w\])\.])\.[0-9][0-9_]*(?:[eE][+-]?[0-9]+)?"
    r"|\"\"\"(?:(?!\"\"\").)*\"\"\"|'[^'\r\n]*'?|`[^`\r\n]*`?|[“”„‟«»‘’‚‛][^“”„‟«»‘’‚‛\"\r\n]*[“”„‟«»‘’‚‛\"]?"
    r"|\\[ \t]*\r?\n"
)
"""A regular expression for what is wrong wherever it stands; tried before the grammar's own terminals."""

_SIGNS = {
    "**": ("E0116", "`**` is not an operator here", "^", "write `^` for a power"),
    "&&": ("E0115", "`&&` is not an operator here", "and", "write `and`"),
    "&": ("E0115", "`&` is not an operator here", "and", "write `and`"),
    "||": ("E0115", "`||` is not an operator here", "or", "write `or`"),
    "|": ("E0115", "`|` is not an operator here", "or", "write `or`"),
    "!": ("E0115", "`!` is not an operator here", "not", "write `not`"),
    "%": ("E0120", "`%` is not an operator here", "mod", "write `mod` for the remainder"),
    "===": ("E0138", "`===` is not an operator here", "==", "write `==`"),
    "!==": ("E0138", "`!==` is not an operator here", "!=", "write `!=`"),
    "=<": ("E0138", "`=<` is not an operator here", "<=", "write `<=`"),
    "<>": ("E0138", "`<>` is not an operator here", "!=", "write `!=`"),
    "=>": ("E0131", "`=>` is not a sign of the language", "->", "write `->` for an arrow, `>=` for 'at least'"),
    "-->": ("E0131", "`-->` is not a sign of the language", "->", "write `->`"),
    ":=": ("E0139", "`:=` is not a sign of the language", "=", "write `=`"),
    "+=": ("E0139", "`+=` is not a sign of the language", "=", "a name is given its value once, with `=`"),
    "*=": ("E0139", "`*=` is not a sign of the language", "=", "a name is given its value once, with `=`"),
    "/=": ("E0139", "`/=` is not a sign of the language", "=", "a name is given its value once, with `=`"),
}

_LOOK_ALIKES = {
    "→": "->", "⟶": "->", "⇒": "->", "≤": "<=", "⩽": "<=", "≥": ">=", "⩾": ">=", "≠": "!=", "≈": "~=", "×": "*", "·": "*",
    "⋅": "*", "∙": "*", "÷": "/", "∕": "/", "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "∧": "and", "∨": "or", "¬": "not",
    "…": "..", "∈": "in", "∓": "±",
}  # fmt: skip


@dataclass(frozen=True)
class Slip:
    """A mistake, where its text ends, and the lexemes' texts that were meant (none if it is best passed over)."""

    diagnostic: Diagnostic
    end: int
    mended: tuple[str, ...] = ()


def too_many(span: Span | None) -> Diagnostic:
    """The message that reading stops at a place."""
    message = f"there are more than {MAX_MISTAKES} mistakes; the rest of the file is not read"
    return Diagnostic("E0133", message, span, help="check that this is a spec")


def mend(source: Source, start: int, end: int) -> Slip:
    """The slip for a text that matches SLIP."""
    written = source.text[start:end]
    span = Span(source, start, end)
    if written in _SIGNS:
        code, message, meant, cure = _SIGNS[written]
        return Slip(Diagnostic(code, message, span, help=cure), end, (meant,))
    if written.startswith(("//", "/*")):
        message = f"`{written[:2]}` does not begin a comment"
        return Slip(Diagnostic("E0117", message, span, help="a comment begins with `#` and ends with its line"), end)
    if written[0] == ".":
        return Slip(
            Diagnostic("E0125", "a number cannot begin with a point", span, help=f"write `0{written}`"), end, ("0" + written,)
        )
    if written[0] == "\\":
        place = Span(source, start, start + 1)
        cure = "inside `(` and `[` a line goes on by itself: put the expression into parentheses"
        return Slip(Diagnostic("E0123", "a backslash does not join lines", place, help=cure), end)
    inner = written.strip("“”„‟«»‘’‚‛\"'`").replace("\n", " ").replace("\r", " ").replace("\\", "")
    text = f'"{inner}"'
    if written.startswith('"""'):
        return Slip(Diagnostic("E0118", "a text cannot span lines", span, help='write it in one line, between `"`'), end, (text,))
    message = f"a text is not written between `{written[0]}`"
    shown = text if len(text) <= 40 else '"…"'
    return Slip(Diagnostic("E0118", message, span, help=f"use double quotes: `{shown}`"), end, (text,))


def capitalized(source: Source, start: int, end: int) -> Slip:
    """The slip for `True`, `False` and `None` as values."""
    written = source.text[start:end]
    plain = written.lower()
    return Slip(
        Diagnostic("E0119", f"`{written}` is no value here", Span(source, start, end), help=f"write `{plain}`"), end, (plain,)
    )


def check_name(source: Source, start: int, end: int) -> Slip | None:
    """A slip if a name has letters that look like others (full width), or superscripts and fractions."""
    written = source.text[start:end]
    plain = unicodedata.normalize("NFKC", written)
    span = Span(source, start, end)
    if not written.isidentifier():
        cure = "write powers with `^`, fractions with `/`; a name has letters, digits and `_`"
        return Slip(Diagnostic("E0121", f"`{written}` cannot be a name", span, help=cure), end, ("_",))
    if plain == written:
        return None
    message = f"`{written}` has characters that only look like letters or digits"
    return Slip(Diagnostic("E0121", message, span, help=f"write `{plain}`"), end, (plain if plain.isidentifier() else "_",))


_WORD_TAIL = re.compile(r"\w*")


def check_number(source: Source, start: int, end: int) -> Slip | None:
    """A slip if letters follow a number, if it ends in a point, or if it is longer than any use."""
    text = source.text
    after = text[end : end + 1]
    if after == "_" or after.isalnum():
        tail = _WORD_TAIL.match(text, end)
        stop = end if tail is None else tail.end()
        number, letters = text[start:end], text[end:stop]
        message = f"`{number}` is followed by letters: `{number}{letters}` is neither a number nor a name"
        cure = f"write `{number} * {letters}` for a product; a name cannot begin with a digit"
        if not letters[0].isalpha() or not letters.isidentifier():
            cure = "a number is written in digits, as `1_000`, `0.05` or `3e-3`"
        return Slip(Diagnostic("E0124", message, Span(source, start, stop), help=cure), stop, (number,))
    if (
        after == "."
        and text[end + 1 : end + 2] != "."
        and not (text[end + 1 : end + 2].isalpha() or text[end + 1 : end + 2] == "_")
    ):
        number = text[start:end]
        cure = f"write `{number}` or `{number}.0`"
        return Slip(
            Diagnostic("E0125", "a number cannot end with a point", Span(source, start, end + 1), help=cure), end + 1, (number,)
        )
    mantissa, _, exponent = text[start:end].lower().rstrip("i").partition("e")
    if len(mantissa) > MAX_DIGITS or (
        exponent and (len(exponent) > len(str(MAX_EXPONENT)) + 1 or abs(int(exponent)) > MAX_EXPONENT)
    ):
        message = f"a number may have {MAX_DIGITS} digits and an exponent up to {MAX_EXPONENT}"
        return Slip(Diagnostic("E0141", message, Span(source, start, end), help="write a shorter number"), end, ("1",))
    return None


_ESCAPE = re.compile(r"\\(.)")
ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t", "r": "\r"}
"""What may follow a backslash in a text, and what it stands for."""


def check_string(source: Source, start: int, end: int) -> Slip | None:
    """A slip if a text has an escape that does not exist."""
    for found in _ESCAPE.finditer(source.text, start, end):
        if found[1] not in ESCAPES:
            span = Span(source, found.start(), found.end())
            cure = r"there are `\"`, `\\`, `\n`, `\r` and `\t`; a backslash itself is written `\\`"
            return Slip(
                Diagnostic("E0134", f"`{found[0]}` is no escape", span, help=cure),
                end,
                (source.text[start:end].replace("\\", ""),),
            )
    return None


_LINE_REST = re.compile(r'"(?:\\[^\r\n]|[^"\\\r\n])*\\?')


def unterminated(source: Source, start: int) -> Slip:
    """The slip for a text without its closing quote: it is taken to end with its line."""
    rest = _LINE_REST.match(source.text, start)
    end = start + 1 if rest is None else rest.end()
    span = Span(source, start, end)
    inner = source.text[start + 1 : end].replace("\\", "")
    return Slip(
        Diagnostic("E0122", "this text has no closing quote", span, help='end it with `"` on the same line'), end, (f'"{inner}"',)
    )


def stray(source: Source, start: int) -> Slip:
    """The slip for a character that no lexeme begins with."""
    character = source.text[start]
    span = Span(source, start, start + 1)
    plain = _LOOK_ALIKES.get(character) or unicodedata.normalize("NFKC", character)
    name = unicodedata.name(character, f"U+{ord(character):04X}").lower()
    if plain.isspace() or unicodedata.category(character) == "Cf":
        message = f"an invisible character stands here: {name}"
        return Slip(Diagnostic("E0121", message, span, help="delete it, or write a plain space"), start + 1)
    if plain != character and plain.isascii():
        return Slip(
            Diagnostic("E0121", f"`{character}` is not the sign that it looks like", span, help=f"write `{plain}`"),
            start + 1,
            (plain,),
        )
    if plain == "±":
        return Slip(
            Diagnostic("E0121", f"`{character}` is not a sign of the language", span, help="write `±` or `+/-`"),
            start + 1,
            (plain,),
        )
    if not character.isprintable():
        message = f"a character that cannot be seen stands here: {name}"
        return Slip(Diagnostic("E0123", message, span, help="delete it"), start + 1)
    end = start + 1
    while end < len(source.text) and source.text[end] == character:
        end += 1
    cure = "write `~=` for 'about equal'" if character == "~" else "delete it, or put it into a comment or a text"
    return Slip(Diagnostic("E0123", f"`{character}` means nothing here", Span(source, start, end), help=cure), end)
