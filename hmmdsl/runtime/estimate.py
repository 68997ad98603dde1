"""How long a stage will take and how much memory, roughly, from shapes alone: known before anything runs.

A training step costs 6 floating-point operations for each parameter and position (2 forward, 4 backward; Kaplan et al. 2020,
arXiv:2001.08361, §2.1), and a fixed time for calling the operations of each layer. Rates are those of one thread of a common
server processor; expect a factor of three either way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hmmdsl.process.counting import count_histories
from hmmdsl.spec.base import AUTO_HISTORY_LIMIT, Exact, Histories, SampledHistories
from hmmdsl.spec.checkpoints import checkpoint_steps
from hmmdsl.spec.memory import tree_training_bytes
from hmmdsl.spec.train import ExactData

if TYPE_CHECKING:
    from hmmdsl.process.process import Process
    from hmmdsl.runtime.stages.task import Task
    from hmmdsl.spec.models.base import Model
    from hmmdsl.spec.train import Train

RATE = 1.3e11
"""Floating-point operations a second of one thread, in float32, in products of matrices."""

SECONDS_A_POINT = 2.5e-4
"""What calling the operations between two points of a network takes in one training step, forward and backward."""

SECONDS_A_FLOAT = 1e-9
"""What a training step takes for each number that it keeps of the network's activations, besides products."""

FUSED_CALLS = 3.0
"""How much longer calling the operations of a batch of runs takes than of a run alone."""

LOADING = 2.0
"""Seconds that loading torch takes, which are in the estimate of every training run."""

LIBRARIES = 350 * 2**20
"""Bytes that loading torch and numpy takes."""

_FIGURE_SECONDS, _PROCESS_SECONDS, _ANALYSIS_SECONDS, _PART_SECONDS = 0.8, 0.3, 0.3, 0.02


@dataclass(frozen=True)
class Estimate:
    """Seconds of wall-clock time and peak bytes of memory."""

    seconds: float
    bytes: int


def estimate(task: Task) -> Estimate:
    """What a stage will need."""
    experiment, stage = task.experiment, task.stage
    processes = task.processes()
    if stage.kind in ("process", "figures"):
        return Estimate(_PROCESS_SECONDS if stage.kind == "process" else _FIGURE_SECONDS, LIBRARIES // 2)
    names = [stage.name] if stage.kind == "train" else list(experiment.trains)  # a batch has those of its runs
    if not names:
        return Estimate(_ANALYSIS_SECONDS, LIBRARIES)
    train = experiment.trains[names[0]]
    model, process = experiment.models[train.model], processes[train.process]
    if stage.part is not None and stage.kind == "train":
        return Estimate(_PART_SECONDS, LIBRARIES)
    if stage.trains:
        return _training(train, model, process, len(names))
    analysis = experiment.analyses[stage.name]
    nodes = _nodes(process, model, getattr(analysis, "histories", train.histories))
    passes = len(checkpoint_steps(train)) if analysis.word == "emergence" else 1 + len(getattr(analysis, "controls", ()) or ())
    width = sum(model.points().values())
    work = nodes * (2 * model.parameters(len(process.tokens)) + 2 * width * width)
    memory = LIBRARIES + nodes * width * (4 + 2 * 8)
    return Estimate(_ANALYSIS_SECONDS + passes * work / RATE, memory)


def training_seconds(task: Task, runs: int = 1) -> float:
    """How long the steps of so many runs like a train's take: one alone, or several as one batch."""
    train = task.experiment.trains[task.stage.name]
    return _steps(train, task.experiment.models[train.model], task.processes()[train.process], runs)


def batch_bytes(task: Task, runs: int) -> int:
    """Bytes that a batch of so many runs like a train's takes, besides the libraries."""
    train = task.experiment.trains[task.stage.name]
    model, process = task.experiment.models[train.model], task.processes()[train.process]
    return _training(train, model, process, runs).bytes - LIBRARIES


def _training(train: Train, model: Model, process: Process, runs: int) -> Estimate:
    if isinstance(train.data, ExactData):
        states = 0 if process.factored else len(process.states)
        memory = tree_training_bytes(_read(train, model, process), model, states, len(process.tokens))
    else:
        memory = _read(train, model, process) * 4 * model.activation_floats()
    held = 16 * model.parameters(len(process.tokens))
    return Estimate(LOADING + _steps(train, model, process, runs), LIBRARIES + runs * (memory + held))


def _steps(train: Train, model: Model, process: Process, runs: int) -> float:
    """Seconds of all steps: calling operations, which a batch does once for all of its runs, and what they compute."""
    called = len(model.points()) * SECONDS_A_POINT * (FUSED_CALLS if runs > 1 else 1.0)
    rows = _read(train, model, process)
    computed = 6 * model.parameters(len(process.tokens)) * rows / RATE + rows * model.activation_floats() * SECONDS_A_FLOAT
    return train.steps * (called + runs * computed / _speedup(train.threads))


def _read(train: Train, model: Model, process: Process) -> int:
    """Positions that one step reads."""
    if isinstance(train.data, ExactData):
        return count_histories(process, model.context, bos=model.bos).total
    return train.data.batch * model.positions_read


def _nodes(process: Process, model: Model, histories: Histories) -> int:
    """Histories that are read, or at most that many where they are sampled."""
    if isinstance(histories, SampledHistories):
        return histories.words * model.positions_read
    total = count_histories(process, model.context, bos=model.bos).total
    drawn = SampledHistories().words * model.positions_read
    return total if isinstance(histories, Exact) or total <= AUTO_HISTORY_LIMIT else drawn


def _speedup(threads: int) -> float:
    """What more threads bring at these sizes: a doubling about half as much again."""
    return float(threads**0.6)
