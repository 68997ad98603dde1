"""Every figure of a run, drawn in one style and written as PNG and SVG."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from hmmdsl.analysis.kind import Kind
from hmmdsl.process.notation import number_text
from hmmdsl.report.style import BLUE, INK, ORANGE, applied, save
from hmmdsl.report.wording import count_text

if TYPE_CHECKING:
    from jaxtyping import Float64
    from matplotlib.axes import Axes

    from hmmdsl.analysis.outcome import Inputs, Outcome
    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.report.finished import Finished
    from hmmdsl.training.trained import Trained

FOLDER = "figures"
"""Where a run folder keeps them."""

_PIXELS_PER_INCH = 104


@dataclass(frozen=True)
class Drawing:
    """A figure on disk: `owner` is the analysis, train or process it belongs to, `kind` the analysis' word, `train` or `process`,
    and `figure` its short name; `inches` are its width and height."""

    name: str
    kind: str
    owner: str
    figure: str
    caption: str
    alt: str
    png: Path
    svg: Path
    inches: tuple[float, float]


def draw_figures(finished: Finished, inputs: Mapping[str, Inputs], folder: Path) -> tuple[Drawing, ...]:
    """Draw what the run's analyses, training runs and processes bring, and write each to `folder/figures/<name>.png` and `.svg`.

    `inputs` are those that each analysis was computed from; an analysis without inputs or outcome brings no figures. Names are
    `<analysis>.<figure>`, `train.<train>.<figure>` and `process.<process>.<figure>`. The same run gives the same bytes.
    Raises OSError if the folder cannot be written.
    """
    drawings = []
    with applied():
        for name, kind, owner, short, figure, caption in _figures(finished, inputs):
            safe = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._") or "figure"
            png, svg = save(figure, folder / FOLDER, safe)
            alt = _alt(kind, owner, short, caption)
            drawings.append(Drawing(name, kind, owner, short, caption, alt, png, svg, _inches(figure)))
    return tuple(drawings)


def _figures(finished: Finished, inputs: Mapping[str, Inputs]) -> Iterator[tuple[str, str, str, str, Figure, str]]:
    """(name, kind, owner, short name, figure, caption) of every figure, drawn one by one."""
    from hmmdsl.report.process_figures import process_figures

    for owner, analysis in finished.experiment.analyses.items():
        if isinstance(analysis, Kind) and owner in inputs and owner in finished.outcomes:
            outcome = finished.outcomes[owner]
            for short, figure in analysis.figures(outcome, inputs[owner]).items():
                yield f"{owner}.{short}", analysis.word, owner, short, figure, analysis_caption(analysis, short, outcome)
    for owner, trained in finished.trained.items():
        if trained.curve:
            caption = training_caption(trained)
            yield f"train.{owner}.learning_curve", "train", owner, "learning_curve", learning_curve(trained), caption
    for owner, process in finished.processes.items():
        for short, (figure, caption) in process_figures(process, rate_bits=finished.entropy_rates.get(owner)).items():
            yield f"process.{owner}.{short}", "process", owner, short, figure, caption


def _inches(figure: Figure) -> tuple[float, float]:
    width, height = figure.get_size_inches()
    return float(width), float(height)


def _alt(kind: str, owner: str, short: str, caption: str) -> str:
    """What a reader who cannot see the figure is told: what it is, then its caption's first sentence."""
    first = caption.partition(". ")[0].rstrip(".")
    what = f"Figure {short.replace('_', ' ')} of {kind} {owner}"
    return f"{what}: {first}." if first else f"{what}."


@dataclass(frozen=True)
class Picture:
    """A figure in the page: its data, caption and alternative text; width and height in CSS pixels."""

    uri: str
    alt: str
    caption: str
    title: str
    file: str
    wide: bool
    width: int
    height: int

    @staticmethod
    def pixels(inches: float) -> int:
        """How long so many inches of a figure are in the page: a figure of ten inches fills it."""
        return round(_PIXELS_PER_INCH * inches)


def histories_text(tree: HistoryTree) -> str:
    """Which histories a tree holds."""
    first = "the empty one" if tree.bos else "length 1"
    if tree.source == "exact":
        return f"all {count_text(len(tree), 'history')} from {first} to length {tree.context} (exact)"
    return f"{count_text(len(tree), 'history')} of {count_text(tree.words or 0, 'drawn word')} of length {tree.context} (sampled)"


def training_caption(trained: Trained) -> str:
    """The caption of a learning curve."""
    data = "exact expectation" if trained.train.data.kind == "exact" else f"batches of {trained.train.data.batch:,} drawn words"
    scatter = "" if trained.train.data.kind == "exact" else " Batches differ, so their losses scatter about the expected one."
    return (
        f"Training loss of {trained.name} by optimizer step (left; {data}), the optimum as a dashed line, and their difference "
        f"on logarithmic axes (right), in nats per token. Optimum and last point: {histories_text(trained.tree)}, every "
        "position the same weight, histories by probability."
        f"{scatter}"
    )


def analysis_caption(analysis: Kind, figure: str, outcome: Outcome) -> str:
    """The analysis' own caption, else its name and the facts of its computation."""
    own = analysis.caption(figure, outcome)
    if own:
        return own
    plain = {name.replace("_", " "): value for name, value in outcome.facts.items() if isinstance(value, (str, int, float))}
    facts = "; ".join(f"{name}: {value}" for name, value in plain.items())
    return f"{figure.replace('_', ' ').capitalize()} ({analysis.word}). {facts}".strip() + ("." if facts else "")


# Learning curves: the loss against its optimum, and the gap that is left of it.

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
