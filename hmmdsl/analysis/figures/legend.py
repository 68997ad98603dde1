"""A legend above the panels, no wider than its figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure


def legend_above(figure: Figure, handles: Mapping[str, Artist], columns: int) -> None:
    """The handles by their labels, in at most so many columns, and no more than the figure has room for: what stands out of it is
    cut off."""
    for count in range(min(columns, len(handles)), 0, -1):
        legend = figure.legend(list(handles.values()), list(handles), loc="outside upper left", ncols=count)
        if count == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()
