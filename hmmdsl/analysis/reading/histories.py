"""The histories that an analysis reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hmmdsl.spec.base import AUTO_HISTORY_LIMIT, AutoHistories, Exact, Histories
from hmmdsl.training.streams import stream

if TYPE_CHECKING:
    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.process.process import Process
    from hmmdsl.training.trained import Trained


def histories_read(trained: Trained, process: Process | None, histories: Histories) -> HistoryTree:
    """The tree of `process` (None: the process trained on) that an analysis asks for.

    Where it asks for what the training run was evaluated on, it is the run's own tree. Analyses that ask for the same drawn words
    read the same ones.
    """
    if process is None and (histories == trained.train.histories or _is_the_same(histories, trained.tree)):
        return trained.tree
    return trained.histories(process or trained.process, histories, stream(trained.train.seed, "histories read"))


def _is_the_same(histories: Histories, tree: HistoryTree) -> bool:
    if tree.source != "exact":
        return False
    return isinstance(histories, Exact) or (isinstance(histories, AutoHistories) and len(tree) <= AUTO_HISTORY_LIMIT)


def in_words(tree: HistoryTree) -> str:
    """How many histories there are, and whether they are all: `exact, 1,046 histories`."""
    if tree.source == "exact":
        return f"exact, {len(tree):,} histories"
    return f"sampled, {tree.words:,} words, {len(tree):,} histories"
