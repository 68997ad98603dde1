"""Training runs side by side as one, from seeds to checkpoints, losses and gaps.

Each run draws its weights and its words from its own seed, as it would alone, and nothing of one run enters another. What differs
from a run alone is the order in which products are summed, so numbers agree to rounding and not to the bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from hmmdsl.process.ahead import Ahead
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.objectives import tokens_ahead
from hmmdsl.schema.train import Optimizer
from hmmdsl.training.device import choose_device, deterministic
from hmmdsl.training.fused.gradient import fused_gradient
from hmmdsl.training.fused.network import FusedNetwork
from hmmdsl.training.histories import histories_of
from hmmdsl.training.identity import identity_of
from hmmdsl.training.loop import Member, Progress, initial_network, train_runs
from hmmdsl.training.objective import Evaluation, evaluate
from hmmdsl.training.optimizer import Update
from hmmdsl.training.resumption import ResumePoints
from hmmdsl.training.trained import TrainingResult

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
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
    with deterministic(where, members[0].train.threads):
        batch = Batch(members, initial_networks(members, model, where))
        points = ResumePoints(folder, identity_of([(each.train, each.process) for each in members], model, where, True))
        return train_runs(name, batch, where, points, progress)


def initial_networks(members: Sequence[Member], model: Model, device: torch.device) -> FusedNetwork:
    """Each member's network as its seed draws it."""
    return FusedNetwork([initial_network(member, model) for member in members], device)


class Batch:
    """Many runs as one; `_diverged` is by run the step at which it did (-1: it has not). Losses stay on their device until
    somebody reads them."""

    def __init__(self, members: Sequence[Member], network: FusedNetwork) -> None:
        self.members, self._network = members, network
        self._diverged = torch.full((network.runs,), -1, dtype=torch.int64, device=network.rows.device)

    @property
    def optimum(self) -> float | None:
        return None if self._gradient.optima is None else sum(self._gradient.optima) / len(self.members)

    @property
    def parameters(self) -> int:
        return self._network.rows.shape[1]

    def begin(self) -> None:
        train = self.members[0].train
        self._gradient = fused_gradient(self._network, self.members)
        rates = [each.train.optimizer.lr for each in self.members]
        self._optimizer = FusedOptimizer(train.optimizer, rates, self._network.rows, train.clip)

    def step(self, step: int, share: float) -> Float[Tensor, " run"]:
        losses, gradients = self._gradient.add()
        self._note(~torch.isfinite(losses), step)
        self._optimizer.step(share, gradients)
        return losses

    def weights(self) -> Mapping[str, Tensor]:
        return self._network.weights()

    def check(self, step: int) -> None:
        self._note(~self._optimizer.finite(), step)

    def state(self) -> Mapping[str, Tensor]:
        return {**self._optimizer.state(), **self._gradient.state(), **self.verdict()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self._optimizer.restore(state)
        self._gradient.restore(state)
        self._diverged.copy_(state["diverged"])

    def verdict(self) -> Mapping[str, Tensor]:
        return {"diverged": self._diverged}

    def finished(self, weights: Mapping[str, Tensor], verdict: Mapping[str, Tensor]) -> None:
        self._network.restore(weights)
        self._diverged.copy_(verdict["diverged"])

    def ends(self) -> Iterable[Evaluation | int]:
        """Each run is evaluated on its own tree by its own network."""
        for k, (member, diverged) in enumerate(zip(self.members, self._diverged.tolist(), strict=True)):
            if diverged >= 0:
                yield int(diverged)
                continue
            network, train = self._network.lend(k), member.train
            tree = histories_of(member.process, network.spec.context, network.spec.bos, train.histories, train.seed)
            yield evaluate(network, tree, Ahead(tree, tokens_ahead(train.objective), member.process))

    def _note(self, bad: Bool[Tensor, " run"], step: int) -> None:
        """Runs that are `bad` and were not before."""
        self._diverged = torch.where((self._diverged < 0) & bad, step, self._diverged)


class FusedOptimizer:
    """Steps of an optimizer on the rows of a matrix, one row of weights for each run. Runs of equal rate that follow one another
    are stepped together; every optimizer works number by number, so no run feels another."""

    def __init__(self, spec: Optimizer, rates: Sequence[float], rows: Float[Tensor, "run weight"], clip: float | None) -> None:
        self.rows, self.rates, self.clip = rows, tuple(rates), clip
        # On the CPU an array's last numbers are rounded otherwise than the rest: by itself a row has the bits of a run alone.
        apart = rows.device.type == "cpu"
        self._sizes = [1 for _ in self.rates] if apart else [len(list(equal)) for _, equal in groupby(self.rates)]
        self._rates = list(self.rates) if apart else [rate for rate, _ in groupby(self.rates)]
        self._blocks = torch.split(rows, self._sizes)
        self._update = Update(spec, self._blocks)

    @torch.no_grad()
    def step(self, share: float, gradient: Float[Tensor, "run weight"]) -> None:
        """One step along each row's gradient, at `share` of its learning rate."""
        if self.clip is not None:
            norms = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
            gradient = gradient * torch.clamp(self.clip / (norms + 1e-6), max=1.0)
        self._update.rates = [rate * share for rate in self._rates]
        self._update.step(torch.split(gradient, self._sizes))

    def finite(self) -> Bool[Tensor, " run"]:
        """Of which runs every weight is a number."""
        return torch.isfinite(self.rows).all(dim=1)

    def state(self) -> dict[str, Tensor]:
        """The weights, and the moments and steps of the optimizer, as arrays by name; they are not copies."""
        return {"weights": self.rows.detach()} | {
            f"optimizer.{block}.{name}": value
            for block, moments in enumerate(self._update.state)
            for name, value in moments.items()
        }

    @torch.no_grad()
    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave for an optimizer and rows of the same kind."""
        self.rows.copy_(state["weights"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in state.items():
            if name.startswith("optimizer."):
                _, block, of = name.split(".", 2)
                moments.setdefault(int(block), {})[of] = value
        self._update.restore(moments)
