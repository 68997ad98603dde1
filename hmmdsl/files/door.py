"""The door through which what a stranger wrote reaches people: as text, in a terminal, on a page, in a figure, in JSON.

Labels, notes, tokens, paths and the keys of somebody's results may hold characters that a terminal obeys (colours, titles, the
clipboard), that turn the order of what stands around them, or that nobody sees. Nothing of hmmdsl prints but through here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(code) for first, last in ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF)) for code in range(first, last + 1)
}
"""Fillers, joiners and selectors: Unicode has them for letters and marks, and alone they are nothing to see."""

_PLAIN = "\N{NO-BREAK SPACE}"


def visible(text: str) -> str:
    """The text in one line, with characters that a terminal would obey or hide made visible."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if c == _PLAIN or (c.isprintable() and c not in UNSEEN) else " " if c in "\t\n\r" else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )


def visible_lines(text: str) -> str:
    """The same of a text of several lines."""
    return "\n".join(visible(line) for line in text.split("\n"))


def say(*texts: object, file: TextIO | None = None, end: str = "\n") -> None:
    """Print for people, on stdout if not told otherwise."""
    print(*(visible_lines(str(text)) for text in texts), file=file, end=end, flush=file is not None)


def hand_on(text: str) -> None:
    """Print what another program, or a file, is to have to the letter; on a terminal it is for people."""
    sys.stdout.write(visible_lines(text) if sys.stdout.isatty() else text)


def json_text(content: Any, indent: int | None = 1) -> str:
    """JSON in which characters that a terminal would obey or hide are escaped; to a program they mean the same."""
    text = json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False)
    return "".join(c if c == "\n" or (c.isprintable() and c not in UNSEEN) else json.dumps(c)[1:-1] for c in text)


def console(file: TextIO | None = None, piped: int | None = None) -> Console:
    """A console of rich on stdout that shows texts as they are, without markup; `piped` is its width where it is no terminal."""
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class Door(Console):
        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else segment._replace(text=visible_lines(segment.text))

    opened = Door(file=file, highlight=False, markup=False, emoji=False)
    return (
        opened
        if piped is None or opened.is_terminal
        else Door(file=file, highlight=False, markup=False, emoji=False, width=piped)
    )
