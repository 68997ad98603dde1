"""Mean attention by lag, a panel for each layer, beside the powers of the first eigenvalue where attention can follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from hmmdsl.analysis.drawing.axes import count_along, legend_above
from hmmdsl.analysis.drawing.wording import note, number, read_histories
from hmmdsl.process.notation import number_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hmmdsl.analysis.attention.record import AttentionByLag
    from hmmdsl.analysis.outcome import Inputs, Outcome

LEAST = 1e-6
"""Attention below this stands on the lower edge."""

SHOWN_HEADS = 6
"""The colours there are for heads."""


def figures(analysis: AttentionByLag, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
    """By name: `lags`, attention after the longest histories."""
    attention = outcome.arrays["attention"]
    layers = len(attention)
    columns = min(layers, 4)
    rows = -(-layers // columns)
    figure = Figure(figsize=(max(5.4, 3.1 * columns + 0.6), 3.3 * rows + 0.7), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for i, axes in enumerate(panels.flat):
        if i >= layers:
            axes.set_axis_off()
            continue
        _draw(axes, analysis, outcome, i)
    for row in panels:
        row[0].set_ylabel("attention")
    handles, labels = panels.flat[0].get_legend_handles_labels()
    legend_above(figure, dict(zip(labels, handles, strict=True)), columns=3)
    note(figure, read_histories(outcome))
    return {"lags": figure}


def caption(analysis: AttentionByLag, figure: str, outcome: Outcome) -> str:
    """What the figure shows."""
    untrained = " Dotted: the untrained network." if "untrained" in outcome.arrays else ""
    powers = (
        "Dashed: powers of the first eigenvalue of T other than 1, scaled to the first head over the lags from "
        f"{analysis.from_lag} on."
        if len(outcome.arrays["followed"])
        else "No eigenvalue of T is drawn: the largest other than 1 are no positive numbers, whose powers attention could follow."
    )
    return (
        "Mean attention after the longest histories by lag, a panel for each layer and a line for each head, with the fitted "
        f"rate and its standard error. {powers}{untrained} Histories: {read_histories(outcome)}."
    )


def _draw(axes: Axes, analysis: AttentionByLag, outcome: Outcome, layer: int) -> None:
    heads = outcome.arrays["attention"][layer][:, -1]
    lags = np.arange(heads.shape[1] - bool(outcome.facts["bos"]))
    results = outcome.results["layer"][layer]["head"]
    for j, head in enumerate(heads[:SHOWN_HEADS]):
        fit = results[j]
        rate = f"rate {number(fit['rate'])} ± {number(fit['rate_error'])}"
        axes.plot(lags, head[lags].clip(LEAST), "o-", color=f"C{j}", label=f"head {j}" if len(heads) > 1 else "trained")
        axes.annotate(
            rate, (0.97, 0.96 - 0.08 * j), xycoords="axes fraction", ha="right", va="top", color=f"C{j}", fontsize="small"
        )
        if "untrained" in outcome.arrays:
            initial = outcome.arrays["untrained"][layer][j, -1]
            axes.plot(lags, initial[lags].clip(LEAST), ":", color=f"C{j}", label="untrained" if j == 0 else None)
    fitted = lags[lags >= analysis.from_lag]
    for eigenvalue in map(float, outcome.arrays["followed"] if len(fitted) else ()):
        powers = eigenvalue ** fitted.astype(np.float64)
        scale = heads[0][fitted].sum() / powers.sum()
        axes.plot(
            fitted, (scale * powers).clip(LEAST), "--", color="0.2", label=f"powers of {number_text(eigenvalue, 3)}", zorder=3
        )
    axes.set_yscale("log")
    axes.set_title(f"block {layer}")
    count_along(axes, "lag (tokens)")
