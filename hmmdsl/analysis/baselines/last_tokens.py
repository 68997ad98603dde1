"""Observers of the last k tokens: what they know exactly, and their tokens as features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.analysis.reading.losses import divergences

if TYPE_CHECKING:
    from jaxtyping import Float32, Float64, Int64

    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.process.process import Process


def last_tokens(tree: HistoryTree, k: int) -> Int64[np.ndarray, "history k"]:
    """The last k tokens of each history, the last one last; -1 where it has fewer, and for bos."""
    found = np.full((len(tree), k), -1, dtype=np.int64)
    node = np.arange(len(tree))
    for back in range(min(k, tree.context)):
        known = (node >= 0) & (tree.length[node] > 0)
        found[known, k - 1 - back] = tree.token[node[known]]
        node = np.where(known, tree.parent[node], -1)
    return found


def one_hot(tree: HistoryTree, k: int) -> Float32[np.ndarray, "history k_token"]:
    """The last k tokens as features: a 1 in the column of each token at each place, zeros where there is none."""
    tokens = last_tokens(tree, k)
    columns = np.zeros((len(tree), k, tree.vocabulary), dtype=np.float32)
    history, place = np.nonzero(tokens >= 0)
    columns[history, place, tokens[history, place]] = 1.0
    return columns.reshape(len(tree), -1)


def markov_beliefs(process: Process, tree: HistoryTree, k: int) -> Float64[np.ndarray, "history state"]:
    """Pr(state | position, last k tokens): what is known after l tokens of which only the last k were seen.

    The state before those k has the distribution eta T^(l-k), so the belief is eta T^(l-k) T[x1] … T[xk], normalized; for
    l <= k it is the belief itself. From a stationary start it depends on the last k tokens only, and its next-token
    distribution is that of the order-k Markov approximation.
    """
    tokens = last_tokens(tree, k)
    T = process.T.sum(axis=0)
    belief = np.array(tree.belief)
    before = process.eta
    for length in range(k + 1, tree.context + 1):
        before = before @ T
        nodes = np.flatnonzero(tree.length == length)
        known = np.repeat(before[None], len(nodes), axis=0)
        for place in range(k):
            for x in range(tree.vocabulary):
                of_x = np.flatnonzero(tokens[nodes, place] == x)
                known[of_x] = known[of_x] @ process.T[x]
            known /= (known @ process.r)[:, None]
        belief[nodes] = known / (known @ process.r)[:, None]
    return belief


def markov_divergences(
    process: Process, tree: HistoryTree, belief: Float64[np.ndarray, "history state"]
) -> Float64[np.ndarray, " history"]:
    """The KL divergence of the next-token distribution of `belief` from the true one after each history, in nats. Where a token
    can follow a history it can follow the belief of any shorter memory, so it is finite."""
    predicted = belief @ process.emission
    return divergences(tree, np.log(np.where(tree.next_token > 0, predicted, 1.0)))
