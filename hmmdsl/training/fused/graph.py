"""A computation that is the same at every step, recorded once as a CUDA graph where there is CUDA."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

T = TypeVar("T")

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
