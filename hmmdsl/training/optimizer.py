"""The optimizers of `spec.train`, over all weights as one vector."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.optim.adam import adam
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from hmmdsl.schema.train import SGD, Adam, AdamW, Constant, Cosine, OneCycle, Optimizer, Schedule

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class WeightOptimizer:
    """Steps of an optimizer on those of a network's weights that are trained.

    The weights are moved into one vector, of which the network's parameters become views; frozen ones stay where they are. All of
    these optimizers work number by number, so the results are the same, and a small network's step is not spent on going from one
    small array to the next.
    """

    def __init__(self, spec: Optimizer, network: nn.Module, clip: float | None = None) -> None:
        self.lr, self.clip = spec.lr, clip
        self.parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.weights = torch.cat([parameter.detach().reshape(-1) for parameter in self.parameters])
        sizes = [parameter.numel() for parameter in self.parameters]
        for parameter, piece in zip(self.parameters, self.weights.split_with_sizes(sizes), strict=True):
            parameter.data = piece.view_as(parameter)
        self._update = Update(spec, [self.weights])

    def step(self, share: float) -> float:
        """Use up the parameters' gradients in one step at `share` of the learning rate; returns the rate."""
        gradient: Float[Tensor, " weight"] = torch.cat(
            [torch.zeros_like(each).view(-1) if each.grad is None else each.grad.reshape(-1) for each in self.parameters]
        )
        for parameter in self.parameters:
            parameter.grad = None
        if self.clip is not None:
            # As torch.nn.utils.clip_grad_norm_, whose formula has the same small number.
            gradient *= torch.clamp(self.clip / (torch.linalg.vector_norm(gradient) + 1e-6), max=1.0)
        rate = self.lr * share
        self._update.rates = [rate]
        self._update.step([gradient])
        return rate

    def weights_are_finite(self) -> bool:
        """Whether every weight is a number."""
        return bool(torch.isfinite(self.weights).all())

    def state(self) -> dict[str, Tensor]:
        """The weights, and the moments and the step of the optimizer, as arrays by name; they are not copies."""
        (kept,) = self._update.state
        moments = {f"optimizer.{name}": value for name, value in kept.items()}
        return {"weights": self.weights.detach(), **moments}

    @torch.no_grad()
    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave for an optimizer and a network of the same kind. The arrays are the optimizer's from now
        on; the weights are copied into their place, which the network's parameters share."""
        self.weights.copy_(state["weights"])
        moments = {name.removeprefix("optimizer."): value for name, value in state.items() if name.startswith("optimizer.")}
        self._update.restore({0: moments})


class Update:
    """PyTorch's own update of arrays of weights, each at its rate of `rates`; `state` is what is remembered of each, by PyTorch's
    names.

    These are the functions behind the classes of torch.optim. The classes load the compiler when they are first used, for more
    than a second, to tell it to leave them alone.
    """

    def __init__(self, spec: Optimizer, weights: Sequence[Tensor]) -> None:
        self.rates = [spec.lr for _ in weights]
        self.state: list[dict[str, Tensor]] = [{} for _ in weights]
        self._spec, self._weights = spec, tuple(weights)
        self._fused = weights[0].device.type in ("cpu", "cuda")

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor]) -> None:
        """One step of every array along its gradient."""
        for weights, gradient, rate, state in zip(self._weights, gradients, self.rates, self.state, strict=True):
            if isinstance(self._spec, SGD):
                self._sgd(self._spec, weights, gradient, rate, state)
            else:
                self._adam(self._spec, weights, gradient, rate, state)

    def restore(self, state: Mapping[int, Mapping[str, Tensor]]) -> None:
        """Go on from what `state` held, by the places of the arrays."""
        for place, weights in enumerate(self._weights):
            self.state[place] = {
                name: value.to(weights.device if name != "step" or self._fused else "cpu")
                for name, value in state.get(place, {}).items()
            }

    def _sgd(self, spec: SGD, weights: Tensor, gradient: Tensor, rate: float, state: dict[str, Tensor]) -> None:
        buffers: list[Tensor | None] = [state.get("momentum_buffer")] if spec.momentum else []
        sgd(
            [weights],
            [gradient],
            buffers,
            fused=self._fused,
            foreach=False,
            weight_decay=spec.weight_decay,
            momentum=spec.momentum,
            lr=rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )
        if buffers and buffers[0] is not None:
            state["momentum_buffer"] = buffers[0]

    def _adam(self, spec: Adam | AdamW, weights: Tensor, gradient: Tensor, rate: float, state: dict[str, Tensor]) -> None:
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=weights.device if self._fused else "cpu")
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weights), torch.zeros_like(weights)
        (adamw if isinstance(spec, AdamW) else adam)(
            [weights],
            [gradient],
            [state["exp_avg"]],
            [state["exp_avg_sq"]],
            [],
            [state["step"]],
            fused=self._fused,
            foreach=False,
            amsgrad=False,
            beta1=spec.betas[0],
            beta2=spec.betas[1],
            lr=rate,
            weight_decay=spec.weight_decay if isinstance(spec, AdamW) else 0.0,
            eps=spec.eps,
            maximize=False,
        )


ONE_CYCLE_START, ONE_CYCLE_END = 1 / 25, 1 / 250_000
"""First and last rate of one cycle, as shares of the highest (the defaults of Smith & Topin's reference implementation)."""


def rate(schedule: Schedule, step: int, steps: int) -> float:
    """The share of the highest rate that step `step` of 0 … steps - 1 uses.

    constant    min(1, (step + 1) / W), where W = warmup * steps
    cosine      the same rise, then half a cosine that reaches `floor` at the last step
    one_cycle   half a cosine from 1/25 up to 1 at step W - 1, then half a cosine down to 1/250,000 at the last step
    """
    warm = schedule.warmup * steps
    match schedule:
        case Constant():
            return _rise(step, warm)
        case Cosine():
            return _rise(step, warm) if step < warm else _half_cosine(1.0, schedule.floor, _share(step - warm, steps - 1 - warm))
        case OneCycle():
            if step <= warm - 1:
                return _half_cosine(ONE_CYCLE_START, 1.0, _share(step, warm - 1))
            return _half_cosine(1.0, ONE_CYCLE_END, _share(step - (warm - 1), steps - warm))


def _rise(step: int, warm: float) -> float:
    return min(1.0, (step + 1) / warm) if warm else 1.0


def _share(part: float, whole: float) -> float:
    """part / whole within [0, 1]; a stretch of no length is done at once."""
    return min(part / whole, 1.0) if whole > 0 else 1.0


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
