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
from hmmdsl.spec.memory import activation_floats, tree_training_bytes
from hmmdsl.spec.model import Transformer
from hmmdsl.spec.train import ExactData

if TYPE_CHECKING:
    from hmmdsl.process.process import Process
    from hmmdsl.runtime.stages.task import Task
    from hmmdsl.spec.train import Train

RATE = 3e10
"""Floating-point operations a second of one thread, in float32."""

SECONDS_A_LAYER = 8e-4
"""What calling a layer's operations takes in one training step, forward and backward."""

LIBRARIES = 350 * 2**20
"""Bytes that loading torch and numpy takes."""

_FIGURE_SECONDS, _PROCESS_SECONDS, _ANALYSIS_SECONDS = 0.8, 0.3, 0.3


@dataclass(frozen=True)
class Estimate:
    """Seconds of wall-clock time and peak bytes of memory."""

    seconds: float
    bytes: int


def estimate(task: Task) -> Estimate | None:
    """What a stage will need; None where its network is of a kind whose shapes are not known here."""
    experiment, stage = task.experiment, task.stage
    processes = task.processes()
    if stage.kind in ("process", "figures"):
        return Estimate(_PROCESS_SECONDS if stage.kind == "process" else _FIGURE_SECONDS, LIBRARIES // 2)
    names = [stage.name] if stage.kind == "train" else list(experiment.trains)
    if not names:
        return Estimate(_ANALYSIS_SECONDS, LIBRARIES)
    train = experiment.trains[names[0]]
    model, process = experiment.models[train.model], processes[train.process]
    if not isinstance(model, Transformer):
        return None
    if stage.kind == "train":
        return _training(train, model, process)
    analysis = experiment.analyses[stage.name]
    nodes = _nodes(process, model, getattr(analysis, "histories", train.histories))
    passes = len(checkpoint_steps(train)) if analysis.word == "emergence" else 1 + len(getattr(analysis, "controls", ()) or ())
    width = model.d_model * (model.layers + 2)
    work = nodes * (2 * parameters(model, len(process.tokens)) + 2 * width * width)
    memory = LIBRARIES + nodes * width * (4 + 2 * 8)
    return Estimate(_ANALYSIS_SECONDS + passes * work / RATE, memory)


def _training(train: Train, model: Transformer, process: Process) -> Estimate:
    held = parameters(model, len(process.tokens))
    positions = model.context + model.bos
    if isinstance(train.data, ExactData):
        nodes = count_histories(process, model.context, bos=model.bos).total
        memory = tree_training_bytes(nodes, model, len(process.states), len(process.tokens))
    else:
        nodes = train.data.batch * positions
        memory = nodes * 4 * activation_floats(model)
    seconds = train.steps * (model.layers * SECONDS_A_LAYER + 6 * held * nodes / (RATE * _speedup(train.threads)))
    return Estimate(2.0 + seconds, LIBRARIES + memory + 16 * held)


def parameters(model: Transformer, tokens: int) -> int:
    """Weights of a transformer: about 12 layers d_model^2 for the usual widths, beside embedding and unembedding."""
    attention = 4 * model.d_model * model.heads * model.head_width
    mlp = 0 if model.attention_only else 2 * model.d_model * model.mlp_width
    return model.layers * (attention + mlp) + model.d_model * (2 * tokens + model.context)


def _nodes(process: Process, model: Transformer, histories: Histories) -> int:
    """Histories that are read, or at most that many where they are sampled."""
    positions = model.context + model.bos
    if isinstance(histories, SampledHistories):
        return histories.words * positions
    total = count_histories(process, model.context, bos=model.bos).total
    return total if isinstance(histories, Exact) or total <= AUTO_HISTORY_LIMIT else SampledHistories().words * positions


def _speedup(threads: int) -> float:
    """What more threads bring at these sizes: a doubling about half as much again."""
    return float(threads**0.6)
