"""Figures of sweeps: what has an order is joined, what has none stands side by side, and nothing lies upon anything else."""

from __future__ import annotations

import statistics

import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.stats import t as student

from hmmdsl.report.sweeps.figures import metric_figure
from hmmdsl.report.sweeps.table import SweepTable
from hmmdsl.schema.sweep import SweepAxis, places

SEEDS = SweepAxis(paths=("fit.seed",), values=tuple((seed,) for seed in range(4)))
WIDTHS = SweepAxis(paths=("net.d_model",), values=((2,), (8,), (32,)))
MODELS = SweepAxis(paths=("fit.model",), values=(("attention",), ("gated",), ("memory",)))
PROCESSES = SweepAxis(
    paths=("fit.process", "attention.context", "gated.context", "memory.context"),
    values=(("bloch_walk()", 5, 5, 5), ("moon()", 6, 6, 6)),
)


def drawn(*axes: SweepAxis) -> tuple[Figure, list[Axes], list[float]]:
    """The figure of a metric that is another number at every point, with its panels and the numbers."""
    points = tuple(places([len(axis.values) for axis in axes]))
    numbers = [0.5 + 0.01 * k * k for k in range(len(points))]
    rows = tuple([{"x.r2": number} for number in numbers])
    figure = metric_figure(SweepTable("it", axes, points, rows, ("",) * len(points), ("x.r2",)), "x.r2")
    assert figure is not None
    FigureCanvasAgg(figure).draw()
    return figure, figure.axes, numbers


def joined(panel: Axes) -> list[int]:
    """How many points each line of a panel joins."""
    return [
        len(line.get_xdata())
        for line in panel.lines
        if line.get_linestyle() == "-" and line.get_linewidth() > 0 and len(line.get_xdata()) > 2
    ]


def test_numbers_are_joined_and_seeds_and_names_are_not() -> None:
    assert joined(drawn(WIDTHS, SEEDS)[1][0]) == [3]
    assert joined(drawn(SEEDS)[1][0]) == []
    assert joined(drawn(MODELS, SEEDS)[1][0]) == []


def test_over_seeds_alone_the_mean_is_a_line_through_the_whole_panel() -> None:
    _, (panel,), numbers = drawn(SEEDS)
    (mean,) = (line for line in panel.lines if list(line.get_xdata()) == [0, 1])
    assert mean.get_ydata()[0] == pytest.approx(statistics.mean(numbers))
    ends = panel.patches[0].get_extents().transformed(panel.transData.inverted())
    half = float(student.ppf(0.975, 3)) * statistics.stdev(numbers) / 2  # of four seeds: s / sqrt(4), three degrees of freedom
    assert ends.height == pytest.approx(2 * half)


def test_points_of_different_lines_stand_side_by_side_inside_the_panel() -> None:
    _, panels, numbers = drawn(PROCESSES, MODELS)
    for panel in panels:
        points = [(x, y) for line in panel.lines for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)]
        assert sorted(y for _, y in points) == sorted(numbers)
        assert len({x for x, _ in points}) == len(points)
        low, high = panel.get_xlim()
        assert all(low < x < high for x, _ in points)


def test_legends_and_labels_lie_upon_no_panel() -> None:
    figure, panels, _ = drawn(PROCESSES, MODELS)
    whole = figure.bbox
    for panel in panels:
        legend = panel.get_legend()
        assert legend is not None
        for box in (legend.get_window_extent(), panel.xaxis.label.get_window_extent()):
            assert not any(box.overlaps(other.get_window_extent()) for other in panels)
            assert whole.x0 <= box.x0
            assert box.x1 <= whole.x1
        assert panel.get_xlabel() in ("fit.process (and 3 more)", "fit.model")


def test_a_point_alone_is_no_picture() -> None:
    one = SweepAxis(paths=("fit.seed",), values=((0,),))
    assert metric_figure(SweepTable("it", (one,), ((0,),), ({"x.r2": 0.5},), ("",), ("x.r2",)), "x.r2") is None
