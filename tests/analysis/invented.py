"""A training run of invented activations: beliefs, spread over the layers and mixed with what is no belief."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.process.history_tree import HistoryTree, build_history_tree
from hmmdsl.process.process import Process
from hmmdsl.schema.analysis import Analysis, Surroundings
from hmmdsl.schema.checkpoints import checkpoint_steps
from hmmdsl.schema.models.transformer import Transformer
from hmmdsl.schema.train import LogSpaced, Train
from hmmdsl.training.trained import Trained
from tests.process.known_processes import mess3, rrxor

__all__ = ["InventedRun", "inputs_of", "invented_run", "mess3", "rrxor", "surroundings"]


@dataclass(frozen=True)
class InventedRun(Trained):
    """Activations are a random linear image of belief, token and length, the belief growing with the step; predictions are the
    optimal ones, spoiled less and less."""

    asked: list[int | None] = field(default_factory=list)
    given: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Activations that stand in place of the invented ones."""

    def _progress(self, step: int | None) -> float:
        return float(np.log1p(self.steps[-1] if step is None else step) / np.log1p(self.train.steps))

    def activations(self, step: int | None = None, tree: HistoryTree | None = None) -> Mapping[str, np.ndarray]:
        self.asked.append(step)
        if self.given:
            return self.given
        histories = tree if tree is not None else self.tree
        random = np.random.default_rng(7)
        length = np.eye(self.model.context + 1)[histories.length]
        token = np.eye(histories.vocabulary + 1)[histories.token]
        found = {}
        for depth, (point, width) in enumerate(self.model.points().items()):
            known = np.tanh(histories.belief @ random.normal(size=(histories.belief.shape[1], 6))) * self._progress(step) * depth
            whole = np.concatenate([length, token, known], axis=1)
            mixed = whole @ random.normal(size=(whole.shape[1], width)) + 0.05 * random.normal(size=(len(histories), width))
            found[point] = mixed.astype(np.float32)
        return found

    def log_probabilities(self, step: int | None = None, tree: HistoryTree | None = None) -> np.ndarray:
        histories = tree if tree is not None else self.tree
        known = 0.999 * self._progress(step)
        return np.log(known * histories.next_token + (1 - known) / histories.vocabulary)


def invented_run(
    process: Process | None = None, context: int = 6, bos: bool = False, width: int = 8, seed: int = 0
) -> InventedRun:
    """A run called `fit` of a model called `net`."""
    chosen = process if process is not None else rrxor()
    model = Transformer(layers=2, d_model=width, context=context, bos=bos)
    train = Train(process="p", model="net", steps=100, checkpoints=LogSpaced(count=5), seed=seed)
    return InventedRun(
        name="fit",
        train=train,
        model=model,
        process=chosen,
        tree=build_history_tree(chosen, context, bos),
        folder=Path(),
        steps=checkpoint_steps(train),
        loss=0.6,
        optimum=0.58,
        gap=0.02,
        parameters=1,
        curve=(),
        device="cpu",
    )


def surroundings(run: Trained, others: Mapping[str, Process] | None = None, **analyses: Analysis) -> Surroundings:
    """What the run's analyses may refer to."""
    processes = {"p": run.process, **(others or {})}
    return Surroundings(processes, {"net": run.model}, {"fit": run.train}, analyses)


def inputs_of(name: str, run: Trained, outcomes: Mapping[str, Outcome] | None = None, **analyses: Analysis) -> Inputs:
    """What the analysis `name` is given."""
    return Inputs(name, {"fit": run}, analyses, outcomes or {}, {"p": run.process})
