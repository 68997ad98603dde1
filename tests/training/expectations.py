"""What expected losses and their gradients are checked against: every word of a length with its probability."""

from __future__ import annotations

import numpy as np
import torch

from hmmdsl.process.process import Process


def all_words(process: Process, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The words, and Pr(word)."""
    V = len(process.tokens)
    words = np.stack(np.meshgrid(*[np.arange(V)] * length, indexing="ij"), -1).reshape(-1, length)
    found = []
    for word in words:
        vector = process.eta
        for x in word:
            vector = vector @ process.T[x]
        found.append(vector.sum())
    return torch.tensor(words), torch.tensor(np.array(found), dtype=torch.float32)


def gradient(network: torch.nn.Module) -> torch.Tensor:
    """The gradients of all parameters that have one, side by side; they are cleared."""
    found = torch.cat([parameter.grad.reshape(-1) for parameter in network.parameters() if parameter.grad is not None])
    network.zero_grad()
    return found
