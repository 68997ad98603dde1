"""A training run of invented activations: beliefs, spread over the layers and mixed with what is no belief."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.process.history_tree import HistoryTree, build_history_tree
from hmmdsl.process.process import Process
from hmmdsl.spec.analysis import Analysis, Surroundings
from hmmdsl.spec.checkpoints import checkpoint_steps
from hmmdsl.spec.model import Transformer
from hmmdsl.spec.train import LogSpaced, Train
from hmmdsl.training.trained import Trained

HALF, SIXTH, ONE = Fraction(1, 2), Fraction(1, 6), Fraction(1)


def rrxor() -> Process:
    """Random-Random-XOR, states S S0 S1 T F."""
    zeros = {(0, 1): HALF, (1, 4): HALF, (2, 3): HALF, (4, 0): ONE}
    ones = {(0, 2): HALF, (1, 3): HALF, (2, 4): HALF, (3, 0): ONE}
    states = ("S", "S0", "S1", "T", "F")
    return Process("rrxor", ("0", "1"), states, (zeros, ones), (2 * SIXTH, SIXTH, SIXTH, SIXTH, SIXTH))


def mess3() -> Process:
    """Mess3 at x = 0.05, alpha = 0.85."""
    x, alpha = Fraction(1, 20), Fraction(17, 20)
    beta = (1 - alpha) / 2
    operators = tuple(
        {(i, j): (1 - 2 * x if i == j else x) * (alpha if k == j else beta) for i in range(3) for j in range(3)} for k in range(3)
    )
    return Process("mess3", ("0", "1", "2"), ("a", "b", "c"), operators, (Fraction(1, 3),) * 3)


@dataclass(frozen=True)
class InventedRun(Trained):
    """Activations are a random linear image of belief, token and length, the belief growing with the step; predictions are the
    optimal ones, spoiled less and less."""

    asked: list[int | None] = field(default_factory=list)

    def _progress(self, step: int | None) -> float:
        return float(np.log1p(self.steps[-1] if step is None else step) / np.log1p(self.train.steps))

    def activations(self, step: int | None = None, tree: HistoryTree | None = None) -> Mapping[str, np.ndarray]:
        self.asked.append(step)
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


def invented_run(process: Process | None = None, context: int = 6, bos: bool = False, width: int = 8) -> InventedRun:
    """A run called `fit` of a model called `net`."""
    chosen = process if process is not None else rrxor()
    model = Transformer(layers=2, d_model=width, context=context, bos=bos)
    train = Train(process="p", model="net", steps=100, checkpoints=LogSpaced(count=5))
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
