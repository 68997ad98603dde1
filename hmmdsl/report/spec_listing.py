"""A spec's text as highlighted lines."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Text in one css class (empty: none)."""

    css: str
    text: str


def spec_lines(text: str) -> list[list[Span]]:
    """The lines of a spec, each as spans; together they give the text back, line ends apart."""
    from hmmdsl.language.formatting.highlight import highlight

    lines: list[list[Span]] = [[]]
    for css, piece in highlight(text.replace("\r\n", "\n")):
        name = "hl-" + re.sub(r"[^a-z0-9]+", "-", css.lower()) if css else ""
        first, *rest = piece.split("\n")
        if first:
            lines[-1].append(Span(name, first))
        lines.extend([Span(name, part)] if part else [] for part in rest)
    if lines and not lines[-1]:
        lines.pop()
    return lines
