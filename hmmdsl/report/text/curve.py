"""How the next token becomes predictable, in characters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.report.text.canvas import ACROSS, DOWN, Canvas

if TYPE_CHECKING:
    from rich.text import Text

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
