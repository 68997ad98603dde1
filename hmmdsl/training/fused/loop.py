"""Training runs side by side as one, from seeds to checkpoints, losses and gaps.

Each run draws its weights and its words from its own seed, as it would alone, and nothing of one run enters another. What differs
from a run alone is the order in which products are summed, so numbers agree to rounding and not to the bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file

from hmmdsl.models.build import build_network
from hmmdsl.models.parts import freeze
from hmmdsl.process.ahead import Ahead
from hmmdsl.spec.checkpoints import checkpoint_steps
from hmmdsl.spec.models.base import Model
from hmmdsl.spec.objectives import tokens_ahead
from hmmdsl.spec.parts import frozen_parts
from hmmdsl.training.device import choose_device, deterministic
from hmmdsl.training.fused.gradient import Member, fused_gradient
from hmmdsl.training.fused.network import FusedNetwork
from hmmdsl.training.fused.optimizer import FusedOptimizer
from hmmdsl.training.histories import histories_of
from hmmdsl.training.identity import identity_of
from hmmdsl.training.interruption import Interrupted, stop_requests
from hmmdsl.training.loop import SECONDS_BETWEEN_REPORTS, Progress, curve_steps
from hmmdsl.training.objective import evaluate
from hmmdsl.training.resumption import ResumePoint, ResumePoints
from hmmdsl.training.schedule import rate
from hmmdsl.training.streams import stream
from hmmdsl.training.trained import CurvePoint, TrainingResult
from hmmdsl.training.weights import checkpoint_path, save_weights

if TYPE_CHECKING:
    from jaxtyping import Float, Int64
    from torch import Tensor


def train_fused(
    name: str,
    members: Sequence[Member],
    model: Model,
    folder: Path,
    device: str = "auto",
    progress: Progress | None = None,
) -> tuple[TrainingResult | int, ...]:
    """Train one network for each of `members`, all at once. Their trains are alike but for seed, learning rate and process, and
    their processes have the same words; none starts from another, and none is adversarial.

    The checkpoints in `folder` hold the weights of all runs, the run as the first index. It ends with the same bytes however
    often it was stopped or killed, and raises ValueError, OSError and Interrupted, as `train_network` does; a run that diverges
    does not disturb the others, and the step at which its loss, or a weight, was not finite stands in the place of its result.
    """
    where = choose_device(device)  # type: ignore[arg-type]
    folder.mkdir(parents=True, exist_ok=True)
    train = members[0].train
    with deterministic(where, train.threads):
        network = initial_networks(members, model, where)
        identities = [identity_of(each.train, model, each.process, where) for each in members]
        points = ResumePoints(folder, sha256("fused".join(identities).encode()).hexdigest())
        course = _optimize(name, network, members, model, points, progress)
        found = tuple(_finished(network, run, member, model, course) for run, member in enumerate(members))
        ended = [run for run in found if isinstance(run, TrainingResult)]
        if progress is not None and ended and course.began < train.steps:
            progress(train.steps, train.steps, fmean(run.loss for run in ended), fmean(run.gap for run in ended))
        return found


def initial_networks(members: Sequence[Member], model: Model, device: torch.device) -> FusedNetwork:
    """Each member's network as its seed draws it."""
    networks = []
    for member in members:
        tokens = len(member.process.tokens)
        outputs = tokens ** tokens_ahead(member.train.objective)
        network = build_network(model, tokens, stream(member.train.seed, "initialization"), outputs)
        freeze(network, frozen_parts(member.train.freeze, model))
        networks.append(network)
    return FusedNetwork(networks, device)


@dataclass
class _Course:
    """What has happened so far: at kept steps the loss of each run and the share of its learning rate, and by run the step at
    which it diverged (-1: it has not). It `began` from a step. Losses stay on their device until somebody reads them."""

    diverged: Int64[Tensor, " run"]
    began: int = 0
    losses: list[tuple[int, float, Float[Tensor, " run"]]] = field(default_factory=list)

    def note_bad(self, bad: Tensor, step: int) -> None:
        """Runs that are `bad` and were not before."""
        self.diverged = torch.where((self.diverged < 0) & bad, step, self.diverged)

    def points(self) -> tuple[CurvePoint, ...]:
        """As a resume point keeps them: step by step, and in each step run by run."""
        return tuple(CurvePoint(step, loss, share) for step, share, losses in self.losses for loss in losses.tolist())

    def restore(self, points: Sequence[CurvePoint], diverged: Tensor) -> None:
        """What `points` gave."""
        runs = len(self.diverged)
        self.diverged = diverged.to(self.diverged.device)
        for first in range(0, len(points), runs):
            here = points[first : first + runs]
            self.losses.append((here[0].step, here[0].lr, torch.tensor([each.loss for each in here])))

    def curve(self, run: int, highest: float) -> tuple[CurvePoint, ...]:
        """The learning curve of one run, whose learning rate is at most `highest`."""
        return tuple(CurvePoint(step, float(losses[run]), highest * share) for step, share, losses in self.losses)


def _optimize(
    name: str,
    network: FusedNetwork,
    members: Sequence[Member],
    model: Model,
    points: ResumePoints,
    progress: Progress | None,
) -> _Course:
    """All steps that are still to do, as `training.loop` does them for one run."""
    train, folder, point = members[0].train, points.folder, points.latest()
    course = _Course(torch.full((network.runs,), -1, dtype=torch.int64, device=network.rows.device))
    checkpoints = dict(point.checkpoints) if point is not None else {}
    if point is not None:
        course.restore(point.curve, point.state["diverged"])
        course.began = point.step
        if point.step == train.steps:
            network.restore(load_file(checkpoint_path(folder, train.steps)))
            return course
    gradient = fused_gradient(network, members, model)
    rates = [each.train.optimizer.lr for each in members]
    optimizer = FusedOptimizer(train.optimizer, rates, network.rows, train.clip)
    if point is None:
        checkpoints[0] = save_weights(network.weights(), folder, 0)
    else:
        optimizer.restore(point.state)
        gradient.restore(point.state)
    kept, drawn = set(checkpoint_steps(train)), curve_steps(train.steps)
    optimum = None if gradient.optima is None else sum(gradient.optima) / len(members)
    reported = -math.inf

    with stop_requests() as stop:
        for step in range(course.began, train.steps):
            losses, gradients = gradient.add()
            course.note_bad(~torch.isfinite(losses), step)
            share = rate(train.schedule, step, train.steps)
            if step in drawn:
                course.losses.append((step, share, losses.clone()))
            optimizer.step(share, gradients)

            if step + 1 in kept:
                course.note_bad(~optimizer.finite(), step + 1)
                checkpoints[step + 1] = save_weights(network.weights(), folder, step + 1)
            stopped_by = stop.number  # asked once: a signal after this is the next step's
            if step + 1 == train.steps:
                points.finish(ResumePoint(step + 1, course.points(), checkpoints, {"diverged": course.diverged}))
            elif points.due() or stopped_by is not None:
                state = {**optimizer.state(), **gradient.state(), "diverged": course.diverged}
                points.write(ResumePoint(step + 1, course.points(), checkpoints, state))
            if progress is not None and step + 1 < train.steps and time.monotonic() - reported > SECONDS_BETWEEN_REPORTS:
                reported = time.monotonic()
                mean = float(losses.mean())
                progress(step + 1, train.steps, mean, None if optimum is None else mean - optimum)
            if stopped_by is not None:
                raise Interrupted(name, step + 1, train.steps, stopped_by)
    return course


def _finished(network: FusedNetwork, run: int, member: Member, model: Model, course: _Course) -> TrainingResult | int:
    """One run's end, evaluated on its own tree by its own network; or the step at which it diverged."""
    train, process = member.train, member.process
    diverged = int(course.diverged[run])
    if diverged >= 0:
        return diverged
    tree = histories_of(process, model.context, model.bos, train.histories, train.seed)
    end = evaluate(network.lend(run), tree, Ahead(tree, tokens_ahead(train.objective), process))
    if not math.isfinite(end.loss):
        return train.steps
    curve = course.curve(run, train.optimizer.lr)
    return TrainingResult(end.loss, end.optimum, end.gap, network.rows.shape[1], network.rows.device.type, curve)
