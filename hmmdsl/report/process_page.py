"""Portraits of processes as a page of their own."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from hmmdsl.process.portraying import portrait as portrait_of
from hmmdsl.report.document import fill
from hmmdsl.report.figures import Picture
from hmmdsl.report.portrait_section import compared, portrait_section, portrait_text
from hmmdsl.report.process_figures import process_figures
from hmmdsl.report.style import applied, write_png

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hmmdsl.process.portrait import Portrait
    from hmmdsl.process.process import Process

_IN_TITLE = 3
"""Processes that the page's title names."""


def process_page(process: Process, portrait: Portrait | None = None) -> str:
    """Self-contained HTML: what the process is, in words, numbers and figures. The portrait is computed if not given."""
    return processes_page([(process.name, process, portrait)])


def processes_page(shown: Sequence[tuple[str, Process, Portrait | None]]) -> str:
    """The same for several processes under the names they are known by: their numbers side by side, then each by itself."""
    sections = []
    for name, process, known in shown:
        portrait = portrait_of(process) if known is None else known
        sections.append(portrait_section(name, portrait_text(portrait), _pictures(name, process, portrait)))
    rows = compared(sections) if len(sections) > 1 else ()
    return fill("process.html", title=", ".join(name for name, *_ in shown[:_IN_TITLE]), portraits=sections, compared=rows)


def _pictures(name: str, process: Process, portrait: Portrait) -> tuple[Picture, ...]:
    pictures = []
    with applied():
        figures = process_figures(process, portrait.dynamics.cloud, portrait.entropy_rate.value_bits)
        for short, (figure, caption) in figures.items():
            held = io.BytesIO()
            write_png(figure, held)
            uri = f"data:image/png;base64,{base64.b64encode(held.getvalue()).decode()}"
            alt = f"Figure {short} of process {name}: {caption}"
            width, height = map(Picture.pixels, figure.get_size_inches())
            pictures.append(Picture(uri, alt, caption, "", "", short == "msp", width, height))
    return tuple(pictures)
