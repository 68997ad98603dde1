"""The computation behind `loss`: expected cross-entropies over the history tree, against optimal ones."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.probe.histories import histories_read, in_words
from hmmdsl.analysis.probe.sampling_error import mean_error
from hmmdsl.process.history_tree import optimal_losses
from hmmdsl.spec.notation import number_text

if TYPE_CHECKING:
    from jaxtyping import Float, Float64

    from hmmdsl.analysis.loss import Loss
    from hmmdsl.process.history_tree import HistoryTree


ROWS = 16_384
"""Histories whose distributions are compared at a time: a product's are made for so many."""


_IN_WORDS = {
    "future": "the next k tokens jointly; here its predictions of the next token, the marginal",
    "adversarial": "adversarial; next-token losses play no part in its training",
}
"""What a loss is about where the network was trained on something else than the next token."""


def losses(analysis: Loss, inputs: Inputs, step: int | None = None) -> Outcome:
    """Loss, optimum and gap, whole and by position, in nats, of the last network or of the one at checkpoint `step`."""
    trained = inputs.trained[analysis.of]
    process = inputs.processes[analysis.on] if analysis.on is not None else None
    tree = histories_read(trained, process, analysis.histories)
    log_probabilities = trained.log_probabilities(step, tree)
    optimum = optimal_losses(tree)
    divergence = divergences(tree, log_probabilities)
    gap = by_position(tree, divergence)
    results: dict[str, Any] = _results(float(optimum.mean()), float(gap.mean()))
    results["position"] = [_results(float(least), float(more)) for least, more in zip(optimum, gap, strict=True)]
    arrays = {"optimum": optimum, "gap": gap, "length": tree.length[np.array(tree.levels[:-1])]}
    facts = {"histories": in_words(tree)}
    if trained.train.objective.kind != "next_token":
        facts["objective"] = _IN_WORDS[trained.train.objective.kind]
    if tree.source == "sampled":
        facts["standard error of the gap"] = f"{number_text(mean_error(tree, divergence), 2)} nats"
    return Outcome(results, arrays, facts)


def _results(optimum: float, gap: float) -> dict[str, float]:
    return {"loss": optimum + gap, "optimum": optimum, "gap": gap}


def divergences(tree: HistoryTree, log_probabilities: Float[np.ndarray, "history token"]) -> Float64[np.ndarray, " history"]:
    """For each history the KL divergence of the prediction from the true next-token distribution, in nats.

    Terms are `p log(p / q)` as such, so that a gap of 1e-9 is no difference of two losses near 1.
    """
    found = np.empty(len(tree))
    for start in range(0, len(tree), ROWS):
        rows = slice(start, start + ROWS)
        p = tree.next_token_of(rows)
        occurs = p > 0
        terms = np.where(occurs, p * (np.log(np.where(occurs, p, 1.0)) - log_probabilities[rows]), 0.0)
        found[rows] = terms.sum(axis=1)
    return found


def by_position(tree: HistoryTree, values: Float64[np.ndarray, " history"]) -> Float64[np.ndarray, " position"]:
    """The expectation at each position."""
    weighted = values * tree.probability
    return np.array([weighted[a:b].sum() / tree.probability[a:b].sum() for a, b in pairwise(tree.levels)])
