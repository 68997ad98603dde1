"""A mixed-state presentation of many beliefs, drawn in columns: left the start, then what takes one more token to reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch

from hmmdsl.process.simplex import belief_colours
from hmmdsl.report.state_diagram import token_colour
from hmmdsl.report.style import INK

if TYPE_CHECKING:
    from jaxtyping import Float64

    from hmmdsl.process.mixed_states import MixedStates

_SWEEPS = 24


def draw_layers(presentation: MixedStates) -> Figure:
    """Beliefs as dots coloured by belief, ringed where they recur; transitions as arrows coloured by token."""
    positions = _positions(presentation)
    tokens = len(presentation.process.tokens)
    tallest = int(np.bincount(presentation.depth).max())
    figure = Figure(figsize=(10, float(np.clip(0.42 * tallest + 0.9, 3.0, 7.0))), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axis_off()
    colours = belief_colours(presentation.belief)
    for source, token, target, probability in zip(
        presentation.source, presentation.token, presentation.target, presentation.probability, strict=True
    ):
        forward = presentation.depth[target] > presentation.depth[source]
        axes.add_patch(
            FancyArrowPatch(
                tuple(positions[source]),
                tuple(positions[target]),
                connectionstyle="arc3,rad=0.0" if forward else f"arc3,rad={0.18 + 0.04 * int(token)}",
                arrowstyle="-|>",
                mutation_scale=8,
                shrinkA=6,
                shrinkB=6,
                linewidth=0.6 + 0.9 * float(probability),
                color=token_colour(int(token), tokens),
                alpha=0.75 if forward else 0.45,
                zorder=1 if forward else 0,
            )
        )
    recurrent = presentation.recurrent if presentation.recurrent is not None else np.zeros(len(presentation), dtype=bool)
    axes.scatter(
        positions[:, 0],
        positions[:, 1],
        s=np.where(recurrent, 95, 60),
        c=colours,
        edgecolors=[INK if ringed else "white" for ringed in recurrent],
        linewidths=np.where(recurrent, 1.6, 0.8).tolist(),
        zorder=3,
    )
    for depth in range(int(presentation.depth.max()) + 1):
        axes.text(depth, tallest / 2 + 0.55, f"{depth}", ha="center", va="bottom", color=INK)
    axes.text(-0.25, tallest / 2 + 0.55, "tokens", ha="right", va="bottom", color=INK)
    handles = [
        Line2D([], [], color=token_colour(x, tokens), label=name) for x, name in enumerate(presentation.process.tokens[:7])
    ]
    axes.legend(handles=handles, loc="lower left", title="token", alignment="left")
    axes.set_xlim(-0.9, int(presentation.depth.max()) + 0.4)
    axes.set_ylim(-tallest / 2 - 0.4, tallest / 2 + 1.1)
    return figure


def _positions(presentation: MixedStates) -> Float64[np.ndarray, "belief 2"]:
    """Columns by depth; within a column by the mean height of the neighbours, swept to and fro so that few arrows cross."""
    depth = presentation.depth
    columns = [np.flatnonzero(depth == d) for d in range(int(depth.max()) + 1)]
    height = np.zeros(len(presentation))
    for column in columns:
        height[column] = _spread(len(column))
    forward = depth[presentation.target] == depth[presentation.source] + 1
    ends = np.stack([presentation.source[forward], presentation.target[forward]])
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for column in columns[1:] if down else columns[-2::-1]:
            here, there = (ends[1], ends[0]) if down else (ends[0], ends[1])
            centre = [height[there[here == k]].mean() if (here == k).any() else height[k] for k in column]
            order = np.argsort(centre, kind="stable")
            height[column[order]] = _spread(len(column))
    return np.stack([depth.astype(float), height], axis=1)


def _spread(count: int) -> Float64[np.ndarray, " place"]:
    return (count - 1) / 2 - np.arange(count, dtype=float)
