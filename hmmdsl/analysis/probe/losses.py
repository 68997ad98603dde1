"""The computation behind `loss`: expected cross-entropies over the history tree, against optimal ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.probe.histories import histories_read, in_words
from hmmdsl.process.history_tree import optimal_losses

if TYPE_CHECKING:
    from jaxtyping import Float, Float64

    from hmmdsl.analysis.loss import Loss
    from hmmdsl.process.history_tree import HistoryTree


def losses(analysis: Loss, inputs: Inputs, step: int | None = None) -> Outcome:
    """Loss, optimum and gap, whole and by position, in nats, of the last network or of the one at checkpoint `step`."""
    trained = inputs.trained[analysis.of]
    process = inputs.processes[analysis.on] if analysis.on is not None else None
    tree = histories_read(inputs.name, trained, process, analysis.histories)
    log_probabilities = trained.log_probabilities(step, tree)
    optimum = optimal_losses(tree)
    gap = gaps(tree, log_probabilities)
    results: dict[str, Any] = _results(float(optimum.mean()), float(gap.mean()))
    results["position"] = [_results(float(least), float(more)) for least, more in zip(optimum, gap, strict=True)]
    arrays = {"optimum": optimum, "gap": gap, "length": tree.length[np.array(tree.levels[:-1])]}
    return Outcome(results, arrays, {"histories": in_words(tree)})


def _results(optimum: float, gap: float) -> dict[str, float]:
    return {"loss": optimum + gap, "optimum": optimum, "gap": gap}


def gaps(tree: HistoryTree, log_probabilities: Float[np.ndarray, "history token"]) -> Float64[np.ndarray, " position"]:
    """For each position the expected KL divergence of predictions from the true next-token distributions, in nats.

    Terms are `p log(p / q)` as such, so that a gap of 1e-9 is no difference of two losses near 1.
    """
    p = tree.next_token
    occurs = p > 0
    divergence = np.where(occurs, p * (np.log(np.where(occurs, p, 1.0)) - log_probabilities), 0.0).sum(axis=1)
    weighted = divergence * tree.probability
    return np.array(
        [weighted[a:b].sum() / tree.probability[a:b].sum() for a, b in zip(tree.levels, tree.levels[1:], strict=False)]
    )
