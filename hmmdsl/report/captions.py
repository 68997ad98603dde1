"""Captions: what a figure shows, over which histories, with which weights, in which units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hmmdsl.report.wording import count_text

if TYPE_CHECKING:
    from hmmdsl.analysis.kind import Kind
    from hmmdsl.analysis.outcome import Outcome
    from hmmdsl.process.history_tree import HistoryTree
    from hmmdsl.training.trained import Trained


def histories_text(tree: HistoryTree) -> str:
    """Which histories a tree holds."""
    first = "the empty one" if tree.bos else "length 1"
    if tree.source == "exact":
        return f"all {count_text(len(tree), 'history')} from {first} to length {tree.context} (exact)"
    return f"{count_text(len(tree), 'history')} of {count_text(tree.words or 0, 'drawn word')} of length {tree.context} (sampled)"


def training_caption(trained: Trained) -> str:
    """The caption of a learning curve."""
    data = "exact expectation" if trained.train.data.kind == "exact" else f"batches of {trained.train.data.batch:,} drawn words"
    scatter = "" if trained.train.data.kind == "exact" else " Batches differ, so their losses scatter about the expected one."
    return (
        f"Training loss of {trained.name} by optimizer step (left; {data}), the optimum as a dashed line, and their difference "
        f"on logarithmic axes (right), in nats per token. Optimum and last point: {histories_text(trained.tree)}, every "
        "position the same weight, histories by probability."
        f"{scatter}"
    )


def analysis_caption(analysis: Kind, figure: str, outcome: Outcome) -> str:
    """The analysis' own caption, else its name and the facts of its computation."""
    own = analysis.caption(figure, outcome)
    if own:
        return own
    plain = {name.replace("_", " "): value for name, value in outcome.facts.items() if isinstance(value, (str, int, float))}
    facts = "; ".join(f"{name}: {value}" for name, value in plain.items())
    return f"{figure.replace('_', ' ').capitalize()} ({analysis.word}). {facts}".strip() + ("." if facts else "")
