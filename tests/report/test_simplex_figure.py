"""The plane of beliefs stays a drawing, however many states there are."""

from __future__ import annotations

import numpy as np
import pytest

from hmmdsl.report.simplex_figure import draw_beliefs


def _figure(states: int) -> tuple[int, int]:
    """How many lines and how many texts are drawn of beliefs about so many states."""
    random = np.random.default_rng(0)
    beliefs = random.dirichlet(np.ones(states), 30)
    (axes,) = draw_beliefs([f"s[{i}]" for i in range(states)], beliefs, np.full(30, 1 / 30)).axes
    return len(axes.lines), len(axes.texts)


@pytest.mark.parametrize("states", [4, 7, 24])
def test_few_corners_have_their_names_and_every_edge(states: int) -> None:
    assert _figure(states) == (states * (states - 1) // 2, states)


def test_many_corners_are_points_alone() -> None:
    """A line for each pair of 300 states would be 44,850 lines."""
    assert _figure(300) == (0, 0)
