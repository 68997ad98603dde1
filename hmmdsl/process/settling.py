"""What a generalized HMM settles into: its ergodic components, where 1 is a multiple eigenvalue of T.

Dimensions are no states, but where all operators keep to blocks, as those of a mixture do, each closed block is a process of its
own. Within a block the fixed vectors l = l T with l r = 1 are the means of the components, in weights that need not be positive.
A long word tells which component it is from, so the part of the belief after it that T keeps, its projection on the fixed
vectors, comes to be the mean of that component alone.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from hmmdsl.process.algebra.canonical import orthonormal
from hmmdsl.process.generalized import TOLERANCE, EigenvectorError, SpectralRadiusError, eigenvectors
from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.stationary import closed_classes, reachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from jaxtyping import Float64

OBSERVERS = 256
"""Words that are read to find the components of one block."""

READ = 25
"""Tokens after which it is asked again whether all words have told their component."""

LONGEST_READ = 4000
"""Tokens of the longest of these words."""

SETTLED = 1e-11
"""Change of a belief's fixed part, in READ tokens, that is none."""

APART = 1e-6
"""Means that are farther apart are those of different components."""


def settled_components(process: Process) -> tuple[tuple[float, Process], ...] | None:
    """The components of a generalized HMM whose eigenvalue 1 is not simple, each with its probability, in its stationary start,
    as an ordinary HMM where it is one. None where they are not found."""
    import numpy as np

    n = len(process.states)
    chain = {ends: 1.0 for entries in process.operators for ends, value in entries.items() if value}
    reached = reachable(chain, [i for i, value in enumerate(process.start) if value], n)
    closed = [sorted(members) for members in closed_classes(chain, n) if members & reached]
    inside = {i for members in closed for i in members}
    passing = [i for i in sorted(reached) if i not in inside]
    T = process.T.sum(axis=0)
    try:
        visits = np.linalg.solve(np.eye(len(passing)) - T[np.ix_(passing, passing)].T, process.eta[passing])
    except np.linalg.LinAlgError:
        return None
    found: list[tuple[float, Process]] = []
    for members in closed:
        entered: list[Scalar] = [process.start[i] for i in members]
        if passing:
            entered = [float(value) for value in process.eta[members] + visits @ T[np.ix_(passing, members)]]
        block = _block(process, members, entered)
        share: Scalar = sum((a * b for a, b in zip(block.start, block.right or (), strict=True)), Fraction(0))
        if -TOLERANCE < share < TOLERANCE:
            continue
        of_block = _of_block(replace(block, start=tuple(value / share for value in entered)))
        if of_block is None:
            return None
        found += [(float(share) * own, component) for own, component in of_block]
    total = sum(share for share, _ in found)
    if not found or abs(total - 1) > TOLERANCE or min(share for share, _ in found) < 0:
        return None
    return tuple((share / total, component) for share, component in found)


def _block(process: Process, members: Sequence[int], start: Sequence[Scalar]) -> Process:
    """Some dimensions that are never left, with their part of the right eigenvector."""
    place = {i: k for k, i in enumerate(members)}
    right = process.right or (Fraction(1),) * len(process.states)
    return Process(
        name=process.name,
        tokens=process.tokens,
        states=tuple(process.states[i] for i in members),
        operators=tuple(
            {(place[i], place[j]): value for (i, j), value in entries.items() if i in place and value}
            for entries in process.operators
        ),
        start=tuple(start),
        right=tuple(right[i] for i in members),
    )


def _of_block(block: Process) -> list[tuple[float, Process]] | None:
    try:
        left = eigenvectors(block.transitions(), len(block.states)).left
    except EigenvectorError:
        return _told_apart(block)
    except SpectralRadiusError:
        return None
    return [(1.0, _begun(block, left))]


def _begun(block: Process, left: Sequence[Scalar]) -> Process:
    """A block from the start l / (l r): an ordinary HMM where it is one."""
    right = block.right or ()
    scale = sum((a * b for a, b in zip(left, right, strict=True)), Fraction(0))
    start = tuple(value / scale for value in left)
    ordinary = min(start) >= 0 and all(value >= 0 for entries in block.operators for value in entries.values())
    if ordinary and len(set(right)) == 1 and right[0] > 0:
        return replace(block, start=tuple(value * right[0] for value in start), right=None)
    return replace(block, start=start)


def _told_apart(block: Process) -> list[tuple[float, Process]] | None:
    """The components of one block from where long words lead; None where some words have not told theirs, or the components found
    do not make up the whole."""
    import numpy as np

    from hmmdsl.process.dynamics.cloud import advance

    left, right = _fixed(block.T.sum(axis=0))
    if left is None or right is None:
        return None
    rng = np.random.default_rng(0)
    belief = np.repeat(block.eta[None, :] / (block.eta @ block.r), OBSERVERS, axis=0)
    before = belief @ right
    for _ in range(LONGEST_READ // READ):
        for _ in range(READ):
            belief, _ = advance(block, belief, rng.random(OBSERVERS))
        # Rounding adds up where nothing is forgotten.
        belief /= (belief @ block.r)[:, None]
        now = belief @ right
        change, before = float(np.abs(now - before).max()), now
        if change < SETTLED:
            break
    else:
        return None
    means: list[Float64[np.ndarray, " fixed"]] = []
    for row in before:
        if all(float(np.abs(row - mean).max()) > APART for mean in means):
            means.append(row)
    shares, *_ = np.linalg.lstsq(np.array(means).T, block.eta @ right, rcond=None)
    missed = np.abs(shares @ np.array(means) - block.eta @ right).max()
    if len(means) > right.shape[1] or missed > TOLERANCE or shares.min() < 0:
        return None
    return [(float(share), _reduced(block, mean @ left)) for share, mean in zip(shares, means, strict=True) if share]


def _reduced(block: Process, start: Float64[np.ndarray, " state"]) -> Process:
    """What the start leads to and what bears on the future, in coordinates of their own: of one component 1 is then a simple
    eigenvalue. An ordinary HMM where the coordinates are those of one state."""
    import numpy as np

    T, r = block.T, block.r
    pasts = orthonormal(start, T)
    T, r, start = pasts @ T @ pasts.T, pasts @ r, start @ pasts.T
    futures = orthonormal(r, T.transpose(0, 2, 1))
    T, r, start = futures @ T @ futures.T, futures @ r, start @ futures.T
    operators = tuple({(int(i), int(j)): float(of_token[i, j]) for i, j in np.argwhere(of_token)} for of_token in T)
    names = tuple(f"d[{k}]" for k in range(len(start)))
    moved = Process(block.name, block.tokens, names, operators, (), right=tuple(map(float, r)))
    return _begun(moved, tuple(map(float, start)))


def _fixed(
    T: Float64[np.ndarray, "state state"],
) -> tuple[Float64[np.ndarray, "fixed state"] | None, Float64[np.ndarray, "state fixed"] | None]:
    """Bases of the fixed vectors of both sides, rows and columns, whose products are the identity."""
    import numpy as np

    columns, size, rows = np.linalg.svd(T - np.eye(len(T)))
    none = size < TOLERANCE * max(1.0, float(size[0]))
    left, right = columns[:, none].T, rows[none].T
    together = left @ right
    if not none.any() or np.linalg.cond(together) > 1 / TOLERANCE:
        return None, None
    return left, right @ np.linalg.inv(together)
