"""Loss by context length beside the myopic entropies, and the excess over the entropy rate with the laws of its fall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from hmmdsl.analysis.drawing.axes import count_along
from hmmdsl.analysis.drawing.wording import note, read_histories

if TYPE_CHECKING:
    from hmmdsl.analysis.learning.record import Learning
    from hmmdsl.analysis.outcome import Inputs, Outcome

CURVES = {
    "theory": ("myopic entropy (optimal observer)", "0.15", "s"),
    "network": ("network", "C0", "o"),
    "untrained": ("untrained network", "C1", "^"),
}
STYLES = {"exponential": "-", "power": ":"}


def figures(analysis: Learning, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
    """By name: `curve`, the losses at the left, their excess over the entropy rate and its laws at the right."""
    arrays, rate = outcome.arrays, outcome.results["entropy_rate"]
    length, fitted = arrays["length"], arrays["fitted"]
    figure = Figure(figsize=(9.6, 3.7), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, (label, colour, marker) in CURVES.items():
        loss = arrays[f"{name}.loss"]
        left.plot(length, loss, marker + "-", color=colour, label=label, markersize=5)
        shown = np.where(loss > rate, loss - rate, np.nan)
        right.plot(length, shown, marker, color=colour, markersize=5)
        for law, style in STYLES.items():
            if f"{name}.{law}" in arrays and name != "untrained":
                right.plot(length[fitted], arrays[f"{name}.{law}"], style, color=colour, linewidth=1.3)
    left.axhline(rate, color="0.5", linewidth=1.0, linestyle="--", label="entropy rate")
    left.set_ylabel("loss (nats per token)")
    left.set_title("loss by length of the history")
    for law, style in STYLES.items():
        right.plot([], [], style, color="0.4", label=f"{law} law")
    right.set_yscale("log")
    right.set_ylabel("excess (nats per token)")
    right.set_title("excess over the entropy rate")
    for axes in (left, right):
        count_along(axes, "history length (tokens)")
    figure.legend(loc="outside right upper")
    note(figure, read_histories(outcome))
    return {"curve": figure}


def caption(analysis: Learning, figure: str, outcome: Outcome) -> str:
    """What the figure shows."""
    return (
        "Left: expected next-token cross-entropy after histories of each length: the network's, an optimal observer's, and that "
        "of the same network before training. Right: what each is above the entropy rate, with an exponential and a power law "
        f"fitted to the logarithm ({outcome.facts['fitted']}). Histories: {read_histories(outcome)}."
    )
