"""Learning curves: the loss against its optimum, and the gap that is left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from hmmdsl.process.notation import number_text
from hmmdsl.report.style import BLUE, INK, ORANGE

if TYPE_CHECKING:
    from jaxtyping import Float64
    from matplotlib.axes import Axes

    from hmmdsl.training.trained import Trained

_BINS = 60
"""Noisy curves are averaged in so many bins, equally wide in the logarithm of the step."""


def learning_curve(trained: Trained) -> Figure:
    """The training loss (nats per token) by step with the optimum as a line, and the gap between them on logarithmic axes."""
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    steps = np.array([point.step for point in trained.curve], dtype=float)
    losses = np.array([point.loss for point in trained.curve], dtype=float)
    noisy = trained.train.data.kind == "sampled"
    _draw_losses(left, trained, steps, losses, noisy)
    _draw_gaps(right, trained, steps, losses, noisy)
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xlabel("optimizer step")
        axes.grid(True)
    return figure


def _draw_losses(
    axes: Axes, trained: Trained, steps: Float64[np.ndarray, " step"], losses: Float64[np.ndarray, " step"], noisy: bool
) -> None:
    if noisy and len(steps) > _BINS:
        axes.plot(steps + 1, losses, color=BLUE, alpha=0.2, linewidth=0.6, rasterized=True)
        axes.plot(*_binned(steps + 1, losses), color=BLUE, label="training loss, averaged over nearby steps")
    else:
        axes.plot(steps + 1, losses, color=BLUE, label="training loss")
    axes.axhline(trained.optimum, color=INK, linestyle=(0, (4, 3)), linewidth=1.3, label=f"optimum {trained.optimum:.6f}")
    axes.plot([trained.train.steps], [trained.loss], "o", color=ORANGE, label=f"after the last step {trained.loss:.6f}", zorder=4)
    axes.set_title("Loss")
    axes.set_ylabel("nats per token")
    axes.legend()


def _draw_gaps(
    axes: Axes, trained: Trained, steps: Float64[np.ndarray, " step"], losses: Float64[np.ndarray, " step"], noisy: bool
) -> None:
    gaps = losses - trained.optimum
    if noisy and len(steps) > _BINS:
        steps, gaps = _binned(steps, gaps)
    shown = gaps > 0
    axes.plot(steps[shown] + 1, gaps[shown], color=BLUE)
    if trained.gap > 0:
        axes.plot([trained.train.steps], [trained.gap], "o", color=ORANGE, zorder=4)
        at = (trained.train.steps, trained.gap)
        text = number_text(trained.gap, 4)
        said = axes.annotate(text, at, (-9, 0), textcoords="offset points", ha="right", va="center", color=ORANGE, zorder=5)
        said.set_path_effects([withStroke(linewidth=3, foreground="white")])  # the curve may end behind it
    axes.set_yscale("log")
    axes.set_title("Gap: loss minus optimum")
    axes.set_ylabel("nats per token")


def _binned(
    steps: Float64[np.ndarray, " step"], values: Float64[np.ndarray, " step"]
) -> tuple[Float64[np.ndarray, " bin"], Float64[np.ndarray, " bin"]]:
    """Means over bins equally wide in log(step + 1); empty bins are left out."""
    edges = np.linspace(np.log(steps[0] + 1), np.log(steps[-1] + 1) + 1e-9, _BINS + 1)
    bins = np.clip(np.digitize(np.log(steps + 1), edges) - 1, 0, _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    filled = counts > 0
    centre = np.bincount(bins, steps, _BINS)[filled] / counts[filled]
    return centre, np.bincount(bins, values, _BINS)[filled] / counts[filled]
