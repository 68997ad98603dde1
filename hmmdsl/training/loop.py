"""Training, from seeds to checkpoints, losses and gaps: the course that every run takes, alone or in a batch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from safetensors.torch import load_file

from hmmdsl.models.build import build_network
from hmmdsl.models.network import Network
from hmmdsl.process.ahead import Ahead
from hmmdsl.process.process import Process
from hmmdsl.schema.checkpoints import checkpoint_steps
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.models.mlp import MLP
from hmmdsl.schema.objectives import tokens_ahead
from hmmdsl.schema.parts import VOCABULARY_PARTS, frozen_parts
from hmmdsl.schema.train import Train
from hmmdsl.training.device import choose_device, deterministic
from hmmdsl.training.gradient import gradient_of
from hmmdsl.training.histories import histories_of
from hmmdsl.training.identity import identity_of
from hmmdsl.training.interruption import Interrupted, stop_requests
from hmmdsl.training.objective import Evaluation, evaluate, trained_parameters
from hmmdsl.training.optimizer import WeightOptimizer, rate
from hmmdsl.training.resumption import Losses, ResumePoint, ResumePoints
from hmmdsl.training.streams import stream
from hmmdsl.training.trained import CurvePoint, Trained, TrainingResult, trained_of
from hmmdsl.training.weights import checkpoint_path, save_weights

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

Progress = Callable[[int, int, float, float | None], None]
"""Called with steps done, all steps, the last step's loss, and its gap where the optimum of that step's data is known; when all
are done, with the loss and the gap of the trained network. Of a batch these are means over its runs."""

SECONDS_BETWEEN_REPORTS = 0.2
CURVE_POINTS = 500
"""Most points that a learning curve keeps."""


class Diverged(Exception):  # noqa: N818
    """The loss, or a weight, of step `step` is not finite. `checkpoint` is the last good one, which stays in its folder."""

    def __init__(self, step: int, checkpoint: Path) -> None:
        super().__init__(f"the loss is not finite at step {step}; the last good weights are in {checkpoint}")
        self.step, self.checkpoint = step, checkpoint


@dataclass(frozen=True)
class Member:
    """One run: its train, and the process that the train names."""

    train: Train
    process: Process


class Runs(Protocol):
    """What differs between a run alone and a batch of them, whose weights have the run as their first index. A batch is mapped
    over its runs, which rounds otherwise for some networks, and for one run takes longer than the run alone.

    optimum     the least that the mean of the losses can be, None where that depends on what is drawn
    parameters  numbers that each run trains
    begin       make ready for the first step that is to do
    step        one step at that share of each run's learning rate; the losses before it, in nats
    weights     all weights by name
    check       see after so many steps whether all weights are finite
    state       what is needed to go on, which `restore` takes
    verdict     what is to be remembered after the last step besides the weights, which `finished` takes with them
    ends        how well each run's network predicts; or the step at which it diverged
    """

    @property
    def members(self) -> Sequence[Member]: ...
    @property
    def optimum(self) -> float | None: ...
    @property
    def parameters(self) -> int: ...
    def begin(self) -> None: ...
    def step(self, step: int, share: float) -> Float[Tensor, " run"]: ...
    def weights(self) -> Mapping[str, Tensor]: ...
    def check(self, step: int) -> None: ...
    def state(self) -> Mapping[str, Tensor]: ...
    def restore(self, state: Mapping[str, Tensor]) -> None: ...
    def verdict(self) -> Mapping[str, Tensor]: ...
    def finished(self, weights: Mapping[str, Tensor], verdict: Mapping[str, Tensor]) -> None: ...
    def ends(self) -> Iterable[Evaluation | int]: ...


def train_runs(
    name: str, runs: Runs, device: torch.device, points: ResumePoints, progress: Progress | None
) -> tuple[TrainingResult | int, ...]:
    """Do all steps that are still to do, and evaluate: what became of each run, or the step at which it diverged."""
    steps = runs.members[0].train.steps
    curve, began = _course(name, runs, points, progress)
    found: list[TrainingResult | int] = []
    for k, (member, end) in enumerate(zip(runs.members, runs.ends(), strict=True)):
        if isinstance(end, int) or not math.isfinite(end.loss):
            found.append(end if isinstance(end, int) else steps)
            continue
        highest = member.train.optimizer.lr
        own = tuple(CurvePoint(each.step, float(each.of_runs[k]), highest * each.share) for each in curve)
        found.append(TrainingResult(end.loss, end.optimum, end.gap, runs.parameters, device.type, own))
    ended = [each for each in found if isinstance(each, TrainingResult)]
    if progress is not None and ended and began < steps:
        progress(steps, steps, fmean(each.loss for each in ended), fmean(each.gap for each in ended))
    return tuple(found)


def _course(name: str, runs: Runs, points: ResumePoints, progress: Progress | None) -> tuple[list[Losses], int]:
    """All steps that are still to do: the losses at those that the curve keeps, and the step that they began from. Each: a
    gradient, a step at this step's rate, perhaps a checkpoint, perhaps a resume point."""
    train = runs.members[0].train  # the others are alike but for seed, rate and process
    folder, point = points.folder, points.latest()
    if point is not None and point.step == train.steps:
        runs.finished(load_file(checkpoint_path(folder, train.steps)), point.state)
        return list(point.curve), train.steps
    runs.begin()
    if point is None:
        began, curve, checkpoints = 0, list[Losses](), {0: save_weights(runs.weights(), folder, 0)}
    else:
        began, curve, checkpoints = point.step, list(point.curve), dict(point.checkpoints)
        runs.restore(point.state)
    kept, drawn = set(checkpoint_steps(train)), curve_steps(train.steps)
    reported = -math.inf

    with stop_requests() as stop:
        for step in range(began, train.steps):
            share = rate(train.schedule, step, train.steps)
            losses = runs.step(step, share)

            if step in drawn:
                curve.append(Losses(step, share, losses.clone()))
            if step + 1 in kept:
                runs.check(step + 1)
                checkpoints[step + 1] = save_weights(runs.weights(), folder, step + 1)
            stopped_by = stop.number  # asked once: a signal after this is the next step's
            if step + 1 == train.steps:
                points.finish(ResumePoint(step + 1, tuple(curve), checkpoints, runs.verdict()))
            elif points.due() or stopped_by is not None:
                points.write(ResumePoint(step + 1, tuple(curve), checkpoints, runs.state()))
            # What the last step left is told once it has been evaluated: the loss here is that before the step.
            if progress is not None and step + 1 < train.steps and time.monotonic() - reported > SECONDS_BETWEEN_REPORTS:
                reported = time.monotonic()
                mean = float(losses.mean())
                progress(step + 1, train.steps, mean, None if runs.optimum is None else mean - runs.optimum)
            if stopped_by is not None:
                raise Interrupted(name, step + 1, train.steps, stopped_by)
    return curve, began


def initial_network(member: Member, model: Model) -> Network:
    """A run's network as its seed draws it."""
    train, tokens = member.train, len(member.process.tokens)
    network = build_network(model, tokens, stream(train.seed, "initialization"), tokens ** tokens_ahead(train.objective))
    freeze(network, frozen_parts(train.freeze, model))
    return network


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
    member = Member(train, process)
    with deterministic(where, train.threads):
        network = initial_network(member, model)
        if start_from is not None:
            take_over(network, process, start_from)
        alone = Alone(member, network.to(where), folder, discriminator)
        start = None if start_from is None else last_weights_hash(start_from)
        points = ResumePoints(folder, identity_of([(train, process)], model, where, False, start, discriminator))
        (result,) = train_runs(name, alone, where, points, progress)
        if isinstance(result, int):
            raise alone.diverged(result, result)
        return trained_of(name, train, model, process, folder, checkpoint_steps(train), result, alone.tree)


class Alone:
    """One run by itself: its gradient is added up in its network, and it ends where it diverges."""

    def __init__(self, member: Member, network: Network, folder: Path, discriminator: Model | None) -> None:
        train, process, model = member.train, member.process, network.spec
        self.members: Sequence[Member] = (member,)
        self.tree = histories_of(process, model.context, model.bos, train.histories, train.seed)
        self._network, self._folder, self._discriminator = network, folder, discriminator

    @property
    def optimum(self) -> float | None:
        return self._gradient.optimum

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in trained_parameters(self._network))

    def begin(self) -> None:
        (member,) = self.members
        self._gradient = gradient_of(self._network, member.train, member.process, self.tree, self._discriminator)
        self._optimizer = WeightOptimizer(member.train.optimizer, self._network, member.train.clip)

    def step(self, step: int, share: float) -> Float[Tensor, " run"]:
        """Raises Diverged."""
        loss = self._gradient.add()
        if not math.isfinite(loss):
            raise self.diverged(step, step)
        self._optimizer.step(share)
        return torch.tensor([loss], dtype=torch.float64)

    def weights(self) -> Mapping[str, Tensor]:
        return self._network.state_dict()

    def check(self, step: int) -> None:
        """Raises Diverged."""
        if not self._optimizer.weights_are_finite():
            raise self.diverged(step, step - 1)

    def state(self) -> Mapping[str, Tensor]:
        return {**self._optimizer.state(), **self._gradient.state()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self._optimizer.restore(state)
        self._gradient.restore(state)

    def verdict(self) -> Mapping[str, Tensor]:
        return {}

    def finished(self, weights: Mapping[str, Tensor], verdict: Mapping[str, Tensor]) -> None:
        self._network.load_state_dict(weights)
        WeightOptimizer(self.members[0].train.optimizer, self._network)  # the weights lie as they lay in training

    def ends(self) -> Iterable[Evaluation]:
        (member,) = self.members
        yield evaluate(self._network, self.tree, Ahead(self.tree, tokens_ahead(member.train.objective), member.process))

    def diverged(self, step: int, good: int) -> Diverged:
        """That it did at a step; the weights of the last checkpoint of at most `good` steps are finite."""
        steps = checkpoint_steps(self.members[0].train)
        return Diverged(step, checkpoint_path(self._folder, max(kept for kept in steps if kept <= good)))


def curve_steps(steps: int, most: int = CURVE_POINTS) -> frozenset[int]:
    """The steps that a learning curve keeps: all if they are few, else half of them evenly spaced and half evenly in logarithm,
    the first and the last among them."""
    if steps <= most:
        return frozenset(range(steps))
    even = np.linspace(0, steps - 1, most // 2)
    logarithmic = np.geomspace(1, steps, most - most // 2) - 1
    return frozenset(int(step) for step in np.round(np.concatenate([even, logarithmic])))


@torch.no_grad()
def take_over(network: Network, process: Process, source: Trained) -> tuple[str, ...]:
    """Copy what fits of the last weights of `source` into the network; returns the names of the weights that were copied.

    A weight of the embedding or the unembedding fits if the two processes have the same tokens in the same order, since its rows
    belong to tokens; and any weight only if its shape is the same. The others stay as they were drawn.
    """
    same_tokens = source.process.tokens == process.tokens
    there = load_file(checkpoint_path(source.folder, source.steps[-1]))
    copied = []
    for name, parameter in network.named_parameters():
        tokens_fit = same_tokens or part_of(name, network.spec) not in VOCABULARY_PARTS
        if tokens_fit and name in there and there[name].shape == parameter.shape:
            parameter.copy_(there[name])
            copied.append(name)
    return tuple(copied)


def last_weights_hash(source: Trained) -> str:
    """SHA-256 of the file of the last weights."""
    return sha256(checkpoint_path(source.folder, source.steps[-1]).read_bytes()).hexdigest()


def part_of(weight: str, spec: Model) -> str:
    """The part, as `spec.parts.parts_of` names it, of the weight that `named_parameters` calls so.

    Where a perceptron reads one-hot tokens, the first layer's weights are one row for each token and place: its embedding.
    """
    head, *rest = weight.split(".")
    match head:
        case "token":
            return "embedding"
        case "position":
            return "positions"
        case "norm":
            return "final_norm"
        case "blocks" | "layers":
            one_hot = isinstance(spec, MLP) and spec.d_embed is None and rest == ["0", "weight"]
            return "embedding" if one_hot else f"block {rest[0]}"
        case "unembedding" | "unembedding_bias" | "table":
            return "unembedding"
    raise ValueError(f"{weight} belongs to no part")


def freeze(network: Network, parts: Collection[str]) -> None:
    """Let these parts stay as they are while the others are trained."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(part_of(name, network.spec) not in parts)
