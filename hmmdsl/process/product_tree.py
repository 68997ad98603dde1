"""The history tree of a product, from the trees of its factors.

A history of independent factors is a tuple of their own histories of one length. So its beliefs and predictions are found in the
factors' trees, which are small, and only the numbers of the factors' histories are kept for each tuple.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Literal

import numpy as np

from hmmdsl.process.histories import SMALLEST_PROBABILITY, FactorHistories, HistoryTree
from hmmdsl.process.process import Process, strides

if TYPE_CHECKING:
    from jaxtyping import Float64, Int32, Int64


def tree_of_all(process: Process, own: list[HistoryTree], bos: bool) -> HistoryTree:
    """The exact tree from its factors' own, which have bos.

    Every tuple of factors' histories of one length is a history. The children of one are all tuples of its factors' children, and
    the joint token is their tokens' tuple, the rightmost running fastest.
    """
    sizes = [len(factor.tokens) for factor in process.factors]
    first = [np.searchsorted(tree.parent, np.arange(len(tree) + 1)) for tree in own]
    whole = np.zeros((len(own), 1), dtype=np.int32)
    nodes, tokens, parents = [whole], [np.full(1, prod(sizes), dtype=np.int64)], [np.full(1, -1, dtype=np.int64)]
    probabilities = [np.ones(1)]
    for _ in range(own[0].context):
        above, length = nodes[-1], nodes[-1].shape[1]
        parent, token = np.arange(length), np.zeros(length, dtype=np.int64)
        level: list[Int32[np.ndarray, " node"]] = []
        for k, tree in enumerate(own):
            start = first[k][above[k]]
            ways = (first[k][above[k] + 1] - start)[parent]
            spread = np.repeat(np.arange(len(parent)), ways)
            child = (start[parent] - np.cumsum(ways) + ways)[spread] + np.arange(len(spread))
            parent, token = parent[spread], token[spread] * sizes[k] + tree.token[child]
            level = [each[spread] for each in level] + [child.astype(np.int32)]
        whole = np.stack(level)
        probability = np.prod([tree.probability[node] for tree, node in zip(own, whole, strict=True)], axis=0)
        if not process.exact or process.generalized:
            keep = np.flatnonzero(probability >= SMALLEST_PROBABILITY)
            whole, token, parent, probability = whole[:, keep], token[keep], parent[keep], probability[keep]
        nodes.append(whole)
        tokens.append(token)
        parents.append(parent)
        probabilities.append(probability)
    return _together(process, own, nodes, tokens, parents, probabilities, bos, "exact", None)


def tree_of_words(process: Process, own: list[HistoryTree], drawn: Int64[np.ndarray, "words context"], bos: bool) -> HistoryTree:
    """The tree of drawn words from its factors' own, which have bos: each of a factor's histories is one of its own tokens."""
    words, context = drawn.shape
    sizes = [len(factor.tokens) for factor in process.factors]
    node, here = np.zeros(words, dtype=np.int64), np.zeros((len(own), words), dtype=np.int64)
    nodes, tokens, parents = [here[:, :1].astype(np.int32)], [np.full(1, prod(sizes))], [np.full(1, -1, dtype=np.int64)]
    shares = [np.ones(1)]
    for position in range(context):
        joint = node * prod(sizes) + drawn[:, position]
        codes, first, node, counts = np.unique(joint, return_index=True, return_inverse=True, return_counts=True)
        for k, (tree, stride, size) in enumerate(zip(own, strides(sizes), sizes, strict=True)):
            known = tree.parent * size + tree.token
            begin, end = tree.levels[position + 1 : position + 3]
            here[k] = begin + np.searchsorted(known[begin:end], here[k] * size + drawn[:, position] // stride % size)
        parent, token = np.divmod(codes, prod(sizes))
        nodes.append(here[:, first].astype(np.int32))
        tokens.append(token)
        parents.append(parent)
        shares.append(counts / words)
    return _together(process, own, nodes, tokens, parents, shares, bos, "sampled", words)


def _together(
    process: Process,
    own: list[HistoryTree],
    nodes: list[Int32[np.ndarray, "factor node"]],
    tokens: list[Int64[np.ndarray, " node"]],
    parents: list[Int64[np.ndarray, " node"]],
    probabilities: list[Float64[np.ndarray, " node"]],
    bos: bool,
    source: Literal["exact", "sampled"],
    words: int | None,
) -> HistoryTree:
    """The tree of a product from its levels, the empty history first; `own` are the factors' trees, with bos."""
    skipped = 0 if bos else 1
    ends = np.cumsum([0, *(len(token) for token in tokens[skipped:])])
    shifts = [0, *ends] if bos else [0, 0, *ends]
    everyone = np.concatenate(nodes[skipped:], axis=1)
    kept = [parent + shift for parent, shift in zip(parents, shifts, strict=False)][skipped:]
    kept[0] = np.full(len(kept[0]), -1, dtype=np.int64)
    return HistoryTree(
        token=np.concatenate(tokens[skipped:]),
        parent=np.concatenate(kept),
        length=np.repeat(np.arange(skipped, len(tokens)), np.diff(ends)),
        probability=np.concatenate(probabilities[skipped:]),
        levels=tuple(int(end) for end in ends),
        vocabulary=len(process.tokens),
        context=len(tokens) - 1,
        bos=bos,
        source=source,
        factors=tuple(
            FactorHistories(tree.belief, tree.next_token, np.ascontiguousarray(node))
            for tree, node in zip(own, everyone, strict=True)
        ),
        words=words,
    ).frozen()
