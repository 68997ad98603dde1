"""How long a stage will take and how much memory, roughly, from shapes alone: known before anything runs.

A training step costs 6 floating-point operations for each parameter and position (2 forward, 4 backward; Kaplan et al. 2020,
arXiv:2001.08361, §2.1), and a fixed time for calling the operations of each layer. Rates are those of one thread of a common
server processor; expect a factor of three either way where it is a second or more. What an analysis computes is counted out in
`analysis/work.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hmmdsl.analysis.kind import Kind
from hmmdsl.analysis.work import Reads
from hmmdsl.process.counting import count_histories
from hmmdsl.report.depths import SIMPLEX_HISTORIES, deepest
from hmmdsl.report.joint_size import drawn_whole
from hmmdsl.spec.analysis import Surroundings
from hmmdsl.spec.base import AUTO_HISTORY_LIMIT, Exact, Histories, SampledHistories
from hmmdsl.spec.checkpoints import checkpoint_count
from hmmdsl.spec.memory import tree_training_bytes
from hmmdsl.spec.train import ExactData

if TYPE_CHECKING:
    from hmmdsl.process.process import Process
    from hmmdsl.runtime.stages.task import Task
    from hmmdsl.spec.analysis import Analysis
    from hmmdsl.spec.models.base import Model
    from hmmdsl.spec.train import Train

RATE = 1.3e11
"""Floating-point operations a second of one thread, in float32, in products of matrices."""

SECONDS_A_POINT = 2.5e-4
"""What calling the operations between two points of a network takes in one training step, forward and backward."""

SECONDS_A_FLOAT = 1e-9
"""What a training step takes for each number that it keeps of the network's activations, besides products."""

SECONDS_A_BELIEF, SECONDS_A_SHARE = 1.5e-5, 1.5e-7
"""What a figure of beliefs takes for each history, and for each of its numbers besides."""

FUSED_CALLS = 3.0
"""How much longer calling the operations of a batch of runs takes than of a run alone."""

LOADING = 2.0
"""Seconds that loading torch takes, which are in the estimate of every training run."""

LIBRARIES = 350 * 2**20
"""Bytes that loading torch and numpy takes."""

OFF_BY = 3
"""Estimates are off by less than this factor, either way."""

_HEADER = 1024
"""Bytes of a checkpoint's file besides its numbers, or a little more."""

_FIGURE_SECONDS, _PROCESS_SECONDS, _STAGE_SECONDS, _PART_SECONDS = 0.7, 0.6, 0.1, 0.02


@dataclass(frozen=True)
class Estimate:
    """Seconds of wall-clock time, peak bytes of memory, and bytes that stay on the disk."""

    seconds: float
    bytes: int
    disk: int = 0


def estimate(task: Task) -> Estimate:
    """What a stage will need."""
    return replace(_estimate(task), disk=disk_bytes(task))


def memory_bytes(task: Task) -> int:
    """Peak bytes of memory of a stage that trains or analyses."""
    return _estimate(task).bytes if task.stage.kind in ("train", "batch", "analysis") else 0


def disk_bytes(task: Task) -> int:
    """Bytes of the checkpoints that a stage keeps, and of the two resume points that it has while it trains: what else a run
    writes is small beside them."""
    experiment, stage = task.experiment, task.stage
    names = [stage.name] if stage.kind == "train" else list(experiment.trains) if stage.kind == "batch" else []
    kept = 0
    for name in names:
        train = experiment.trains[name]
        tokens = len(task.processes()[train.process].tokens)
        weights = 4 * sum(experiment.models[model].parameters(tokens) for model in train.models())
        kept += checkpoint_count(train) * (weights + _HEADER) + (2 * 3 * weights if stage.trains else 0)
    return kept


def _estimate(task: Task) -> Estimate:
    experiment, stage = task.experiment, task.stage
    processes = task.processes()
    if stage.kind == "process":
        return Estimate(_PROCESS_SECONDS * len(processes[stage.name].factors), LIBRARIES // 2)
    if stage.kind == "figures":
        kind, _, name = stage.needs[0].partition(" ")
        return _pictures(processes[name]) if kind == "process" else Estimate(_FIGURE_SECONDS, LIBRARIES // 2)
    names = [stage.name] if stage.kind == "train" else list(experiment.trains)  # a batch has those of its runs
    if not names:
        return Estimate(_STAGE_SECONDS, LIBRARIES)
    train = experiment.trains[names[0]]
    model, process = experiment.models[train.model], processes[train.process]
    if stage.part is not None and stage.kind == "train":
        return Estimate(_PART_SECONDS, LIBRARIES)
    if stage.trains:
        return _training(train, model, process, len(names))
    analysis = experiment.analyses[stage.name]
    assert isinstance(analysis, Kind)
    around = Surroundings(processes, experiment.models, experiment.trains, experiment.analyses)
    source = _source(analysis, around)
    on = getattr(source, "on", None)
    process = process if on is None else processes[on]
    nodes, drawn = _nodes(process, model, getattr(source, "histories", train.histories))
    reads = Reads(process, model, train, nodes, drawn)
    memory = LIBRARIES + nodes * sum(model.points().values()) * (4 + 2 * 8)
    return Estimate(_STAGE_SECONDS + analysis.seconds(reads, around), memory)


def _pictures(process: Process) -> Estimate:
    """The figures of a process: a few drawings, and the beliefs after as many histories as its simplex shows."""
    histories = 0
    if drawn_whole(process):
        histories = count_histories(process, deepest(process, SIMPLEX_HISTORIES)).total
    numbers = histories * (len(process.states) + len(process.tokens))
    return Estimate(2 * _FIGURE_SECONDS + histories * SECONDS_A_BELIEF + numbers * SECONDS_A_SHARE, LIBRARIES // 2 + 24 * numbers)


def _source(analysis: Analysis, around: Surroundings) -> Analysis:
    """The analysis that says which histories are read: itself, or the one that it reads."""
    while not hasattr(analysis, "histories"):
        behind = [around.analyses[name] for name in analysis.needs() if name in around.analyses]
        if not behind:
            break
        analysis = behind[0]
    return analysis


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


def _nodes(process: Process, model: Model, histories: Histories) -> tuple[int, bool]:
    """Histories that are read, or at most that many where they are drawn; and whether they are."""
    counts = count_histories(process, model.context, bos=model.bos)
    words = histories.words if isinstance(histories, SampledHistories) else SampledHistories().words
    if isinstance(histories, Exact) or (not isinstance(histories, SampledHistories) and counts.total <= AUTO_HISTORY_LIMIT):
        return counts.total, False
    return sum(min(words, each) for each in counts), True


def _speedup(threads: int) -> float:
    """What more threads bring at these sizes: a doubling about half as much again."""
    return float(threads**0.6)
