"""The optimizers of `spec.train`, over all weights as one vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from hmmdsl.spec.train import SGD, AdamW, Optimizer

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
        self.optimizer = torch_optimizer(spec, [self.weights])

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
        (group,) = self.optimizer.param_groups
        group["lr"] = self.lr * share
        self.weights.grad = gradient
        self.optimizer.step()
        return float(group["lr"])

    def weights_are_finite(self) -> bool:
        """Whether every weight is a number."""
        return bool(torch.isfinite(self.weights).all())

    def state(self) -> dict[str, Tensor]:
        """The weights, and the moments and the step of the optimizer, as arrays by name; they are not copies."""
        kept = self.optimizer.state_dict()["state"].get(0, {})
        moments = {f"optimizer.{name}": value for name, value in kept.items() if isinstance(value, torch.Tensor)}
        return {"weights": self.weights.detach(), **moments}

    @torch.no_grad()
    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave for an optimizer and a network of the same kind. The arrays are the optimizer's from now
        on; the weights are copied into their place, which the network's parameters share."""
        self.weights.copy_(state["weights"])
        moments = {name.removeprefix("optimizer."): value for name, value in state.items() if name.startswith("optimizer.")}
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": {0: moments} if moments else {}, "param_groups": groups})


def torch_optimizer(spec: Optimizer, weights: Sequence[Tensor]) -> torch.optim.Optimizer:
    """PyTorch's own optimizer for these weights, each array a group with a learning rate of its own."""
    fused = weights[0].device.type in ("cpu", "cuda")
    groups = [{"params": [each]} for each in weights]
    match spec:
        case SGD():
            return torch.optim.SGD(groups, lr=spec.lr, momentum=spec.momentum, weight_decay=spec.weight_decay, fused=fused)
        case AdamW():
            return torch.optim.AdamW(
                groups, lr=spec.lr, betas=spec.betas, eps=spec.eps, weight_decay=spec.weight_decay, fused=fused
            )
        case _:
            return torch.optim.Adam(groups, lr=spec.lr, betas=spec.betas, eps=spec.eps, fused=fused)
