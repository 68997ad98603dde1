"""Loss by position beside its optimum, and the gap between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from hmmdsl.analysis.drawing.axes import count_along
from hmmdsl.analysis.drawing.wording import note, read_histories
from hmmdsl.process.notation import number_text

if TYPE_CHECKING:
    from hmmdsl.analysis.loss.record import Loss
    from hmmdsl.analysis.outcome import Inputs, Outcome

LEAST_GAP = 1e-12
"""Gaps below this are rounding, and stand on the axis."""


def figures(analysis: Loss, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
    """By name: `positions`, the loss with its optimum at the left, the gap at the right."""
    length, optimum, gap = (outcome.arrays[name] for name in ("length", "optimum", "gap"))
    figure = Figure(figsize=(8.6, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(length, optimum, color="0.15", linestyle="--", label="optimum (myopic entropy)", zorder=3)
    left.plot(length, optimum + gap, "o-", color="C0", label="network")
    left.set_ylabel("loss (nats per token)")
    left.set_title("loss by position")
    left.legend()
    right.plot(length, gap.clip(LEAST_GAP), "o-", color="C0")
    right.set_yscale("log")
    right.set_ylabel("gap (nats per token)")
    right.set_title(f"gap by position, mean {number_text(outcome.results['gap'], 2)}")
    for axes in (left, right):
        count_along(axes, "history length (tokens)")
    note(figure, read_histories(outcome))
    return {"positions": figure}


def caption(analysis: Loss, figure: str, outcome: Outcome) -> str:
    """What the figure shows."""
    return (
        "Left: expected next-token cross-entropy after histories of each length, and the least that any predictor can lose there."
        " Right: the difference, which is the mean KL divergence from the optimal prediction. "
        f"Histories: {read_histories(outcome)}."
    )
