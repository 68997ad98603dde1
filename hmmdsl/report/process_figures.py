"""What a process looks like: its states, its beliefs, and how fast its next token becomes predictable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hmmdsl.process.counting import count_histories
from hmmdsl.process.entropies import entropy_rate, myopic_entropies
from hmmdsl.process.history_tree import build_history_tree, history_weights
from hmmdsl.process.independent import joint_beliefs
from hmmdsl.process.mixed_states import mixed_state_presentation
from hmmdsl.process.notation import number_text
from hmmdsl.process.simplex import belief_colours
from hmmdsl.report.automaton import Arrow, Line, Node, draw_automaton
from hmmdsl.report.depths import SIMPLEX_HISTORIES, deepest
from hmmdsl.report.joint_size import drawn_whole
from hmmdsl.report.layered import draw_layers
from hmmdsl.report.simplex_figure import draw_beliefs
from hmmdsl.report.state_diagram import (
    DIAGRAM_STATES,
    fits_diagram,
    state_diagram,
    token_colour,
    transition_matrices,
)
from hmmdsl.report.style import BLUE, INK
from hmmdsl.report.wording import count_text, probability_text

if TYPE_CHECKING:
    from hmmdsl.process.dynamics.cloud import BeliefCloud
    from hmmdsl.process.mixed_states import MixedStates
    from hmmdsl.process.process import Process

__all__ = ["msp_diagram", "myopic_curve", "process_figures", "simplex", "state_diagram", "transition_matrices"]

_CURVE_HISTORIES = 30_000
_MSP_BELIEFS = 64
_CLOUD_DRAWN = 40_000
_CURVE_TOKENS = 10
"""Tokens of context of a product's curve: its words are not counted out."""


def process_figures(
    process: Process, cloud: BeliefCloud | None = None, rate_bits: float | None = None
) -> dict[str, tuple[Figure, str]]:
    """The portrait's figures with their captions: states, simplex (of two states or more), entropies, the stationary cloud (where
    it is given), and the MSP (where it is small and closed). `rate_bits` is the entropy rate where it is known already."""
    name = process.name
    start = "the start is stationary" if process.start_kind == "stationary" else "start arrows show where it begins"
    states = (
        f"Hidden states of {name} and its transitions, token : probability; {start}."
        if fits_diagram(process)
        else f"Operators of {name}, whose entries may be negative: rows act from the left."
        if process.generalized
        else f"Transition matrices of the factors of {name}: probability of the target state, given the state left."
        if process.factored
        else f"Transition matrices of {name}: probability of token and target state, given the state left."
    )
    figures = {"states": (state_diagram(process), states)}
    figures["entropies"] = (
        myopic_curve(process, rate_bits),
        f"Myopic entropy of {name}: uncertainty of the next token, in bits, after as many tokens of context. The dashed line is "
        "its limit, the entropy rate.",
    )
    if len(process.states) > 1 and drawn_whole(process):
        depth = deepest(process, SIMPLEX_HISTORIES)
        histories = count_text(count_histories(process, depth, bos=True).total, "history")
        figures["simplex"] = (
            simplex(process, depth),
            f"Beliefs of an optimal observer of {name} after every history up to length {depth} ({histories}, exact), the start "
            "included. Area shows probability, colour the belief itself.",
        )
    if cloud is not None and len(process.states) > 1 and cloud.belief.shape[1] == len(process.states):
        drawn = min(len(cloud), _CLOUD_DRAWN)
        figures["cloud"] = (
            cloud_figure(process, cloud),
            f"Beliefs about {name} in the long run: {drawn:,} draws of the stationary distribution of beliefs, each after "
            f"{cloud.tokens:,} tokens or more (sampled).",
        )
    if process.factored and not _few_beliefs(process):
        return figures
    presentation = mixed_state_presentation(process, max_beliefs=_MSP_BELIEFS)
    if presentation.closed and len(presentation) > 1:
        shape = (
            "Columns: number of tokens that first lead there; ringed beliefs recur for ever."
            if len(presentation) > DIAGRAM_STATES
            else "A full dot is a state that is possible, an empty one a state that is not."
        )
        figures["msp"] = (
            msp_diagram(process),
            f"Mixed-state presentation of {name}: its {len(presentation)} beliefs and the tokens that lead from one to another. "
            f"{shape}",
        )
    return figures


def _few_beliefs(process: Process) -> bool:
    """Whether the automaton of a product's beliefs is small enough to be made."""
    count = joint_beliefs(process).count
    return count is not None and count <= _MSP_BELIEFS and drawn_whole(process)


def simplex(process: Process, depth: int | None = None) -> Figure:
    """All beliefs after up to `depth` tokens, the start included: area by probability, colour by belief. Three states give the
    triangle, two a line, more a plane with the share of variance that it shows; a qubit's beliefs lie in its disk."""
    tree = build_history_tree(process, deepest(process, SIMPLEX_HISTORIES) if depth is None else depth, bos=True)
    weights = history_weights(tree, "probability")
    distinct, place = np.unique(np.round(tree.belief, 9) + 0.0, axis=0, return_inverse=True)
    right = process.r if process.generalized else None
    return draw_beliefs(process.states, distinct, np.bincount(place.ravel(), weights, len(distinct)), right)


def cloud_figure(process: Process, cloud: BeliefCloud) -> Figure:
    """Beliefs in the long run, all alike in size; colour by belief."""
    beliefs = cloud.belief[:: -(-len(cloud) // _CLOUD_DRAWN)]
    right = process.r if process.generalized else None
    return draw_beliefs(process.states, beliefs, np.full(len(beliefs), 1 / len(beliefs)), right)


def myopic_curve(process: Process, rate_bits: float | None = None) -> Figure:
    """The entropy of the next token, in bits, after 0, 1, 2, … tokens, and the entropy rate, computed if it is not given."""
    most = _CURVE_TOKENS if process.factored else max(1, deepest(process, _CURVE_HISTORIES) - 1)
    bits = np.array(myopic_entropies(process, most + 1).bits)
    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(range(len(bits)), bits, "o-", color=BLUE)
    rate = entropy_rate(process).value_bits if rate_bits is None else rate_bits
    axes.axhline(rate, color=INK, linestyle=(0, (4, 3)), linewidth=1.2, label=f"entropy rate {number_text(rate, 6)}", zorder=1)
    axes.legend(loc="upper right" if bits[-1] < 0.75 * bits.max() else "lower right")
    axes.set_xlabel("tokens of context")
    axes.set_ylabel("next-token entropy (bits)")
    axes.set_ylim(bottom=0, top=max(float(bits.max()) * 1.12, 0.1))
    axes.set_xlim(-0.4, len(bits) - 0.6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(True)
    return figure


def msp_diagram(process: Process) -> Figure:
    """The automaton of beliefs. Up to a dozen beliefs are labelled in full; more stand in columns by depth.

    Raises ValueError if the presentation does not close within 64 beliefs.
    """
    presentation = mixed_state_presentation(process, max_beliefs=_MSP_BELIEFS)
    if not presentation.closed:
        raise ValueError(f"the beliefs of {process.name} don't close within {_MSP_BELIEFS}: draw its simplex instead")
    return draw_layers(presentation) if len(presentation) > DIAGRAM_STATES else _small_msp(presentation)


def _small_msp(presentation: MixedStates) -> Figure:
    from matplotlib.colors import to_hex

    process = presentation.process
    colours = [to_hex(colour) for colour in belief_colours(presentation.belief)]
    nodes = [
        Node(_belief_name(process, belief), colour, None if k else "start")
        for k, (belief, colour) in enumerate(zip(presentation.belief, colours, strict=True))
    ]
    tokens = len(process.tokens)
    lines: dict[tuple[int, int], list[tuple[int, float]]] = {}
    entries = zip(presentation.source, presentation.token, presentation.target, presentation.probability, strict=True)
    for source, token, target, probability in entries:
        lines.setdefault((int(source), int(target)), []).append((int(token), float(probability)))
    arrows = [
        Arrow(
            source,
            target,
            tuple(Line(f"{process.tokens[x]} : {_share(presentation, p)}", token_colour(x, tokens)) for x, p in labelled),
            token_colour(labelled[0][0], tokens) if len(labelled) == 1 else "#4A525B",
            sum(p for _, p in labelled),
        )
        for (source, target), labelled in sorted(lines.items())
    ]
    return draw_automaton(nodes, arrows)


def _share(presentation: MixedStates, probability: float) -> str:
    """The probability as a short fraction if it is one and the presentation is exact."""
    from fractions import Fraction

    near = Fraction(probability).limit_denominator(999)
    exact = not presentation.numerical and abs(float(near) - probability) < 1e-13
    return probability_text(near if exact else probability)


def _belief_name(process: Process, belief: np.ndarray) -> str:
    """The state's name where the belief is certain, else how many states are possible."""
    if process.generalized:
        return ", ".join(number_text(value, 3) for value in belief)
    possible = np.flatnonzero(belief > 1e-12)
    return process.states[int(possible[0])] if len(possible) == 1 else "".join("●" if p > 1e-12 else "○" for p in belief)
