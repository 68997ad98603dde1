"""One training run, from a seed to checkpoints, loss and gap."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.models.build import build_network
from hmmdsl.models.network import Network
from hmmdsl.process.history_tree import HistoryTree, build_history_tree
from hmmdsl.process.process import Process
from hmmdsl.spec.checkpoints import checkpoint_steps
from hmmdsl.spec.models.base import Model
from hmmdsl.spec.train import ExactData, SampledData, Train
from hmmdsl.training.device import choose_device, deterministic
from hmmdsl.training.histories import histories_of, withheld
from hmmdsl.training.identity import identity_of
from hmmdsl.training.interruption import Interrupted, stop_requests
from hmmdsl.training.objective import drawn_loss, evaluate, expected_loss
from hmmdsl.training.optimizer import WeightOptimizer
from hmmdsl.training.resumption import ResumePoint, ResumePoints
from hmmdsl.training.schedule import rate
from hmmdsl.training.streams import stream
from hmmdsl.training.trained import CurvePoint, Trained
from hmmdsl.training.weights import checkpoint_path, load_checkpoint, save_checkpoint
from hmmdsl.training.words import Batches, WordSource

if TYPE_CHECKING:
    from torch import Tensor

Progress = Callable[[int, int, float, float | None], None]
"""Called with steps done, all steps, the last step's loss, and its gap where the optimum of that step's data is known."""

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
) -> Trained:
    """Train a network as `train` says and keep its checkpoints in `folder`, which is made if need be.

    The same train, model, process, device and versions give the same checkpoints, byte for byte, however often the run was
    stopped or killed: called again with the same folder, which is the run's own, it goes on from its last resume point there.
    Raises Diverged, ValueError if the device is not there, OSError if the folder can't be written, and Interrupted on SIGINT and
    SIGTERM, when the step is finished and a resume point is written. Whatever files there are then are whole.
    """
    where = choose_device(device)  # type: ignore[arg-type]
    folder.mkdir(parents=True, exist_ok=True)
    with deterministic(where, train.threads):
        tree = histories_of(process, model.context, model.bos, train.histories, train.seed)
        network = build_network(model, len(process.tokens), stream(train.seed, "initialization")).to(where)
        points = ResumePoints(folder, identity_of(train, model, process, where))
        curve = _optimize(name, network, train, process, tree, points, progress)
        end = evaluate(network, tree)
        if not math.isfinite(end.loss):
            raise Diverged(train.steps, _last_checkpoint(folder, train, train.steps))
        return Trained(
            name=name,
            train=train,
            model=model,
            process=process,
            tree=tree,
            folder=folder,
            steps=checkpoint_steps(train),
            loss=end.loss,
            optimum=end.optimum,
            gap=end.gap,
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            curve=curve,
            device=where.type,
        )


def _optimize(
    name: str,
    network: Network,
    train: Train,
    process: Process,
    tree: HistoryTree,
    points: ResumePoints,
    progress: Progress | None,
) -> tuple[CurvePoint, ...]:
    """All steps that are still to do. Each: a gradient, a check, a step at this step's rate, perhaps a checkpoint, perhaps a
    resume point."""
    folder, point = points.folder, points.latest()
    if point is not None and point.step == train.steps:
        load_checkpoint(network, folder, train.steps)  # before the optimizer moves the weights, as they lay in training
    gradient = _gradient(network, train, process, tree)
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
        for step in range(0 if point is None else point.step, train.steps):
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
            if progress is not None and (time.monotonic() - reported > SECONDS_BETWEEN_REPORTS or step + 1 == train.steps):
                reported = time.monotonic()
                progress(step + 1, train.steps, loss, None if gradient.optimum is None else loss - gradient.optimum)
            if stopped_by is not None:
                raise Interrupted(name, step + 1, train.steps, stopped_by)
    return tuple(curve)


@dataclass(frozen=True)
class Gradient:
    """`add` adds one step's gradient to the network's and returns that step's loss in nats. `optimum` is the least that the loss
    can be, None where that depends on what is drawn; `batches` are what is drawn, None where nothing is."""

    add: Callable[[], float]
    optimum: float | None = None
    batches: Batches | None = None

    def state(self) -> dict[str, Tensor]:
        """What the data needs to go on."""
        return {} if self.batches is None else self.batches.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        if self.batches is not None:
            self.batches.restore(state)


def _gradient(network: Network, train: Train, process: Process, tree: HistoryTree) -> Gradient:
    """The gradient that `train.data` asks for."""
    model, device = network.spec, network.device
    match train.data:
        case ExactData(withhold=share):
            whole = tree if tree.source == "exact" else build_history_tree(process, model.context, model.bos)
            objective = expected_loss(whole, withheld(whole, share, train.seed), device)
            return Gradient(lambda: objective.backward(network), objective.optimum)
        case SampledData(batch=batch):
            batches = Batches(WordSource(process, model.context + 1, device, stream(train.seed, "data")), batch)

            def on_next_batch() -> float:
                loss = drawn_loss(network, batches.next())
                loss.backward()  # type: ignore[no-untyped-call]
                return loss.item()

            return Gradient(on_next_batch, batches=batches)


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
