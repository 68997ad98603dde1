"""One training run, from a seed to checkpoints, loss and gap."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hmmdsl.models.build import build_network
from hmmdsl.models.network import Network
from hmmdsl.models.parts import freeze
from hmmdsl.process.ahead import Ahead
from hmmdsl.process.history_tree import HistoryTree
from hmmdsl.process.process import Process
from hmmdsl.spec.checkpoints import checkpoint_steps
from hmmdsl.spec.models.base import Model
from hmmdsl.spec.objectives import tokens_ahead
from hmmdsl.spec.parts import frozen_parts
from hmmdsl.spec.train import Train
from hmmdsl.training.device import choose_device, deterministic
from hmmdsl.training.gradient import gradient_of
from hmmdsl.training.histories import histories_of
from hmmdsl.training.identity import identity_of
from hmmdsl.training.interruption import Interrupted, stop_requests
from hmmdsl.training.objective import evaluate, trained_parameters
from hmmdsl.training.optimizer import WeightOptimizer
from hmmdsl.training.resumption import ResumePoint, ResumePoints
from hmmdsl.training.schedule import rate
from hmmdsl.training.start import last_weights_hash, take_over
from hmmdsl.training.streams import stream
from hmmdsl.training.trained import CurvePoint, Trained, TrainingResult, trained_of
from hmmdsl.training.weights import checkpoint_path, load_checkpoint, save_checkpoint

Progress = Callable[[int, int, float, float | None], None]
"""Called with steps done, all steps, the last step's loss, and its gap where the optimum of that step's data is known; when all
are done, with the loss and the gap of the trained network."""

SECONDS_BETWEEN_REPORTS = 0.2
CURVE_POINTS = 500
"""Most points that a learning curve keeps."""


class Diverged(Exception):  # noqa: N818
    """The loss, or a weight, of step `step` is not finite. `checkpoint` is the last good one, which stays in its folder."""

    def __init__(self, step: int, checkpoint: Path) -> None:
        super().__init__(f"the loss is not finite at step {step}; the last good weights are in {checkpoint}")
        self.step, self.checkpoint = step, checkpoint


def train_network(
    name: str,
    train: Train,
    model: Model,
    process: Process,
    folder: Path,
    device: str = "auto",
    progress: Progress | None = None,
    start_from: Trained | None = None,
    discriminator: Model | None = None,
) -> Trained:
    """Train a network as `train` says and keep its checkpoints in `folder`, which is made if need be. `start_from` is the
    finished run whose weights `train.start_from` asks for, `discriminator` the record that an adversarial objective names.

    The same train, model, process, device and versions give the same checkpoints, byte for byte, however often the run was
    stopped or killed: called again with the same folder, which is the run's own, it goes on from its last resume point there.
    Raises Diverged, ValueError if the device is not there, OSError if the folder can't be written, and Interrupted on SIGINT and
    SIGTERM, when the step is finished and a resume point is written. Whatever files there are then are whole.
    """
    where = choose_device(device)  # type: ignore[arg-type]
    folder.mkdir(parents=True, exist_ok=True)
    with deterministic(where, train.threads):
        tree = histories_of(process, model.context, model.bos, train.histories, train.seed)
        k = tokens_ahead(train.objective)
        network = build_network(model, len(process.tokens), stream(train.seed, "initialization"), len(process.tokens) ** k)
        if start_from is not None:
            take_over(network, process, start_from)
        freeze(network, frozen_parts(train.freeze, model))
        network = network.to(where)
        start = None if start_from is None else last_weights_hash(start_from)
        points = ResumePoints(folder, identity_of(train, model, process, where, start, discriminator))
        curve, began = _optimize(name, network, train, process, tree, points, progress, discriminator)
        end = evaluate(network, tree, Ahead(tree, k, process))
        if not math.isfinite(end.loss):
            raise Diverged(train.steps, _last_checkpoint(folder, train, train.steps))
        if progress is not None and began < train.steps:
            progress(train.steps, train.steps, end.loss, end.gap)
        parameters = sum(parameter.numel() for parameter in trained_parameters(network))
        result = TrainingResult(end.loss, end.optimum, end.gap, parameters, where.type, curve)
        return trained_of(name, train, model, process, folder, checkpoint_steps(train), result, tree)


def _optimize(
    name: str,
    network: Network,
    train: Train,
    process: Process,
    tree: HistoryTree,
    points: ResumePoints,
    progress: Progress | None,
    discriminator: Model | None,
) -> tuple[tuple[CurvePoint, ...], int]:
    """All steps that are still to do: the learning curve, and the step that they began from. Each: a gradient, a check, a step at
    this step's rate, perhaps a checkpoint, perhaps a resume point."""
    folder, point = points.folder, points.latest()
    began = 0 if point is None else point.step
    if point is not None and point.step == train.steps:
        load_checkpoint(network, folder, train.steps)  # before the optimizer moves the weights, as they lay in training
    gradient = gradient_of(network, train, process, tree, discriminator)
    optimizer = WeightOptimizer(train.optimizer, network, train.clip)
    kept, drawn = set(checkpoint_steps(train)), curve_steps(train.steps)
    reported = -math.inf

    if point is None:
        curve: list[CurvePoint] = []
        checkpoints = {0: save_checkpoint(network, folder, 0)}
    else:
        curve, checkpoints = list(point.curve), dict(point.checkpoints)
        if point.step < train.steps:
            optimizer.restore(point.state)
            gradient.restore(point.state)

    with stop_requests() as stop:
        for step in range(began, train.steps):
            loss = gradient.add()
            if not math.isfinite(loss):
                raise Diverged(step, _last_checkpoint(folder, train, step))
            lr = optimizer.step(rate(train.schedule, step, train.steps))

            if step in drawn:
                curve.append(CurvePoint(step, loss, lr))
            if step + 1 in kept:
                if not optimizer.weights_are_finite():
                    raise Diverged(step + 1, _last_checkpoint(folder, train, step))
                checkpoints[step + 1] = save_checkpoint(network, folder, step + 1)
            stopped_by = stop.number  # asked once: a signal after this is the next step's
            if step + 1 == train.steps:
                points.finish(ResumePoint(step + 1, tuple(curve), checkpoints))
            elif points.due() or stopped_by is not None:
                points.write(ResumePoint(step + 1, tuple(curve), checkpoints, {**optimizer.state(), **gradient.state()}))
            # What the last step left is told once it has been evaluated: the loss here is that before the step.
            if progress is not None and step + 1 < train.steps and time.monotonic() - reported > SECONDS_BETWEEN_REPORTS:
                reported = time.monotonic()
                progress(step + 1, train.steps, loss, None if gradient.optimum is None else loss - gradient.optimum)
            if stopped_by is not None:
                raise Interrupted(name, step + 1, train.steps, stopped_by)
    return tuple(curve), began


def curve_steps(steps: int, most: int = CURVE_POINTS) -> frozenset[int]:
    """The steps that a learning curve keeps: all if they are few, else half of them evenly spaced and half evenly in logarithm,
    the first and the last among them."""
    if steps <= most:
        return frozenset(range(steps))
    even = np.linspace(0, steps - 1, most // 2)
    logarithmic = np.geomspace(1, steps, most - most // 2) - 1
    return frozenset(int(step) for step in np.round(np.concatenate([even, logarithmic])))


def _last_checkpoint(folder: Path, train: Train, step: int) -> Path:
    """The latest checkpoint that was kept after at most `step` steps."""
    return checkpoint_path(folder, max(kept for kept in checkpoint_steps(train) if kept <= step))
