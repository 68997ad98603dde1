"""All that is drawn of a process in a terminal, one under the other or beside each other, as wide as there is room."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from hmmdsl.process.effort import too_large
from hmmdsl.report.joint_size import drawn_whole
from hmmdsl.report.text.automaton import automaton_lines
from hmmdsl.report.text.canvas import ACROSS, DOWN, Canvas
from hmmdsl.report.text.simplex import belief_picture

if TYPE_CHECKING:
    from hmmdsl.process.portrait import Portrait
    from hmmdsl.process.process import Process

NARROWEST, WIDEST = 30, 44
"""Characters of one picture."""


def pictures(process: Process, about: Portrait, width: int) -> Group | None:
    """The beliefs, the entropies, and the mixed states of a process within `width` characters; of a large product the entropies
    alone. None where they don't fit."""
    if width < NARROWEST:
        return None
    beside = width >= 2 * NARROWEST + 4
    each = min(WIDEST, (width - 4) // 2 if beside else width)
    drawn = []
    small = drawn_whole(process) and not too_large(process, 1)
    if len(process.states) > 1 and small:
        drawn.append(_block(*belief_picture(process, each), each))
    if len(about.myopic_entropies.bits) > 1:
        drawn.append(_block(*entropy_curve(about.myopic_entropies.bits, about.entropy_rate.value_bits, each), each))
    parts: list[Table | Text | Group] = []
    if beside and len(drawn) == 2:
        row = Table.grid(padding=(0, 4, 0, 0))
        row.add_row(*drawn)
        parts += [row, Text("")]
    else:
        for block in drawn:
            parts += [block, Text("")]
    wide = min(width, 2 * WIDEST + 8)
    if small:
        parts.append(_block(*automaton_lines(process, wide), wide))
    return Group(*parts)


def _block(title: str, lines: list[Text], width: int) -> Group:
    return Group(Text(title[:width], style="dim italic", no_wrap=True, overflow="ellipsis"), *lines)


HEIGHT = 9
"""Lines of the curve."""

LABELS = 7
"""Characters to the left of it, for the numbers."""


def entropy_curve(bits: Sequence[float], rate: float, width: int) -> tuple[str, list[Text]]:
    """A title and the lines of the myopic entropies, in bits, over the tokens of context; the entropy rate is dotted."""
    canvas = Canvas(width, HEIGHT + 2)
    top = max(max(bits), rate, 1e-9)
    low = (
        0.0
        if min(*bits, rate) < 0.6 * top or top - min(*bits, rate) < 1e-9
        else min(*bits, rate) - 0.05 * (top - min(*bits, rate))
    )
    across = (width - LABELS - 2) * ACROSS
    step = across / max(1, len(bits) - 1)

    def place(k: float, value: float) -> np.ndarray:
        down = (HEIGHT * DOWN - 1) * (1 - (value - low) / (top - low))
        return np.array([LABELS * ACROSS + 1 + k * step, down])

    last = max(1, len(bits) - 1)
    canvas.line(place(0, rate), place(last, rate), gap=4.0)
    points = [place(k, value) for k, value in enumerate(bits)]
    for before, after in pairwise(points):
        canvas.line(before, after)
    for point in points:
        canvas.glyph(point, "●")
    labels = {0: top, HEIGHT - 1: low}
    row = round(float(place(0, rate)[1])) // DOWN
    if row not in labels:
        labels[row] = rate
    for line, value in labels.items():
        canvas.write(line, 0, f"{value:.3f}")
    canvas.write(HEIGHT, LABELS, "0")
    canvas.write(HEIGHT, LABELS + round(last * step) // ACROSS, str(len(bits) - 1))
    canvas.write(HEIGHT + 1, LABELS, "tokens of context")
    return f"next-token bits; dotted: {rate:.6f}", canvas.rows()
