"""The mixed states of a process in words: each belief with the tokens that lead on from it, or how many there are by depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import log
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from hmmdsl.process.mixed_states import MixedStates, mixed_state_presentation
from hmmdsl.process.notation import number_text

if TYPE_CHECKING:
    from hmmdsl.process.process import Process

MOST = 40
"""Beliefs that are listed, at most."""

CERTAIN = 1 - 1e-12


def belief_names(presentation: MixedStates) -> list[str]:
    """What each belief is called: `start`, the state's name where it is certain, else b1, b2, …, in the order they are found."""
    names: list[str] = []
    states = presentation.process.states
    number = 0
    for k, belief in enumerate(presentation.belief):
        if k == 0:
            names.append("start")
        elif (
            not presentation.process.generalized and float(belief.max()) >= CERTAIN and states[int(belief.argmax())] not in names
        ):
            names.append(states[int(belief.argmax())])
        else:
            number += 1
            names.append(f"b{number}")
    return names


def automaton_lines(process: Process, width: int) -> tuple[str, list[Text]]:
    """A title and the lines of the mixed-state presentation where it closes with few beliefs, else its growth."""
    presentation = mixed_state_presentation(process, max_beliefs=2_000, max_work=500_000)
    if presentation.closed and len(presentation) <= MOST:
        return "mixed states, and token : probability → the next; * recurs", list(_listed(presentation, width))
    closed = "closed" if presentation.closed else "not closed"
    return f"mixed states by depth ({closed}; log bars)", list(_growth(presentation.sizes, width))


def _listed(presentation: MixedStates, width: int) -> Iterator[Text]:
    names = belief_names(presentation)
    recurrent = presentation.recurrent if presentation.recurrent is not None else np.zeros(len(names), dtype=bool)
    beliefs = ["" if name in presentation.process.states else _belief(presentation, k) for k, name in enumerate(names)]
    wide = max(map(len, names)) + 1
    room = max(len(belief) for belief in beliefs)
    room = room if wide + room + 2 < width // 2 else 0
    onwards: list[list[str]] = [[] for _ in names]
    for source, token, target, probability in zip(
        presentation.source, presentation.token, presentation.target, presentation.probability, strict=True
    ):
        share = _share(float(probability), not presentation.numerical)
        onwards[source].append(f"{presentation.process.tokens[token]} : {share} → {names[target]}")
    ends = max(len(end) for each in onwards for end in each)
    for k, name in enumerate(names):
        line = Text(f"{name}{'*' if recurrent[k] else ''}".ljust(wide + 1), style="bold", no_wrap=True)
        line.append(f"{beliefs[k]:<{room}}  " if room else "", style="dim")
        indent = len(line)
        for end in onwards[k]:
            if len(line) + len(end) > width and len(line) > indent:
                yield line
                line = Text(" " * indent, no_wrap=True)
            line.append(f"{end:<{ends}}  ", style="none")
        line.rstrip()
        yield line


def _growth(sizes: Sequence[int], width: int) -> Iterator[Text]:
    """A bar for each depth, long by the logarithm of the number."""
    kept = list(enumerate(sizes))[:12]
    most = log(max(2, max(sizes)))
    digits = len(f"{max(sizes):,}")
    for depth, size in kept:
        bar = "█" * max(1, round((width - digits - 6) * log(max(size, 1)) / most)) if size > 1 else "▏"
        line = Text(f"{depth:>3}  {size:>{digits},} ", no_wrap=True)
        line.append(bar, style="dim")
        yield line
    if len(sizes) > len(kept):
        yield Text(f"  … to depth {len(sizes) - 1}", style="dim")


def _belief(presentation: MixedStates, k: int) -> str:
    if presentation.numerical:
        return f"({', '.join(number_text(value) for value in presentation.belief[k])})"
    return f"({', '.join(str(value) for value in presentation.fractions(k))})"


def _share(probability: float, exact: bool) -> str:
    near = Fraction(probability).limit_denominator(999)
    return str(near) if exact and abs(float(near) - probability) < 1e-13 else number_text(probability)
