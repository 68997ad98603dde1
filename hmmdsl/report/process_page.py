"""A process' portrait as a page of its own."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from hmmdsl.process.portrait import portrait as portrait_of
from hmmdsl.report.document import fill
from hmmdsl.report.page import Picture
from hmmdsl.report.portrait_section import portrait_section
from hmmdsl.report.process_figures import process_figures
from hmmdsl.report.style import applied, write_png

if TYPE_CHECKING:
    from hmmdsl.process.portrait import Portrait
    from hmmdsl.process.process import Process


def process_page(process: Process, portrait: Portrait | None = None) -> str:
    """Self-contained HTML: what the process is, in words, numbers and figures. The portrait is computed if not given."""
    pictures = []
    with applied():
        for short, (figure, caption) in process_figures(process).items():
            held = io.BytesIO()
            write_png(figure, held)
            uri = f"data:image/png;base64,{base64.b64encode(held.getvalue()).decode()}"
            alt = f"Figure {short} of process {process.name}: {caption}"
            width, height = map(Picture.pixels, figure.get_size_inches())
            pictures.append(Picture(uri, alt, caption, "", "", short == "msp", width, height))
    about = portrait_of(process) if portrait is None else portrait
    section = portrait_section(process.name, about, tuple(pictures))
    return fill("process.html", title=process.name, portrait=section)
