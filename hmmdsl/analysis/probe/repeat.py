"""The computation behind `emergence`: one analysis at each checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.analysis.options.along import AlongCheckpoints
from hmmdsl.analysis.outcome import Inputs, Outcome

if TYPE_CHECKING:
    from hmmdsl.analysis.emergence import Emergence

SHOWN = 6
"""Checkpoints whose represented geometry is kept for the strip."""


def repeat(analysis: Emergence, inputs: Inputs) -> Outcome:
    """The results at every checkpoint; of a regression also the predictions at some of them."""
    inner = inputs.analyses[analysis.of]
    assert isinstance(inner, AlongCheckpoints)
    train = inner.train_in(inputs.analyses)
    assert train is not None
    steps = inputs.trained[train].steps
    shown = {steps[int(i)] for i in np.linspace(0, len(steps) - 1, min(SHOWN, len(steps))).round()}
    named = Inputs(analysis.of, inputs.trained, inputs.analyses, inputs.outcomes, inputs.processes)
    checkpoints: list[dict[str, Any]] = []
    arrays: dict[str, np.ndarray] = {"step": np.array(steps)}
    facts: dict[str, Any] = {}
    for step in steps:
        outcome = inner.compute_at_checkpoint(named, step)
        checkpoints.append({"step": float(step), **outcome.results})
        facts = outcome.facts
        for name, array in outcome.arrays.items():
            if step in shown and name.endswith(".predicted"):
                arrays[f"{step}.{name}"] = array
    arrays |= {name: array for name, array in inputs.outcomes[analysis.of].arrays.items() if name in ("belief", "weights")}
    return Outcome({"checkpoint": checkpoints}, arrays, {**facts, "checkpoints": len(steps), "of": analysis.of})
