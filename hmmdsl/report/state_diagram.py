"""A process drawn: its states and labelled arrows, or a heat map of its matrices where there are too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from hmmdsl.process.simplex import belief_colours
from hmmdsl.report.automaton import Arrow, Line, Node, draw_automaton
from hmmdsl.report.style import CYCLE, GREY, INK
from hmmdsl.report.wording import probability_text

if TYPE_CHECKING:
    from hmmdsl.process.process import Process, Scalar

DIAGRAM_STATES = 12
"""Up to this many states are drawn as circles."""

FACTORS = 6
"""Factors of a product whose matrices are drawn, at most."""

_DIAGRAM_ARROWS = 40
_LABEL_LINES = 5


def token_colour(token: int, tokens: int) -> str:
    """The token's colour in diagrams; ink where there are more tokens than colours."""
    return CYCLE[token] if tokens <= len(CYCLE) else INK


def state_diagram(process: Process) -> Figure:
    """States as circles and arrows labelled `token : probability` (exact fractions), all tokens of an arrow in one label; start
    states marked where the start is given. More than a dozen states, or very many arrows, are shown as matrices."""
    if not fits_diagram(process):
        return transition_matrices(process)
    arrows = _arrows(process)
    colours = state_colours(process)
    nodes = [
        Node(name, colours[i], _start_text(process.start[i]) if process.start_kind == "given" and process.start[i] else None)
        for i, name in enumerate(process.states)
    ]
    between = [arrow for arrow in arrows if arrow.source != arrow.target]
    lines = sum(len(arrow.lines) for arrow in between) / max(len(process.states), 1)
    return draw_automaton(nodes, arrows, scale=float(np.clip(0.7 + 0.17 * lines, 1.0, 2.0)))


def fits_diagram(process: Process) -> bool:
    """Whether it has few enough states and arrows to be drawn with circles; dimensions of a generalized HMM are no states."""
    return not process.generalized and len(process.states) <= DIAGRAM_STATES and len(process.transitions()) <= _DIAGRAM_ARROWS


def state_colours(process: Process) -> list[str]:
    """Each state's colour: that of its corner of the belief simplex."""
    from matplotlib.colors import to_hex

    return [to_hex(colour) for colour in belief_colours(np.eye(len(process.states)))]


def _start_text(value: Scalar) -> str:
    return "start" if value == 1 else f"start {probability_text(value)}"


def _arrows(process: Process) -> list[Arrow]:
    tokens = len(process.tokens)
    lines: dict[tuple[int, int], list[tuple[int, Scalar]]] = {}
    for x, entries in enumerate(process.operators):
        for place, value in sorted(entries.items()):
            lines.setdefault(place, []).append((x, value))
    arrows = []
    for (i, j), labelled in sorted(lines.items()):
        label = [Line(f"{process.tokens[x]} : {probability_text(value)}", token_colour(x, tokens)) for x, value in labelled]
        if len(label) > _LABEL_LINES:
            label = [*label[: _LABEL_LINES - 1], Line(f"… {len(label) - _LABEL_LINES + 1} more", GREY)]
        colour = token_colour(labelled[0][0], tokens) if len(labelled) == 1 else "#4A525B"
        arrows.append(Arrow(i, j, tuple(label), colour, min(1.0, float(sum(float(value) for _, value in labelled)))))
    return arrows


def transition_matrices(process: Process) -> Figure:
    """One heat map for each token (for up to four), else of their sum: rows are the states left, columns the states entered. Of a
    product the factors' sums, for up to six factors: their tensor product is its own."""
    if process.factored:
        factors = process.factors[:FACTORS]
        matrices = [(factor.name, factor.T.sum(axis=0)) for factor in factors]
    elif len(process.tokens) <= 4:
        matrices = [(f"token {token}", process.T[x]) for x, token in enumerate(process.tokens)]
    else:
        matrices = [("all tokens", process.T.sum(axis=0))]
    figure = Figure(
        figsize=(max(5.0, min(10.0, 3.1 * len(matrices) + 0.8)), 3.8 if len(matrices) > 1 else 5.0), layout="constrained"
    )
    panels = figure.subplots(1, len(matrices), squeeze=False, sharey=not process.factored)[0]
    highest = max(float(np.abs(matrix).max()) for _, matrix in matrices)
    lowest, colours = (-highest, "RdBu") if process.generalized else (0.0, "viridis")
    for place, (axes, (title, matrix)) in enumerate(zip(panels, matrices, strict=True)):
        shown = np.ma.masked_equal(matrix, 0)
        image = axes.imshow(shown, vmin=lowest, vmax=highest, cmap=colours, aspect="equal")
        axes.set_title(title, parse_math=False)
        axes.set_xlabel("column" if process.generalized else "to state")
        if place == 0:
            axes.set_ylabel("row" if process.generalized else "from state")
        states = factors[place].states if process.factored else process.states
        if len(states) <= 24:
            axes.set_xticks(range(len(states)), states, rotation=90, fontsize=7, parse_math=False)
            axes.set_yticks(range(len(states)), states, fontsize=7, parse_math=False)
    figure.colorbar(
        image, ax=list(panels), label="entry" if process.generalized else "probability of token and target", shrink=0.8
    )
    return figure
