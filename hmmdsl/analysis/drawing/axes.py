"""What panels share: colours and names of controls, axes along which something is counted, a legend above them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


COLOURS = {"trained": "C0", "untrained": "C1", "shuffled": "C2", "noise": "C6", "planted": "C4"}


LOWEST = -0.25
"""Held-out R² may be far below zero: points below this are drawn on the lower edge."""


def count_along(axes: Axes, label: str, grid: bool = True) -> None:
    """Whole numbers only along the horizontal axis, which counts what `label` says; with `grid`, lines at the heights."""
    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if grid:
        axes.grid(axis="y")


def legend_above(figure: Figure, handles: Mapping[str, Artist], columns: int) -> None:
    """The handles by their labels, in at most so many columns, and no more than the figure has room for: what stands out of it is
    cut off."""
    for count in range(min(columns, len(handles)), 0, -1):
        legend = figure.legend(list(handles.values()), list(handles), loc="outside upper left", ncols=count)
        if count == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()
