"""Whether the joint beliefs of a product, where a regression reads them, fit into memory: counted before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hmmdsl.process.counting import count_histories
from hmmdsl.spec.analysis import Surroundings
from hmmdsl.spec.base import AUTO_HISTORY_LIMIT, Exact, Problem, SampledHistories

if TYPE_CHECKING:
    from hmmdsl.analysis.regression import Regression
    from hmmdsl.process.process import Process

LARGEST = 500_000_000
"""Numbers that a regression onto joint beliefs may hold: 4 GB."""

NAMED = 3
"""Factors that the cure names."""

HELD = 4
"""Arrays of one number for each history and coordinate: the true values, side by side with the other targets, the predicted ones,
and those of held-out histories."""


def read_process(analysis: Regression, around: Surroundings) -> Process:
    """The process whose histories the analysis reads."""
    return around.process_of(analysis.of, analysis.on)


def joint_problems(analysis: Regression, around: Surroundings) -> Iterator[Problem]:
    """A problem (E0365) for each target that is a joint one of a product and would not fit."""
    process = read_process(analysis, around)
    if not process.factored:
        return
    sizes = {"belief": len(process.states), "state": len(process.states), "next_token": len(process.tokens)}
    histories = _most_histories(analysis, around, process)
    for i, target in enumerate(analysis.target_names):
        size = sizes.get(target, 0)
        numbers = size * (HELD * histories + size)
        if numbers <= LARGEST:
            continue
        parts = process.parts.factors if process.parts is not None else ()
        factors = ", ".join([f"factor.{part.name}" for part in parts[:NAMED]] + ["…"] * (len(parts) > NAMED))
        yield Problem(
            ("target",) if isinstance(analysis.target, str) else ("target", i),
            "E0365",
            f"`{target}` of {process.name} has {size:,} numbers after each of up to {histories:,} histories: "
            f"{numbers * 8 / 1e9:,.0f} GB",
            label="too large",
            help=f"read the factors, `target = [{factors}]`, or fewer histories; {LARGEST * 8 // 10**9} GB fit",
        )


def _most_histories(analysis: Regression, around: Surroundings, process: Process) -> int:
    """How many histories are read, at most."""
    model, histories = around.model_of(analysis.of), analysis.histories
    counted = count_histories(process, model.context, model.bos).total
    if isinstance(histories, Exact) or (not isinstance(histories, SampledHistories) and counted <= AUTO_HISTORY_LIMIT):
        return counted
    words = histories.words if isinstance(histories, SampledHistories) else SampledHistories().words
    return min(counted, words * (model.context + int(model.bos)))
