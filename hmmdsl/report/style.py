"""One look for every figure, and one way to write them: the same figure gives the same bytes.

Colours are those of Okabe & Ito (2008), told apart by colour-blind readers, darkened where the original would vanish on white.
Fonts are the ones that matplotlib brings, so that a figure looks alike on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import matplotlib as mpl
from cycler import cycler
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, LogFormatter, NullFormatter, ScalarFormatter

from hmmdsl.files.door import visible_lines
from hmmdsl.files.writing import appearing
from hmmdsl.report.wording import power_text

BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
GREEN: Final = "#009E73"
PURPLE: Final = "#9B4F96"
SKY: Final = "#56B4E9"
OCHRE: Final = "#B8860B"
GREY: Final = "#7A8188"
INK: Final = "#1B1F24"
FAINT: Final = "#D9DDE2"

CYCLE: Final = (BLUE, ORANGE, GREEN, PURPLE, SKY, OCHRE, GREY)

DPI: Final = 200
"""Resolution of the PNG files."""

Size = Literal["page", "slides"]

_POINTS: Final[dict[Size, float]] = {"page": 9.5, "slides": 14.0}
"""Size of a figure's text, for a figure shown at its own size."""


def _settings(size: Size) -> dict[Any, Any]:
    points = _POINTS[size]
    return {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "mathtext.fontset": "dejavusans",
        "font.size": points,
        "axes.titlesize": points * 1.05,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 8.0,
        "axes.labelsize": points,
        "xtick.labelsize": points * 0.92,
        "ytick.labelsize": points * 0.92,
        "legend.fontsize": points * 0.92,
        "legend.frameon": False,
        "figure.titlesize": points * 1.15,
        "figure.titleweight": "bold",
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": "#8A9098",
        "xtick.color": "#59616A",
        "ytick.color": "#59616A",
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.prop_cycle": cycler(color=CYCLE),
        "axes.grid": False,
        "axes.formatter.use_mathtext": True,
        "grid.color": "#E6E9ED",
        "grid.linewidth": 0.7,
        "lines.linewidth": 1.8 if size == "page" else 2.6,
        "lines.markersize": 5.0 if size == "page" else 7.5,
        "figure.facecolor": "white",
        "axes.facecolor": "white",
        "savefig.facecolor": "white",
        "figure.dpi": 100.0,
        "image.cmap": "viridis",
        "image.interpolation": "nearest",
        "svg.fonttype": "path",
        "svg.hashsalt": "hmmdsl",
        "path.simplify": True,
        "agg.path.chunksize": 0,
    }


@contextmanager
def applied(size: Size = "page") -> Iterator[None]:
    """Within this block, figures that are made and saved have the style. Nothing of it remains afterwards."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_settings(size))
        yield


def save(figure: Figure, folder: Path, name: str) -> tuple[Path, Path]:
    """Write `folder/name.png` and `folder/name.svg`, each whole or not at all.

    Neither holds a date or a version, so the same figure gives the same bytes. Returns both paths (PNG, SVG). Raises OSError if
    the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = (folder / f"{name}.png", folder / f"{name}.svg")
    metadata: tuple[dict[str, None], dict[str, None]] = ({"Software": None}, {"Date": None, "Creator": None})
    fixed = {key: value for key, value in _settings("page").items() if key.startswith(("svg.", "savefig.", "path.", "agg."))}
    with mpl.rc_context(fixed):
        _settle(figure)
        for path, described in zip(paths, metadata, strict=True):
            with appearing(path, durable=False) as file:
                figure.savefig(file, format=path.suffix[1:], dpi=DPI, metadata=described)
    return paths


class _PlainNumbers(ScalarFormatter):
    """Tick labels as text: the same signs in the same font as formulas, which take ten times as long to draw. The power of ten
    beside an axis stays a formula."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return super().__call__(x, pos).replace(r"$\mathdefault{", "").replace("}$", "")


def _settle(figure: Figure) -> None:
    """Texts as they are written, plain labels on axes (formulas take as long to draw as all the rest), and room for everything,
    worked out once for all files: savefig would do so for each."""
    powers = [axis.get_offset_text() for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    for text in figure.findobj(Text):
        if text not in powers:
            text.set_parse_math(False)  # a token such as `$x$` is no formula
            written = text.get_text()
            if written != visible_lines(written):
                text.set_text(visible_lines(written))
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            formatter = axis.get_major_formatter()
            if axis.get_scale() == "log" and isinstance(formatter, LogFormatter):
                low, high = sorted(axis.get_view_interval())
                axis.set_major_formatter(FuncFormatter(lambda value, _: power_text(value)))
                axis.set_minor_formatter(
                    FuncFormatter(lambda value, _: power_text(value)) if high < 10 * low else NullFormatter()
                )
            elif type(formatter) is ScalarFormatter:
                axis.set_major_formatter(_PlainNumbers())
    shown = figure.dpi
    figure.set_dpi(DPI)
    if any(not axes.axison and any(axes.get_title(loc) for loc in ("left", "center", "right")) for axes in figure.axes):
        for _ in range(2):  # above axes without a frame, titles find their places only while being drawn
            figure.draw_without_rendering()
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)  # not "none", which leaves a placeholder: savefig would draw twice for each file
    figure.set_dpi(shown)


def write_png(figure: Figure, file: BinaryIO) -> None:
    """The same PNG into an open file."""
    _settle(figure)
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
