"""One step's gradients of all runs at once: each run's loss by itself, mapped over the runs (torch.func.vmap)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, vmap

from hmmdsl.models.network import Network
from hmmdsl.process.ahead import Ahead
from hmmdsl.process.history_tree import HistoryTree, build_history_tree
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.objectives import tokens_ahead
from hmmdsl.schema.train import ExactData, SampledData
from hmmdsl.training.fused.network import FusedNetwork
from hmmdsl.training.histories import withheld
from hmmdsl.training.loop import Member
from hmmdsl.training.objective import drawn_loss, expected_loss, part_loss
from hmmdsl.training.streams import stream
from hmmdsl.training.words import Batches, WordSource

if TYPE_CHECKING:
    from jaxtyping import Float, Int64
    from torch import Tensor

    from hmmdsl.models.layout import TreeLayout


T = TypeVar("T")

Step = Callable[[], "tuple[Float[Tensor, ' run'], Float[Tensor, 'run weight']]"]
"""Each run's loss in nats and its gradient, as one row."""


@dataclass(frozen=True)
class FusedGradient:
    """`step` computes losses and gradients of the present weights. `optima` are the least losses that there can be, None where
    they depend on what is drawn; `draw` brings every run's next batch of words, if any are drawn."""

    step: Step
    optima: tuple[float, ...] | None = None
    batches: tuple[Batches, ...] = ()
    draw: Callable[[], None] = field(default=lambda: None)

    def add(self) -> tuple[Float[Tensor, " run"], Float[Tensor, "run weight"]]:
        """One step's losses and gradients."""
        self.draw()
        return self.step()

    def state(self) -> dict[str, Tensor]:
        """What is needed to go on, by name: how far each run's words are used up."""
        return {f"{run}.{name}": value for run, each in enumerate(self.batches) for name, value in each.state().items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        for run, each in enumerate(self.batches):
            own = f"{run}."
            each.restore({name.removeprefix(own): value for name, value in state.items() if name.startswith(own)})


def fused_gradient(network: FusedNetwork, members: Sequence[Member]) -> FusedGradient:
    """The gradient of the members' objective on their data, each run with words of its own where words are drawn.

    Raises ValueError if their processes have not the same words of non-zero probability.
    """
    shared, model = members[0].train, network.template.spec
    device, k = network.rows.device, tokens_ahead(shared.objective)
    if isinstance(shared.data, SampledData):
        return _on_words(network, members, model, shared.data.batch, k)
    parts, targets, optima = _on_trees(members, model, shared.data, k, device)
    of_parts = [_Loss(network.template, partial(part_loss, layout=layout)) for layout in parts]

    def step() -> tuple[Float[Tensor, " run"], Float[Tensor, "run weight"]]:
        found = [_mapped(network, loss, target) for loss, target in zip(of_parts, targets, strict=True)]
        losses, gradients = found[0]
        for more, further in found[1:]:
            losses, gradients = losses + more, gradients + further
        return losses, gradients

    return FusedGradient(replayed(step, device), optima)


def _on_trees(
    members: Sequence[Member], model: Model, data: ExactData, k: int, device: torch.device
) -> tuple[tuple[TreeLayout, ...], list[Float[Tensor, "run row output"]], tuple[float, ...]]:
    """The one layout that all trees have, each part's targets run by run, and the optima. What runs share is worked out once."""
    trees: dict[int, HistoryTree] = {}
    objectives = {}
    keys = []
    for member in members:
        process = member.process
        if id(process) not in trees:
            trees[id(process)] = build_history_tree(process, model.context, model.bos)
        tree = trees[id(process)]
        key = (id(process), member.train.seed if data.withhold else 0)
        if key not in objectives:
            left_out = withheld(tree, data.withhold, member.train.seed)
            objectives[key] = expected_loss(tree, left_out, device, Ahead(tree, k, process))
        keys.append(key)
    first = trees[id(members[0].process)]
    for tree in trees.values():
        if not (np.array_equal(tree.token, first.token) and np.array_equal(tree.parent, first.parent)):
            raise ValueError("processes that have other words can't be trained in one batch")
    found = [objectives[key] for key in keys]
    targets = [torch.stack([each.targets[part] for each in found]) for part in range(len(found[0].parts))]
    return found[0].parts, targets, tuple(each.optimum for each in found)


def _on_words(network: FusedNetwork, members: Sequence[Member], model: Model, size: int, k: int) -> FusedGradient:
    device = network.rows.device
    batches = tuple(
        Batches(WordSource(each.process, model.context + k, device, stream(each.train.seed, "data")), size) for each in members
    )
    words: Int64[Tensor, "run word position"] = torch.zeros(
        (len(members), size, model.context + k), dtype=torch.int64, device=device
    )

    def draw() -> None:
        torch.stack([each.next() for each in batches], out=words)

    loss = _Loss(network.template, partial(drawn_loss, k=k))
    return FusedGradient(replayed(lambda: _mapped(network, loss, words), device), batches=batches, draw=draw)


def _mapped(network: FusedNetwork, loss: nn.Module, data: Tensor) -> tuple[Float[Tensor, " run"], Float[Tensor, "run weight"]]:
    """Every run's loss on its row of `data`. No run's loss depends on another's weights, so the sum's gradient is each one's."""
    held = {f"network.{name}": weight for name, weight in {**network.trained, **network.frozen}.items()}
    losses = vmap(lambda weights, own: functional_call(loss, weights, (own,)))(held, data)
    gradients = torch.autograd.grad(losses.sum(), list(network.trained.values()), allow_unused=True)
    pieces = [
        (torch.zeros_like(weight) if gradient is None else gradient).reshape(network.runs, -1)
        for weight, gradient in zip(network.trained.values(), gradients, strict=True)
    ]
    return losses.detach(), torch.cat(pieces, dim=1)


class _Loss(nn.Module):
    """A loss of a network on data, as a module, so that the network can be lent weights."""

    def __init__(self, network: Network, loss: Callable[[Network, Tensor], Tensor]) -> None:
        super().__init__()
        self.network, self.loss = network, loss

    def forward(self, data: Tensor) -> Float[Tensor, ""]:
        """In nats."""
        return self.loss(self.network, data)


WARM_UPS = 3
"""Calls before the recording, in which libraries choose their kernels and take memory (as PyTorch's notes on graphs ask)."""


def replayed(work: Callable[[], T], device: torch.device) -> Callable[[], T]:
    """`work` itself on a CPU. On CUDA a replay of it: all of its kernels are launched as one, and for small networks launching
    them is most of a step's time.

    `work` reads tensors that stay where they are, changes nothing else, and asks for no number of what it computes. What it
    returned when it was recorded is what every replay fills again.
    """
    if device.type != "cuda":
        return work
    beside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    beside.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(beside):
        for _ in range(WARM_UPS):
            work()
    torch.cuda.current_stream(device).wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        filled = work()

    def replay() -> T:
        graph.replay()
        return filled

    return replay
