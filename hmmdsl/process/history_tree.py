"""The history tree, built: every word up to the context that can occur, or those of drawn words; and what is read off it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from hmmdsl.process.distinct import distinct
from hmmdsl.process.histories import SMALLEST_PROBABILITY, FactorHistories, Rows
from hmmdsl.process.histories import HistoryTree as HistoryTree
from hmmdsl.process.process import Process, each_once, strides
from hmmdsl.process.product_tree import tree_of_all, tree_of_words
from hmmdsl.process.sampling import sample_words

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64


@dataclass(frozen=True)
class _Level:
    """The nodes of one length; `parent` counts within the level above."""

    token: Int64[np.ndarray, " node"]
    parent: Int64[np.ndarray, " node"]
    belief: Float64[np.ndarray, "node state"]
    next_token: Float64[np.ndarray, "node token"]
    probability: Float64[np.ndarray, " node"]


def build_history_tree(process: Process, context: int, bos: bool = False) -> HistoryTree:
    """All histories of length 1..context (0.. with `bos`) that can occur, level by level.

    The belief after a word is `eta T_w / (eta T_w 1)` (Shai et al. 2024, Eq. 2). Entries are non-negative, so a sum is zero
    only if each term is: the support is exact. If the process is not exact, or generalized, words less probable than 1e-12 are
    dropped.

    Of a product only the factors' trees are built, which are small, and each history is its tuple of factors' histories.

    Count first (`count_histories`): memory is about 8 (states + tokens + 4) bytes a node, for a product 4 (factors + 8).
    """
    if process.factored:
        return tree_of_all(process, each_once(process.factors, lambda factor: build_history_tree(factor, context, True)), bos)
    V, S = len(process.tokens), len(process.states)
    step = process.T.transpose(1, 0, 2).reshape(S, V * S)
    levels = [_root(process)]
    for _ in range(context):
        above = levels[-1]
        nodes = len(above.token)
        joint = (above.belief @ step).reshape(nodes * V, S)
        mass = above.next_token.reshape(nodes * V)
        probability = (above.probability[:, None] * above.next_token).reshape(nodes * V)
        keep = np.flatnonzero(mass > 0 if process.exact and not process.generalized else probability >= SMALLEST_PROBABILITY)
        parent, token = np.repeat(np.arange(nodes), V), np.tile(np.arange(V), nodes)
        if len(keep) < len(mass):
            joint, mass, probability, parent, token = (array[keep] for array in (joint, mass, probability, parent, token))
        joint /= mass[:, None]
        levels.append(_Level(token, parent, joint, _predicted(process, joint), probability))
    return _joined(process, levels, context, bos, "exact", None)


def sample_history_tree(
    process: Process, context: int, words: int, seed: int | np.random.Generator, bos: bool = False
) -> HistoryTree:
    """The histories of `words` drawn words, in the same structure: beliefs and predictions are the true ones, `probability` is
    the share of the drawn words that begin so. The same seed gives the same tree."""
    drawn = sample_words(process, words, context, seed)
    if process.factored:
        sizes = [len(factor.tokens) for factor in process.factors]
        own = [
            _joined(factor, _levels_of_words(factor, drawn // stride % size), context, True, "sampled", words)
            for factor, stride, size in zip(process.factors, strides(sizes), sizes, strict=True)
        ]
        return tree_of_words(process, own, drawn, bos)
    levels = _levels_of_words(process, drawn)
    return _joined(process, levels, context, bos, "sampled", words)


def _levels_of_words(process: Process, drawn: Int64[np.ndarray, "words context"]) -> list[_Level]:
    """The histories of drawn words, by length, the empty one first."""
    words, context = drawn.shape
    V = len(process.tokens)
    levels = [_root(process)]
    node = np.zeros(words, dtype=np.int64)
    for position in range(context):
        above = levels[-1]
        codes, node, counts = np.unique(node * V + drawn[:, position], return_inverse=True, return_counts=True)
        parent, token = np.divmod(codes, V)
        belief = np.empty((len(codes), above.belief.shape[1]))
        for x in range(V):
            of_x = np.flatnonzero(token == x)
            belief[of_x] = above.belief[parent[of_x]] @ process.T[x]
        belief /= belief.sum(axis=1, keepdims=True) if process.right is None else (belief @ process.r)[:, None]
        levels.append(_Level(token, parent, belief, _predicted(process, belief), counts / words))
    return levels


def _root(process: Process) -> _Level:
    """The empty history."""
    belief = process.eta[None, :] / (process.eta.sum() if process.right is None else process.eta @ process.r)
    token = np.full(1, len(process.tokens), dtype=np.int64)
    return _Level(token, np.full(1, -1, dtype=np.int64), belief, _predicted(process, belief), np.ones(1))


def _predicted(process: Process, belief: Float64[np.ndarray, "node state"]) -> Float64[np.ndarray, "node token"]:
    """Pr(next token | belief). A generalized HMM's negative entries cancel, so what is below 1e-12 is rounding of zero."""
    predicted = belief @ process.emission
    if process.generalized:
        predicted[predicted < SMALLEST_PROBABILITY] = 0.0
    return np.asarray(predicted)


def _joined(
    process: Process, levels: list[_Level], context: int, bos: bool, source: Literal["exact", "sampled"], words: int | None
) -> HistoryTree:
    """One tree of all levels; without `bos` the empty history is left out."""
    kept = levels if bos else levels[1:]
    ends = np.cumsum([0, *(len(level.token) for level in kept)])
    parents = [level.parent + start for level, start in zip(kept[1:], ends, strict=False)]
    tree = HistoryTree(
        token=np.concatenate([level.token for level in kept]),
        parent=np.concatenate([np.full(int(ends[1]), -1, dtype=np.int64), *parents]),
        length=np.repeat(np.arange(0 if bos else 1, context + 1), np.diff(ends)),
        probability=np.concatenate([level.probability for level in kept]),
        levels=tuple(int(end) for end in ends),
        vocabulary=len(process.tokens),
        context=context,
        bos=bos,
        source=source,
        factors=(
            FactorHistories(
                np.concatenate([level.belief for level in kept]), np.concatenate([level.next_token for level in kept])
            ),
        ),
        words=words,
    )
    return tree.frozen()


# ---------------------------------------------------------------- what is read off a tree


def history_weights(
    tree: HistoryTree, weights: Literal["probability", "uniform", "words", "beliefs"] = "probability", rows: Rows = slice(None)
) -> Float64[np.ndarray, " history"]:
    """How much each of the histories `rows` counts; sums to 1 over them.

    'probability': every position counts the same, and within a position a history counts by its probability. 'uniform': each
    history once. 'words': once for each word of full length in the tree that extends it (the rows of Shai et al. 2024, Fig. 7).
    'beliefs': each distinct belief once, its histories alike.
    """
    if weights == "beliefs":
        label = distinct_beliefs(tree, rows)
        count = np.bincount(label)
        return np.asarray(1.0 / (count[label] * len(count)))
    found = _weights_of_all(tree, weights)
    return found if isinstance(rows, slice) and rows == slice(None) else found[rows] / found[rows].sum()


def distinct_beliefs(tree: HistoryTree, rows: Rows = slice(None)) -> Int64[np.ndarray, " history"]:
    """The number, from 0, of the belief after each of some histories, equal but for rounding; of a product that of its factors'
    beliefs together."""
    label = np.zeros(len(tree.length[rows]), dtype=np.int64)
    for factor in tree.factors:
        own = distinct(factor.belief)
        label = np.asarray(np.unique(label * (own.max() + 1) + factor.of(own)[rows], return_inverse=True)[1])
    return label


def _weights_of_all(tree: HistoryTree, weights: Literal["probability", "uniform", "words"]) -> Float64[np.ndarray, " history"]:
    if weights == "uniform":
        return np.full(len(tree), 1 / len(tree))
    if weights == "words":
        extensions = words_below(tree)
        return extensions / float(extensions.sum())
    if weights != "probability":
        raise ValueError(f"no weights {weights!r}; there are probability, uniform, words, beliefs")
    weight = tree.probability / tree.positions
    for start, end in zip(tree.levels, tree.levels[1:], strict=False):
        weight[start:end] /= tree.probability[start:end].sum()
    return weight


def words_below(tree: HistoryTree) -> Int64[np.ndarray, " history"]:
    """For each history the number of words of full length in the tree that begin with it."""
    count = np.zeros(len(tree), dtype=np.int64)
    count[tree.levels[-2] :] = 1
    for k in range(tree.positions - 1, 0, -1):
        start, end = tree.levels[k : k + 2]
        np.add.at(count, tree.parent[start:end], count[start:end])
    return count


def optimal_losses(tree: HistoryTree) -> Float64[np.ndarray, " position"]:
    """Per position the expected entropy of the next token given the history, in nats: the least loss that any predictor can have.

    Position k reads histories of length k + 1 (k with `bos`), so on an exact tree it is the myopic entropy h_{k+2} (h_{k+1}).
    """
    entropy = next_token_entropies(tree)
    losses = np.empty(tree.positions)
    for k, (start, end) in enumerate(zip(tree.levels, tree.levels[1:], strict=False)):
        share = tree.probability[start:end]
        losses[k] = entropy[start:end] @ share / share.sum()
    return losses


def next_token_entropies(tree: HistoryTree) -> Float64[np.ndarray, " history"]:
    """The entropy of the next token after each history, in nats: of independent factors the sum."""
    total = np.zeros(len(tree))
    for factor in tree.factors:
        entropy = np.zeros(len(factor.next_token))
        for x in range(factor.next_token.shape[1]):
            p = factor.next_token[:, x]
            entropy -= p * np.log(np.where(p > 0, p, 1.0))
        total += factor.of(entropy)
    return total


def ancestors(tree: HistoryTree) -> Int64[np.ndarray, "history position"]:
    """The nodes on the way from the root to each history, itself included: column k is its prefix of the k-th length, -1 where
    the history is shorter."""
    found = np.full((len(tree), tree.positions), -1, dtype=np.int64)
    for k, (start, end) in enumerate(zip(tree.levels, tree.levels[1:], strict=False)):
        if k:
            found[start:end, :k] = found[tree.parent[start:end], :k]
        found[start:end, k] = np.arange(start, end)
    return found


def words_of(tree: HistoryTree) -> Int64[np.ndarray, "history context"]:
    """Each history as its tokens' indices, without bos, padded with -1."""
    path = ancestors(tree)[:, 1 if tree.bos else 0 :]
    return np.where(path >= 0, tree.token[path], -1)


def word_text(tokens: tuple[str, ...], word: Int64[np.ndarray, " context"]) -> str:
    """A history for people: its tokens one after another, with spaces where a token has more than one character."""
    texts = [tokens[int(x)] for x in word if x >= 0]
    return ("" if all(len(token) == 1 for token in tokens) else " ").join(texts)
