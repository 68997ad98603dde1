"""The heat map of a patching: what is restored, by point and position."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from hmmdsl.analysis.drawing.wording import note
from hmmdsl.analysis.reading.points import place_label
from hmmdsl.process.notation import number_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

    from hmmdsl.analysis.outcome import Inputs, Outcome
    from hmmdsl.analysis.patching.record import Patching

WRITTEN = 12
"""Up to so many positions the shares are written into the cells."""


def figures(analysis: Patching, outcome: Outcome, inputs: Inputs) -> dict[str, Figure]:
    """By name: `restored`, with the mean over random sources beside it where that was asked for."""
    trained = inputs.trained[analysis.of]
    maps = {f"source {analysis.source}": outcome.arrays["restored"]}
    if "random" in outcome.arrays:
        maps[f"mean of {len(outcome.arrays['random'])} random sources"] = outcome.arrays["random"].mean(axis=0)
    columns, rows = next(iter(maps.values())).shape[1], len(trained.model.points())
    width = (0.62 * columns + 1.1) * len(maps) + 1.2
    figure = Figure(figsize=(max(5.0, min(width, 13.0)), 0.42 * rows + 1.9), layout="constrained")
    panels = figure.subplots(1, len(maps), squeeze=False, sharey=True)[0]
    words = [[trained.process.tokens[int(x)] for x in outcome.arrays[name]] for name in ("source", "base")]
    pairs = [a if a == b else f"{a}\n→ {b}" for b, a in zip(*words, strict=True)]
    labels = ([""] if trained.model.bos else []) + pairs
    for axes, (title, shares) in zip(panels, maps.items(), strict=True):
        image = _draw(axes, shares)
        axes.set_title(title)
        axes.set_xticks(range(columns), [*labels, "all"])
        axes.set_xlabel("patched position (base→source)")
    panels[0].set_yticks(range(rows), [place_label(name) for name in trained.model.points()])
    figure.colorbar(image, ax=list(panels), label="share restored", extend="both")
    divergence = outcome.results["divergence"]
    note(figure, f"base {analysis.base}; KL divergence before any patch {number_text(divergence, 3)} nats")
    return {"restored": figure}


def caption(analysis: Patching, figure: str, outcome: Outcome) -> str:
    """What the figure shows."""
    return (
        f"While the network reads {analysis.base}, the residual stream at one point (row, the first at the bottom) and "
        f"position (column) is replaced by what it is there for {analysis.source}. Colour: the share of the divergence between "
        "the two next-token distributions that this takes away. 1: the prediction is the source's; 0: as far away as before; the "
        "last column patches all positions."
    )


def _draw(axes: Axes, shares: np.ndarray) -> AxesImage:
    image = axes.imshow(shares, cmap="RdBu", vmin=-1, vmax=1, origin="lower", aspect="auto")
    axes.axvline(shares.shape[1] - 1.5, color="white", linewidth=2)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)
    if shares.shape[1] <= WRITTEN:
        for (i, j), share in np.ndenumerate(shares):
            if np.isfinite(share):
                text = f"{share:.2f}" if abs(share) >= 0.005 else "0"
                axes.text(j, i, text, ha="center", va="center", fontsize="small", color="white" if abs(share) > 0.6 else "0.2")
    return image
