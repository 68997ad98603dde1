"""The computation behind `loss`: expected cross-entropies over the history tree, against optimal ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.analysis.fitting.sampling_error import mean_error
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.reading.histories import histories_of, in_words
from hmmdsl.analysis.reading.losses import by_position, divergences
from hmmdsl.process.history_tree import optimal_losses
from hmmdsl.process.notation import number_text

if TYPE_CHECKING:
    from hmmdsl.analysis.loss.record import Loss

_IN_WORDS = {
    "future": "the next k tokens jointly; here its predictions of the next token, the marginal",
    "adversarial": "adversarial; next-token losses play no part in its training",
}
"""What a loss is about where the network was trained on something else than the next token."""


def compute(analysis: Loss, inputs: Inputs, step: int | None = None) -> Outcome:
    """Loss, optimum and gap, whole and by position, in nats, of the last network or of the one at checkpoint `step`."""
    trained, _process, tree = histories_of(analysis, inputs)
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
