"""The history tree: every word up to the context that can occur, with what an optimal observer knows after it.

One structure that activations, losses, regressions, distances and figures all read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from hmmdsl.process.process import Process
from hmmdsl.process.sampling import sample_words

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64


@dataclass(frozen=True)
class HistoryTree:
    """Nodes in breadth-first order: all histories of one length stand together, and children stand in the order of their
    parents, then of their tokens.

    With `bos` the empty history is node 0, with token V (one past the vocabulary); without, the histories of length 1 have no
    parent (-1).

    token        last token's index in the vocabulary
    parent       index of the history without its last token, -1 if that is no node
    length       number of tokens (the empty history: 0)
    belief       Pr(state | history), the mixed state `eta T_w / (eta T_w r)`, r = 1 but for a ghmm (Shai et al. 2024, Eq. 2)
    next_token   Pr(next token | history)
    probability  Pr(word); the histories of one length sum to 1. From samples: the share of the drawn words
    levels       nodes of the l-th length are `levels[l] : levels[l + 1]`
    vocabulary   number of tokens, V
    words        drawn words, None where the tree is exact
    """

    token: Int64[np.ndarray, " history"]
    parent: Int64[np.ndarray, " history"]
    length: Int64[np.ndarray, " history"]
    belief: Float64[np.ndarray, "history state"]
    next_token: Float64[np.ndarray, "history token"]
    probability: Float64[np.ndarray, " history"]
    levels: tuple[int, ...]
    vocabulary: int
    context: int
    bos: bool
    source: Literal["exact", "sampled"]
    words: int | None = None

    def __len__(self) -> int:
        return int(self.token.shape[0])

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        arrays = (self.token, self.parent, self.length, self.belief, self.next_token, self.probability)
        return sum(array.nbytes for array in arrays)

    @property
    def positions(self) -> int:
        """Number of different lengths, which is the number of positions that a network predicts at."""
        return len(self.levels) - 1


SMALLEST_PROBABILITY = 1e-12
"""Words below this are dropped where the process is not exact: a float's rounding error is not a word."""


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

    Count first (`count_histories`): memory is about 8 (states + tokens + 4) bytes a node.
    """
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
    return _joined(process, levels, context, bos, "sampled", words)


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
        belief=np.concatenate([level.belief for level in kept]),
        next_token=np.concatenate([level.next_token for level in kept]),
        probability=np.concatenate([level.probability for level in kept]),
        levels=tuple(int(end) for end in ends),
        vocabulary=len(process.tokens),
        context=context,
        bos=bos,
        source=source,
        words=words,
    )
    for array in (tree.token, tree.parent, tree.length, tree.belief, tree.next_token, tree.probability):
        array.setflags(write=False)
    return tree


# ---------------------------------------------------------------- what is read off a tree


def history_weights(
    tree: HistoryTree, weights: Literal["probability", "uniform", "words"] = "probability"
) -> Float64[np.ndarray, " history"]:
    """How much each history counts; sums to 1.

    'probability': every position counts the same, and within a position a history counts by its probability. 'uniform': each
    history once. 'words': once for each word of full length in the tree that extends it (the rows of Shai et al. 2024, Fig. 7).
    """
    if weights == "uniform":
        return np.full(len(tree), 1 / len(tree))
    if weights == "words":
        extensions = words_below(tree)
        return extensions / float(extensions.sum())
    if weights != "probability":
        raise ValueError(f"no weights {weights!r}; there are probability, uniform, words")
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
    entropy = np.zeros(len(tree))
    for x in range(tree.vocabulary):
        p = tree.next_token[:, x]
        entropy -= p * np.log(np.where(p > 0, p, 1.0))
    losses = np.empty(tree.positions)
    for k, (start, end) in enumerate(zip(tree.levels, tree.levels[1:], strict=False)):
        share = tree.probability[start:end]
        losses[k] = entropy[start:end] @ share / share.sum()
    return losses


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
