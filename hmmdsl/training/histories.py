"""The histories that a training run or an analysis reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.counting import count_histories
from hmmdsl.process.history_tree import HistoryTree, build_history_tree, sample_history_tree
from hmmdsl.process.process import Process
from hmmdsl.schema.base import AUTO_HISTORY_LIMIT, Exact, Histories, SampledHistories
from hmmdsl.training.streams import stream

if TYPE_CHECKING:
    from jaxtyping import Bool


def histories_of(process: Process, context: int, bos: bool, histories: Histories, seed: int) -> HistoryTree:
    """The history tree that `histories` asks for. `auto` enumerates up to 200,000 nodes, else it draws words.

    `seed` is the training run's; words are drawn from a stream of their own.
    """
    if isinstance(histories, Exact):
        return build_history_tree(process, context, bos)
    if not isinstance(histories, SampledHistories):
        if count_histories(process, context, bos).total <= AUTO_HISTORY_LIMIT:
            return build_history_tree(process, context, bos)
        histories = SampledHistories()
    return sample_history_tree(process, context, histories.words, stream(seed, "histories"), bos)


def withheld(tree: HistoryTree, share: float, seed: int) -> Bool[np.ndarray, " history"]:
    """Which histories `exact { withhold = … }` keeps out of training.

    Subtrees are rooted at the histories of half the context (rounded up). They are taken in random order while their
    probabilities sum to at most `share`, and the last only if that comes closer to it; so no shorter history is ever withheld.
    """
    chosen = np.zeros(len(tree), dtype=bool)
    if share == 0 or tree.positions == 1:
        return chosen
    root = (tree.context + 1) // 2 - (0 if tree.bos else 1)
    start, end = tree.levels[root : root + 2]
    order = np.random.default_rng(stream(seed, "withhold")).permutation(end - start)
    taken = np.cumsum(tree.probability[start:end][order])
    count = int(np.argmin(np.abs(np.concatenate([[0.0], taken]) - share)))
    chosen[start + order[: min(count, end - start - 1)]] = True
    for k in range(root + 1, tree.positions):
        first, last = tree.levels[k : k + 2]
        chosen[first:last] = chosen[tree.parent[first:last]]
    return chosen
