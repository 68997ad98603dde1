"""What the pictures show, as plain data for programs."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hmmdsl.process.mixed_states import mixed_state_presentation
from hmmdsl.process.simplex import simplex_projection
from hmmdsl.report.joint_size import drawn_whole
from hmmdsl.report.text.automaton import belief_names
from hmmdsl.report.text.simplex import drawn_beliefs

if TYPE_CHECKING:
    from hmmdsl.process.process import Process, Scalar

HISTORIES = 3_000
"""Histories whose beliefs are given, at most."""

MOST = 1_000
"""Mixed states that are given, at most."""


def diagrams_as_json(process: Process) -> dict[str, Any]:
    """`transitions` (of a generalized HMM the operators' entries); `mixed_states`, the automaton of beliefs, or None where it is
    not closed within 1,000; and `belief_cloud`: distinct beliefs after histories of every length up to `depth`, with their
    probabilities (mean over lengths) and places in the plane whose corners are the states'. All are None for a large product."""
    if not drawn_whole(process):
        return {"transitions": None, "mixed_states": None, "belief_cloud": None}
    presentation = mixed_state_presentation(process, max_beliefs=MOST, max_work=500_000)
    beliefs, shares, depth = drawn_beliefs(process, HISTORIES)
    projection = simplex_projection(len(process.states), beliefs, shares, process.r if process.generalized else None)
    names = belief_names(presentation)
    edges = zip(presentation.source, presentation.token, presentation.target, presentation.probability, strict=True)
    return {
        "transitions": [
            {"from": process.states[i], "token": token, "to": process.states[j], "probability": _plain(value)}
            for token, entries in zip(process.tokens, process.operators, strict=True)
            for (i, j), value in sorted(entries.items())
            if value
        ],
        "mixed_states": {
            "names": names,
            "beliefs": [
                [float(v) for v in presentation.belief[k]]
                if presentation.numerical
                else [str(v) for v in presentation.fractions(k)]
                for k in range(len(names))
            ],
            "transitions": [
                {"from": names[i], "token": process.tokens[x], "to": names[j], "probability": float(p)} for i, x, j, p in edges
            ],
        }
        if presentation.closed
        else None,
        "belief_cloud": {
            "depth": depth,
            "plane": projection.kind,
            "explained": projection.explained,
            "corners": projection.corners.tolist(),
            "beliefs": beliefs.tolist(),
            "probability": shares.tolist(),
            "place": projection(beliefs).tolist(),
        },
    }


def _plain(value: Scalar) -> str | float:
    return str(value) if isinstance(value, Fraction) else float(value)
