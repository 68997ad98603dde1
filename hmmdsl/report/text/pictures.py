"""All that is drawn of a process in a terminal, one under the other or beside each other, as wide as there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from hmmdsl.process.effort import too_large
from hmmdsl.report.joint_size import drawn_whole
from hmmdsl.report.text.automaton import automaton_lines
from hmmdsl.report.text.curve import entropy_curve
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
