"""The stationary distribution of a large chain in float64, in bounded time.

State after state is taken out, and its visits are put on the ways between the others: what is left is the chain censored to the
remaining states, whose weights keep their ratios (Grassmann, Taksar & Heyman 1985: no subtraction, so each weight has a small
relative error, and periodic chains are no special case). States with few neighbours go first, as sparse rows; then those that are
left as one dense matrix. If these are too many, the chain mixes fast, since sparse chains that fill up are expanders: then the
distribution is iterated on the whole chain, made lazy so that no period is in the way, until it has settled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hmmdsl.process.null_vector import FewestFirst

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64

LARGEST_SPARSE_WORK = 600_000
"""Most products of the sparse reduction (about a second)."""

DENSE_FROM = 0.25
"""Rows and columns that are so full, in shares of the states left, are reduced as a dense matrix."""

LARGEST_DENSE = 1_500
"""Most states that are reduced as a dense matrix (about two seconds)."""

MOST_ITERATIONS = 20_000
"""Steps of the lazy chain, at most."""

MOST_PRODUCTS = 1_000_000_000
"""And so many products in all of them (some seconds)."""

SETTLED = 1e-14
"""The distribution has settled when what is left to come, summed over all states, is below this."""


class UnsolvedError(ValueError):
    """The stationary distribution was not found: out of float64's range, or of the budget."""


def stationary_weights(rows: list[dict[int, float]]) -> list[float]:
    """The stationary distribution of an irreducible chain, `rows[i][j] = Pr(j | i)`. Raises UnsolvedError if it has too many
    states that lead to one another and mixes too slowly for the budget."""
    n = len(rows)
    into: list[dict[int, float]] = [{} for _ in range(n)]
    out = [dict(row) for row in rows]
    for i, row in enumerate(out):
        row.pop(i, None)
        for j, value in row.items():
            into[j][i] = value
    removed = _reduce(into, out)
    taken = {k for k, _ in removed}
    left = [i for i in range(n) if i not in taken]
    weights = [0.0] * n
    if len(left) > LARGEST_DENSE:
        return _settled(rows)
    core = _reduced_dense([out[i] for i in left], left) if len(left) > 1 else [1.0]
    for i, weight in zip(left, core, strict=True):
        weights[i] = weight
    for k, arriving in reversed(removed):
        weights[k] = sum(weights[i] * share for i, share in arriving)
    total = sum(weights)
    return [weight / total for weight in weights]


def _reduce(into: list[dict[int, float]], out: list[dict[int, float]]) -> list[tuple[int, list[tuple[int, float]]]]:
    """Take states out, fewest neighbours first, until one is left, or those left are densely connected, or the work is too much.
    Each with the states that led to it and the visits they made."""
    n = len(out)

    def ways(k: int) -> int:
        return len(into[k]) * len(out[k])

    order = FewestFirst(n, ways)
    removed: list[tuple[int, list[tuple[int, float]]]] = []
    work = 0
    while n - len(removed) > 1:
        k = order.next()
        full = DENSE_FROM * (n - len(removed))
        work += ways(k)
        if work > LARGEST_SPARSE_WORK or (ways(k) > full * full and n - len(removed) > 20):
            break
        leaving = sum(out[k].values())
        removed.append((k, [(i, value / leaving) for i, value in into[k].items()]))
        for i, value in into[k].items():
            share = value / leaving
            del out[i][k]
            for j, onward in out[k].items():
                if i != j:
                    out[i][j] = into[j][i] = out[i].get(j, 0.0) + share * onward
        for j in out[k]:
            into[j].pop(k, None)
        order.touched({*into[k], *out[k]})
    return removed


def _reduced_dense(rows: list[dict[int, float]], states: list[int]) -> list[float]:
    """The weights of these states, up to a common factor, by the same reduction on a matrix."""
    import numpy as np

    place = {state: k for k, state in enumerate(states)}
    P = np.zeros((len(states), len(states)))
    for i, row in enumerate(rows):
        P[i, [place[j] for j in row]] = list(row.values())
    for k in range(len(states) - 1, 0, -1):
        P[:k, k] /= P[k, :k].sum()
        P[:k, :k] += np.outer(P[:k, k], P[k, :k])
    weights = np.zeros(len(states))
    weights[0] = 1.0
    for k in range(1, len(states)):
        weights[k] = weights[:k] @ P[:k, k]
    return [float(weight) for weight in weights / weights.sum()]


def _settled(rows: list[dict[int, float]]) -> list[float]:
    """The distribution that the lazy chain, (1 + T) / 2, settles to from the uniform one."""
    import numpy as np
    from scipy.sparse import csr_matrix

    ends = np.array([(i, j) for i, row in enumerate(rows) for j in row])
    values = np.array([value for row in rows for value in row.values()])
    T = csr_matrix((values, (ends[:, 1], ends[:, 0])), shape=(len(rows), len(rows)))
    weights: Float64[np.ndarray, " state"] = np.full(len(rows), 1 / len(rows))
    before = 0.0
    for _ in range(min(MOST_ITERATIONS, MOST_PRODUCTS // len(values))):
        following = (weights + T @ weights) / 2
        following /= following.sum()
        change = float(np.abs(following - weights).sum())
        weights = following
        # Changes fall by a factor each step in the end; the rest of the geometric series is what is still to come.
        factor = change / before if before else 1.0
        if change < SETTLED or (factor < 1 and change * factor / (1 - factor) < SETTLED):
            return [float(weight) for weight in weights]
        before = change
    raise UnsolvedError(f"the stationary distribution of {len(rows):,} states was not found within the budget")
