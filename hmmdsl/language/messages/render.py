"""A diagnostic as it is shown: the code, one sentence, the place underlined in its line, and the cure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TypedDict

from hmmdsl.files.door import visible
from hmmdsl.language.diagnostics import Diagnostic
from hmmdsl.language.source import Span

LONGEST = 2_000
"""Characters of a cure that are shown."""

MAX_WIDTH = 100
"""Columns of a source line that are shown; a longer line is cut around the place."""

TAB = 4
"""Columns that a tab takes."""

_COLORS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "note": "\x1b[1;36m", "frame": "\x1b[34m", "bold": "\x1b[1m"}
_PLAIN = "\x1b[0m"


class Place(TypedDict):
    """Where something stands; lines and columns from 1, the end's column being the one after the last character."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


class NoteRecord(TypedDict):
    """A note for programs."""

    message: str
    place: Place | None


class DiagnosticRecord(TypedDict):
    """A diagnostic for programs."""

    code: str
    severity: str
    message: str
    place: Place | None
    label: str
    help: str
    notes: list[NoteRecord]


def render(diagnostic: Diagnostic, color: bool = False) -> str:
    """The text for a terminal, without a newline at its end; `color` puts ANSI colours in."""
    paint = _Paint(color)
    severity = diagnostic.severity
    lines = [paint(f"{severity}[{diagnostic.code}]", severity) + paint(f": {visible(diagnostic.message)}", "bold")]
    places = [span for span in (diagnostic.span, *(note.span for note in diagnostic.notes)) if span is not None]
    gutter = max((len(str(_last_line(span))) for span in places), default=1) + 1
    if diagnostic.span is not None:
        lines += _excerpt(diagnostic.span, diagnostic.label, gutter, paint, severity)
    for note in diagnostic.notes:
        lines.append(" " * gutter + paint(" = ", "frame") + paint("note", "note") + f": {visible(note.message)}")
        if note.span is not None:
            lines += _excerpt(note.span, "", gutter, paint, "note")
    if diagnostic.help:
        lines.append(" " * gutter + paint(" = ", "frame") + paint("help", "note") + f": {visible(_within(diagnostic.help))}")
    return "\n".join(lines)


def as_json(diagnostic: Diagnostic) -> DiagnosticRecord:
    """The diagnostic for programs: only what json can hold."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "place": place_of(diagnostic.span),
        "label": diagnostic.label,
        "help": diagnostic.help,
        "notes": [{"message": note.message, "place": place_of(note.span)} for note in diagnostic.notes],
    }


def _within(text: str) -> str:
    """A cure as it is shown: one that repeats what was written may be as long as the file, and is cut in its middle."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"


def place_of(span: Span | None) -> Place | None:
    """A span as lines and columns."""
    if span is None:
        return None
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {"file": span.source.name, "line": line, "column": column, "end_line": end_line, "end_column": end_column}


@dataclass(frozen=True)
class _Paint:
    color: bool

    def __call__(self, text: str, style: str) -> str:
        return f"{_COLORS[style]}{text}{_PLAIN}" if self.color and text else text


def _last_line(span: Span) -> int:
    """The number of the last line that a span touches."""
    return span.source.position(max(span.start, span.end - 1))[0]


def _excerpt(span: Span, label: str, gutter: int, paint: _Paint, style: str) -> list[str]:
    """The place and its first line, underlined; of a span over several lines the last one too."""
    source = span.source
    first, column = source.position(span.start)
    last = _last_line(span)
    margin = " " * gutter
    bar = paint(" |", "frame")
    lines = [margin + paint("--> ", "frame") + visible(f"{source.name}:{first}:{column}"), margin + bar]

    def numbered(number: int, text: str) -> str:
        return paint(f"{number:>{gutter}} |", "frame") + f" {text}".rstrip()

    start = column - 1
    text = source.line(first)
    if first == last:
        shown, before, width = _window(text, start, min(start + span.end - span.start, max(len(text), start + 1)))
        under = paint("^" * width, style) + (paint(f" {visible(label)}", style) if label else "")
        return [*lines, numbered(first, shown), margin + bar + " " + " " * before + under]
    shown, before, width = _window(text, start, max(len(text.rstrip()), start + 1))
    lines += [numbered(first, shown), margin + bar + " " + " " * before + paint("^" * width, style)]
    if last > first + 1:
        lines.append(margin + paint(" ...", "frame"))
    text = source.line(last)
    end = source.position(span.end - 1)[1]
    begin = min(len(text) - len(text.lstrip()), max(end - 1, 0))
    shown, before, width = _window(text, begin, max(min(end, len(text)), begin + 1))
    under = paint("^" * width, style) + (paint(f" {visible(label)}", style) if label else "")
    return [*lines, numbered(last, shown), margin + bar + " " + " " * before + under]


def _window(text: str, start: int, end: int) -> tuple[str, int, int]:
    """The part of a line that is shown, the columns before the place in it, and the columns of the place (at least 1)."""
    cut_before, cut_behind = max(0, start - _NEAR), start + _NEAR < len(text)
    if cut_before or cut_behind:
        text = text[cut_before : start + _NEAR]
        start, end = start - cut_before, min(end - cut_before, len(text))
    cells = [_cell(c) for c in text]
    widths = [w for _, w in cells]
    left, right = 0, len(cells)
    if sum(widths) > MAX_WIDTH:
        room = MAX_WIDTH - 2 * len(_CUT)
        left = start
        right = min(end, len(cells))
        used = sum(widths[left:right])
        while right > left + 1 and used > room:
            right -= 1
            used -= widths[right]
        while used < room and (left > 0 or right < len(cells)):
            grow_left = left > 0 and (right == len(cells) or start - left <= right - end)
            position = left - 1 if grow_left else right
            if used + widths[position] > room:
                break
            used += widths[position]
            left, right = (left - 1, right) if grow_left else (left, right + 1)
    head = _CUT if cut_before or left > 0 else ""
    tail = _CUT if cut_behind or right < len(cells) else ""
    shown = head + "".join(c for c, _ in cells[left:right]) + tail
    before = len(head) + sum(widths[left:start])
    return shown, before, max(1, sum(widths[start : min(end, right)]))


_CUT = "..."

_NEAR = 3 * MAX_WIDTH
"""Characters before and behind a place that are looked at: a line may have a million of them."""


def _cell(character: str) -> tuple[str, int]:
    """A character as shown, and the columns that it takes."""
    if character == "\t":
        return " " * TAB, TAB
    if not character.isprintable():
        return "\N{REPLACEMENT CHARACTER}", 1
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return character, 0
    return character, 2 if unicodedata.east_asian_width(character) in "WF" else 1
