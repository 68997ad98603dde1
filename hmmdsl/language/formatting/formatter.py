"""One layout for every spec: nothing is configured, comments stay, and the meaning too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from hmmdsl.language import syntax
from hmmdsl.language.formatting.printing import format_expression
from hmmdsl.language.formatting.units import Brackets, Parting, Unit, statement_unit

__all__ = ["format_expression", "format_file"]

MAX_WIDTH = 100
"""Columns that a line with brackets may fill; a longer one is broken, one part a line."""

INDENT = "  "
COMMENT_GAP = "  "


def format_file(file: syntax.File) -> str:
    """The text of a file in the one layout; it ends with a newline, unless it is empty.

    Parsing it gives the same tree and the same comments in the same order; formatting it again gives the same text.
    """
    printer = _Printer(file)
    rows = printer.rows([statement_unit(statement) for statement in file.statements], "", len(printer.text), "items", True)
    return "".join(f"{line}\n" for line in _lines(rows))


# ---------------------------------------------------------------- rows and their columns


@dataclass
class Row:
    """A line, or the first line of a broken unit with `more` after it. Without cells it is a comment's own line."""

    indent: str
    cells: list[str] = field(default_factory=list)
    shape: str = ""
    more: list[str] = field(default_factory=list)
    comment: str = ""
    blank_before: bool = False

    @property
    def alone(self) -> bool:
        """Whether its columns and its comment have nothing to do with the lines around it."""
        return bool(self.more) or not self.cells


def _lines(rows: Sequence[Row]) -> list[str]:
    """The text of rows, with columns aligned in runs of one shape and comments aligned in runs of lines."""
    codes = [code for run in _runs(rows, lambda row: row.shape) for code in _columns(run)]
    lines: list[str] = []
    position = 0
    for paragraph in _runs(rows, lambda row: "" if row.alone else "line"):
        own = codes[position : position + len(paragraph)]
        position += len(paragraph)
        width = max((len(code) for code, row in zip(own, paragraph, strict=True) if row.comment), default=0)
        for code, row in zip(own, paragraph, strict=True):
            if row.blank_before and lines:
                lines.append("")
            if not row.cells:
                lines.append(row.indent + row.comment)
                continue
            lines += [code, *row.more]
            if row.comment:
                lines[-1] = (lines[-1] if row.more else code.ljust(width)) + COMMENT_GAP + row.comment
    return lines


def _runs(rows: Sequence[Row], shape: Callable[[Row], str]) -> Iterator[list[Row]]:
    """Rows in runs: neighbours of one shape that is not empty, with no empty line between; every other row alone."""
    run: list[Row] = []
    for row in rows:
        joined = run and shape(row) and shape(row) == shape(run[-1]) and not (row.blank_before or row.alone or run[-1].alone)
        if run and not joined:
            yield run
            run = []
        run.append(row)
    if run:
        yield run


def _columns(run: Sequence[Row]) -> Iterator[str]:
    """The first lines of a run; each column but a row's last is as wide as the widest cell in it."""
    widths: list[int] = []
    for row in run:
        for i, cell in enumerate(row.cells):
            widths[i : i + 1] = [max(len(cell), widths[i] if i < len(widths) else 0)]
    for row in run:
        padded = [cell.ljust(widths[i]) for i, cell in enumerate(row.cells[:-1])]
        yield row.indent + " ".join([*padded, *row.cells[-1:]])


# ---------------------------------------------------------------- units and comments to rows

_BLANK = re.compile(r"\n[ \t\f\r]*\n")


class _Printer:
    """Puts units on rows and the comments back between them; `next` is the first comment that has no place yet."""

    def __init__(self, file: syntax.File) -> None:
        self.text = file.span.source.text
        self.comments = sorted(file.comments, key=lambda comment: comment.span.start)
        self.next = 0

    def rows(self, units: Sequence[Unit], indent: str, end: int, parting: Parting, as_written: bool) -> list[Row]:
        """The rows of units up to the place `end`; units share a line where they did, if `as_written`."""
        rows: list[Row] = []
        previous: int | None = None
        at = 0
        while at < len(units):
            count = self.together(units, at, indent, parting, as_written)
            unit, last = units[at], units[at + count - 1]
            brackets = unit.brackets if count == 1 and self.breaks(unit, indent) else None
            for comment in self.take(unit.span.start):
                rows.append(Row(indent, comment=comment.text, blank_before=self.blank(previous, comment.span.start)))
                previous = comment.span.end
            blank = self.blank(previous, unit.span.start)
            for comment in self.take(last.span.end if brackets is None else brackets.span.start):
                rows.append(Row(indent, comment=comment.text, blank_before=blank))
                blank = False
            if brackets is not None:
                row = self.broken(unit, brackets, indent)
            elif count > 1:
                row = Row(indent, [", ".join(" ".join(one.flat) for one in units[at : at + count])])
            else:
                row = _one_line(unit, indent)
            row.blank_before = blank
            if parting == "elements":
                final = row.more if row.more else row.cells
                final[-1] += ","
            at += count
            row.comment = self.trailing(last.span.end, units[at].span.start if at < len(units) else end)
            rows.append(row)
            previous = last.span.end
        for comment in self.take(end):
            rows.append(Row(indent, comment=comment.text, blank_before=self.blank(previous, comment.span.start)))
            previous = comment.span.end
        return rows

    def broken(self, unit: Unit, brackets: Brackets, indent: str) -> Row:
        """A unit over several lines: one that opens its brackets, the parts, one that closes them."""
        first = brackets.parts[0].span.start if brackets.parts else brackets.span.end
        comment = self.trailing(brackets.span.start, first)
        opening = unit.cells[-1] + brackets.opener + (COMMENT_GAP + comment if comment else "")
        written = "\n" in brackets.span.text
        simple = brackets.parting == "elements" and all(part.brackets is None for part in brackets.parts)
        inner = self.rows(brackets.parts, indent + INDENT, brackets.span.end, brackets.parting, written or simple)
        more = [*_lines(inner), indent + brackets.closer + unit.tail]
        return Row(indent, [*unit.cells[:-1], opening], more=more)

    def breaks(self, unit: Unit, indent: str) -> bool:
        """Whether a unit's brackets are broken: they were, or the line is too long."""
        brackets = unit.brackets
        if brackets is None:
            return False
        if any(brackets.span.start <= comment.span.start < brackets.span.end for comment in self.comments[self.next :]):
            return True
        if not brackets.parts:
            return False
        return "\n" in brackets.span.text or len(indent) + len(" ".join(unit.flat)) > MAX_WIDTH

    def together(self, units: Sequence[Unit], at: int, indent: str, parting: Parting, as_written: bool) -> int:
        """How many units from `at` on share a line: as they were written, as far as they fit."""
        if parting == "items" or not as_written or self.breaks(units[at], indent):
            return 1
        width = len(indent) + len(" ".join(units[at].flat))
        count = 1
        for before, unit in zip(units[at:], units[at + 1 :], strict=False):
            width += len(", ") + len(" ".join(unit.flat))
            if "\n" in self.text[before.span.end : unit.span.start] or self.breaks(unit, indent) or width >= MAX_WIDTH:
                break
            count += 1
        return count

    def take(self, end: int) -> Iterable[syntax.Comment]:
        """The next comments that begin before `end`."""
        start = self.next
        while self.next < len(self.comments) and self.comments[self.next].span.start < end:
            self.next += 1
        return self.comments[start : self.next]

    def trailing(self, start: int, end: int) -> str:
        """The next comment, if it stands behind `start` on its line, and before `end`."""
        if self.next < len(self.comments):
            comment = self.comments[self.next]
            if start <= comment.span.start < end and "\n" not in self.text[start : comment.span.start]:
                self.next += 1
                return comment.text
        return ""

    def blank(self, start: int | None, end: int) -> bool:
        """Whether an empty line stands between two places."""
        return start is not None and _BLANK.search(self.text, start, end) is not None


def _one_line(unit: Unit, indent: str) -> Row:
    """A unit on one line; only a long list of states or tokens goes on after a comma."""
    if not unit.words or len(indent) + len(unit.cells[0]) <= MAX_WIDTH:
        return Row(indent, list(unit.flat), unit.shape)
    keyword, *words = unit.words
    lines = [f"{indent}{keyword}"]
    for word, comma in [*((word, ",") for word in words[:-1]), (words[-1], "")]:
        if len(lines[-1]) + len(word) + 2 > MAX_WIDTH and lines[-1].strip() != keyword:
            lines.append(indent + INDENT + word + comma)
        else:
            lines[-1] += f" {word}{comma}"
    return Row(indent, [lines[0].strip()], more=lines[1:])
