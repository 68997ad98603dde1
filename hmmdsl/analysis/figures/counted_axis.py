"""The axis along which something is counted: tokens, lags, components."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def count_along(axes: Axes, label: str, grid: bool = True) -> None:
    """Whole numbers only along the horizontal axis, which counts what `label` says; with `grid`, lines at the heights."""
    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if grid:
        axes.grid(axis="y")
