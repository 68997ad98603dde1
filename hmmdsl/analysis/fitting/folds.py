"""Folds for cross-validation: what stands in one fold, and how the folds are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.analysis.reading.held_out import FEWEST, By, ByBelief, ByPrefix, prefix_tokens
from hmmdsl.process.history_tree import ancestors, distinct_beliefs
from hmmdsl.training.streams import generator

if TYPE_CHECKING:
    from jaxtyping import Int64

    from hmmdsl.process.history_tree import HistoryTree

Rows = np.ndarray | slice
"""The histories that an analysis reads: all of a tree, or some by number."""


@dataclass(frozen=True)
class Sharing:
    """How many distinct `beliefs` there are, how many of them are `in_fold`, and how many of those are also in its training
    folds (`shared`): means over folds and draws."""

    beliefs: float | None
    in_fold: float | None
    shared: float | None

    def results(self) -> dict[str, float | None]:
        """As results.json has them."""
        return {"distinct": self.beliefs, "in_fold": self.in_fold, "shared": self.shared}


def assign_folds(
    group: Int64[np.ndarray, " history"], length: Int64[np.ndarray, " history"], folds: int, random: np.random.Generator
) -> Int64[np.ndarray, " history"]:
    """A fold from 0 to `folds` - 1 for each history: one for all of a group.

    Groups are dealt out in the order of the length of their shortest history, at random within a length. So each fold has as many
    groups of each length as any other, but for one: the few short histories, which weigh much, never fall into one fold. There
    are never more folds than groups.
    """
    count = int(group.max()) + 1
    shortest = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(shortest, group, length)
    fold = np.empty(count, dtype=np.int64)
    fold[np.lexsort((random.random(count), shortest))] = np.arange(count) % min(folds, count)
    return np.asarray(fold[group])


def draw_folds(
    tree: HistoryTree, rows: Rows, by: By, folds: int, repeats: int, seed: int
) -> tuple[Int64[np.ndarray, " history"], ...]:
    """Several draws of folds over the histories `rows`; none where there are too few groups."""
    group = groups(tree, rows, by)
    if int(group.max(initial=-1)) + 1 < FEWEST:
        return ()
    return tuple(assign_folds(group, tree.length[rows], folds, generator(seed, f"folds {draw}")) for draw in range(repeats))


def groups(tree: HistoryTree, rows: Rows, by: By) -> Int64[np.ndarray, " history"]:
    """The number, from 0, of what each history is held out together with."""
    match by:
        case ByBelief():
            return distinct_beliefs(tree, rows)
        case ByPrefix():
            path = ancestors(tree)[rows, : prefix_tokens(by, tree.context) + tree.bos]
            return np.asarray(np.unique(path.max(axis=1), return_inverse=True)[1])
    return np.arange(len(tree.length[rows]))


def sharing(label: Int64[np.ndarray, " history"], draws: Sequence[Int64[np.ndarray, " history"]]) -> Sharing:
    """Beliefs, told by their numbers, that stand in a fold and in others too."""
    in_fold, shared, counted = 0, 0, 0
    for fold in draws:
        pairs = np.unique(np.stack([label, fold], axis=1), axis=0)
        occurs = np.bincount(pairs[:, 0])
        in_fold += len(pairs)
        shared += int((occurs[pairs[:, 0]] > 1).sum())
        counted += int(fold.max()) + 1
    if not counted:
        return Sharing(None, None, None)
    return Sharing(float(len(np.unique(label))), in_fold / counted, shared / counted)


def sharing_words(found: Sharing) -> str:
    """What folds share, for people: `of 27.4 beliefs in a fold 27.1 are also in its training folds`."""
    return f"of {_count(found.in_fold)} beliefs in a fold {_count(found.shared)} are also in its training folds"


def _count(number: float | None) -> str:
    return "no" if number is None else f"{number:.1f}".removesuffix(".0")


def in_words(by: By, draws: Sequence[Int64[np.ndarray, " history"]], context: int) -> str:
    """How many folds over what, and how often they are drawn: `10 over beliefs, 5 draws`."""
    if not draws:
        return "none, too few histories" if by.kind == "history" else f"none, too few {over(by, context)}"
    drawn = f", {len(draws)} draws" if len(draws) > 1 else ""
    return f"{max(int(fold.max()) for fold in draws) + 1} over {over(by, context)}{drawn}"


def over(by: By, context: int) -> str:
    """What stands in one fold, in words."""
    match by:
        case ByBelief():
            return "beliefs"
        case ByPrefix():
            return f"histories with the same first {prefix_tokens(by, context)} tokens"
    return "histories"
