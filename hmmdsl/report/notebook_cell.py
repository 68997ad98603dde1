"""A process as the output of a notebook's cell: its facts beside its state diagram."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from hmmdsl.report.state_diagram import state_diagram
from hmmdsl.report.style import applied, write_png

if TYPE_CHECKING:
    from hmmdsl.process.process import Process

_WIDEST = 420
"""The drawing's width in CSS pixels, at most."""


def notebook_cell(name: str, process: Process, facts: Sequence[tuple[str, str]]) -> str:
    """HTML without scripts or style sheets, since a notebook has its own. Names are escaped; the picture stands in the text."""
    held = io.BytesIO()
    with applied():
        figure = state_diagram(process)
        write_png(figure, held)
    picture = base64.b64encode(held.getvalue()).decode()
    cell = "text-align:left;vertical-align:top;padding:1px 12px 1px 0"
    rows = "".join(
        f'<tr><td style="{cell};opacity:.65;white-space:nowrap">{escape(what)}</td><td style="{cell}">{escape(text)}</td></tr>'
        for what, text in facts
    )
    return (
        f"<div><strong>{escape(name)}</strong>"
        '<div style="display:flex;flex-wrap:wrap;gap:24px;align-items:flex-start">'
        f'<table style="border:0;max-width:640px">{rows}</table>'
        f'<img alt="States of {escape(name)}" style="max-width:{_WIDEST}px;background:#fff" '
        f'src="data:image/png;base64,{picture}"/>'
        "</div></div>"
    )
