"""Whether results have exactly the shape that their schema announced, and figures show all that is drawn."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from unittest.mock import patch

from matplotlib.figure import Figure

from hmmdsl.report import style
from hmmdsl.schema.results import Group, Quantity, ResultSchema, Series


def assert_shape(results: Any, schema: ResultSchema, path: str = "") -> None:
    """Every announced result is there, and nothing else; numbers are plain floats or None."""
    match schema:
        case Quantity():
            assert results is None or type(results) is float, f"{path} is {type(results)}"
            assert results is None or results == results, f"{path} is NaN"
        case Group(members):
            assert set(results) == set(members), f"{path}: {sorted(results)} instead of {sorted(members)}"
            for name, member in members.items():
                assert_shape(results[name], member, f"{path}.{name}")
        case Series(element, length):
            assert isinstance(results, list), path
            assert length is None or len(results) == length, f"{path} has {len(results)} elements instead of {length}"
            for i, one in enumerate(results):
                assert_shape(one, element, f"{path}[{i}]")


def assert_drawn_whole(figure: Figure) -> None:
    """The figure can be drawn, as a report draws it, and no legend stands out of it, where it would be cut off."""
    with patch.object(style, "DPI", 40):
        style.write_png(figure, BytesIO())
    for legend in figure.legends:
        extent = legend.get_window_extent()
        assert extent.x0 >= -1
        assert extent.x1 <= figure.bbox.x1 + 1
        assert extent.height <= figure.bbox.height + 1
