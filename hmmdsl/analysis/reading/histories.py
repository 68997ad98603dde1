"""The histories that an analysis reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hmmdsl.schema.base import AUTO_HISTORY_LIMIT, AutoHistories, Exact, Histories
from hmmdsl.training.streams import stream

if TYPE_CHECKING:
    from hmmdsl.analysis.outcome import Inputs
    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.process.process import Process
    from hmmdsl.training.trained import Trained


class ReadsHistories(Protocol):
    """An analysis of one training run, on histories of its process or of another one."""

    @property
    def of(self) -> str: ...

    @property
    def on(self) -> str | None: ...

    @property
    def histories(self) -> Histories: ...


def histories_of(analysis: ReadsHistories, inputs: Inputs) -> tuple[Trained, Process, HistoryTree]:
    """The training run that an analysis reads, the process of its histories, and their tree."""
    trained = inputs.trained[analysis.of]
    other = inputs.processes[analysis.on] if analysis.on is not None else None
    return trained, other or trained.process, histories_read(trained, other, analysis.histories)


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
