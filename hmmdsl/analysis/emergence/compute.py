"""The computation behind `emergence`: one analysis at each checkpoint."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from hmmdsl.analysis.kind import AlongCheckpoints
from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.reading.points import places
from hmmdsl.analysis.regression.record import Regression

if TYPE_CHECKING:
    from jaxtyping import Float32

    from hmmdsl.analysis.emergence.record import Emergence

SHOWN = 6
"""Checkpoints whose represented geometry is kept for the strip."""


def compute(analysis: Emergence, inputs: Inputs) -> Outcome:
    """The results at every checkpoint; of a regression on beliefs also the represented geometry at some of them."""
    inner = inputs.analyses[analysis.of]
    assert isinstance(inner, AlongCheckpoints)
    train = inner.train_in(inputs.analyses)
    assert train is not None
    steps = inputs.trained[train].steps
    whole = inputs.outcomes[analysis.of]
    shown = _best_map(inner, whole, inputs)
    checkpoints: list[dict[str, Any]] = []
    geometry: list[Float32[np.ndarray, "history state"]] = []
    facts: dict[str, Any] = {}
    for step in steps:
        outcome = inner.compute_at_checkpoint(inputs, step)
        checkpoints.append({"step": float(step), **outcome.results})
        facts = outcome.facts
        if shown is not None:
            geometry.append(outcome.arrays[shown])
    arrays: dict[str, np.ndarray] = {"step": np.array(steps)}
    if shown is not None:
        arrays |= {name: whole.arrays[name] for name in ("belief", "weights", "length")}
        arrays |= {f"{steps[i]}.{shown}": geometry[i] for i in _evenly_changed(geometry, whole.arrays["weights"])}
    return Outcome({"checkpoint": checkpoints}, arrays, {**facts, "checkpoints": len(steps)})


def _best_map(inner: AlongCheckpoints, whole: Outcome, inputs: Inputs) -> str | None:
    """The predicted beliefs that are nearest to the true ones after the last step; None where no beliefs are read."""
    if not isinstance(inner, Regression) or "belief" not in inner.target_names:
        return None

    def r2(name: str) -> float:
        value = inner.map_results(whole.results, "belief", name)["r2"]
        return -np.inf if value is None else float(value)

    best = max((place.name for place in places(inner.at, inputs.trained[inner.of].model)), key=r2)
    return f"belief.{best}.predicted"


def _evenly_changed(geometry: list[Float32[np.ndarray, "history state"]], weights: np.ndarray) -> list[int]:
    """The first, the last, and checkpoints between them at about equal distances along the way that the geometry goes: evenly
    chosen ones would show the initialization several times."""
    moved = [0.0]
    for before, after in pairwise(geometry):
        moved.append(moved[-1] + float(np.sqrt(weights @ ((after - before).astype(np.float64) ** 2).sum(axis=1))))
    marks = np.linspace(0, moved[-1], min(SHOWN, len(geometry)))
    return sorted({int(np.abs(np.array(moved) - mark).argmin()) for mark in marks} | {0, len(geometry) - 1})
