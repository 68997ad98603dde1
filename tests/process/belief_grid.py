"""The entropy rate of processes whose beliefs lie on a curve, from the Poisson equation on a fine grid of it: independent of
words, of samples and of polynomials, with an error that falls with the square of the grid's step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu

from hmmdsl.process.ensemble import entropy_nats
from hmmdsl.process.process import Process

Curve = tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray], bool]
"""Beliefs by a parameter in [0, 1], the parameter by a belief, and whether the curve is closed."""

LINE: Curve = (
    lambda t: np.stack([(1 + np.cos(np.pi * t)) / 2, (1 - np.cos(np.pi * t)) / 2], axis=1),
    lambda b: np.arccos(np.clip(1 - 2 * b[:, 1] / b.sum(axis=1), -1, 1)) / np.pi,
    False,
)
"""Beliefs about two states, denser where one of them is nearly certain."""

CIRCLE: Curve = (
    lambda t: np.stack([np.ones(len(t)), np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)], axis=1),
    lambda b: np.arctan2(b[:, 2], b[:, 1]) / (2 * np.pi) % 1,
    True,
)
"""Pure states of a qubit that are real."""


def rate_bits(process: Process, curve: Curve, points: int, wary: bool = False) -> tuple[float, float]:
    """The entropy rate and its error, from two grids; or from three if `wary`: where the error does not yet fall with the square
    of the step, as for states that last for thousands of tokens, two of them may agree by chance."""
    coarse, fine = _rate_bits(process, curve, points), _rate_bits(process, curve, 2 * points)
    further = abs(coarse - _rate_bits(process, curve, points // 2)) if wary else 0.0
    return (4 * fine - coarse) / 3, max(abs(fine - coarse), further)


def _rate_bits(process: Process, curve: Curve, points: int) -> float:
    belief_at, place_of, closed = curve
    t = np.arange(points + (0 if closed else 1)) / points
    beliefs = belief_at(t)
    p, n = beliefs @ process.emission, len(t)
    rows, columns, values = [np.arange(n)], [np.arange(n)], [np.ones(n)]
    for x in range(len(process.tokens)):
        seen = np.flatnonzero(p[:, x] > 1e-15)
        place = place_of(beliefs[seen] @ process.T[x]) * points
        below = np.minimum(place.astype(np.int64), points - 1)
        share = place - below
        rows += [seen, seen]
        columns += [below, (below + 1) % n]
        values += [-p[seen, x] * (1 - share), -p[seen, x] * share]
    # g is known up to a constant: that of the first point is 0, and its column has the rate instead.
    row, column, value = np.concatenate(rows), np.concatenate(columns), np.concatenate(values)
    kept = column > 0
    every = np.arange(n)
    system = coo_array(
        (
            np.concatenate([value[kept], np.ones(n)]),
            (np.concatenate([row[kept], every]), np.concatenate([column[kept], 0 * every])),
        ),
        shape=(n, n),
    )
    return float(splu(system.tocsc()).solve(entropy_nats(p))[0] / np.log(2))
