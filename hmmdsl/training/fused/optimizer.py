"""One optimizer for the weights of many runs, each run at its own learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import torch

from hmmdsl.spec.train import Optimizer
from hmmdsl.training.optimizer import Update

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor


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
