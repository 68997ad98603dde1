"""The optimizers of `spec.train` as torch's."""

from __future__ import annotations

import torch
from torch import nn

from hmmdsl.spec.train import SGD, AdamW, Optimizer


def make_optimizer(spec: Optimizer, network: nn.Module, device: torch.device) -> torch.optim.Optimizer:
    """One update of all weights at a time where the device can."""
    parameters, fused = list(network.parameters()), device.type in ("cpu", "cuda")
    match spec:
        case SGD():
            return torch.optim.SGD(parameters, lr=spec.lr, momentum=spec.momentum, weight_decay=spec.weight_decay, fused=fused)
        case AdamW():
            return torch.optim.AdamW(
                parameters, lr=spec.lr, betas=spec.betas, eps=spec.eps, weight_decay=spec.weight_decay, fused=fused
            )
        case _:
            return torch.optim.Adam(parameters, lr=spec.lr, betas=spec.betas, eps=spec.eps, fused=fused)
