"""Where a network lives, and how its arithmetic is held still."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

import torch
from torch.utils import deterministic as memory_rule

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""glibc's names for two options of `mallopt`."""

_LARGEST_ON_HEAP = 1 << 25
"""Arrays up to this many bytes are taken from the heap; it is the most that glibc allows."""

_KEPT_FREE = 1 << 30
"""Bytes that the heap may keep free."""


def choose_device(name: Literal["auto", "cpu", "cuda", "mps"] = "auto") -> torch.device:
    """`auto` takes CUDA, then MPS, then the CPU. Raises ValueError if the one asked for is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = "cuda" if there["cuda"] else "mps" if there["mps"] else "cpu"
    if not there[name]:
        raise ValueError(f"there is no {name} device on this machine; use `device = auto`")
    return torch.device(name)


@contextmanager
def deterministic(device: torch.device, threads: int) -> Iterator[None]:
    """Use `threads` CPU threads and only operations that give the same bits every time; afterwards all is as before.

    MPS has no deterministic form of some operations and is only warned about.
    """
    before = torch.get_num_threads()
    mode = torch.get_deterministic_debug_mode()
    filled = memory_rule.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.set_num_threads(threads)
    # The same as use_deterministic_algorithms, which loads the compiler for two seconds to tell it too.
    torch.set_deterministic_debug_mode("warn" if device.type == "mps" else "error")
    memory_rule.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA's matrix library starts
    _keep_freed_memory()
    try:
        yield
    finally:
        torch.set_num_threads(before)
        torch.set_deterministic_debug_mode(mode)
        memory_rule.fill_uninitialized_memory = filled  # type: ignore[attr-defined]


@cache
def _keep_freed_memory() -> None:
    """Ask the C library to keep what a step frees for the next step.

    Left alone, glibc hands large arrays back to the system after each step and takes a page fault for every 4 kB of them in the
    next, which can cost as much as the arithmetic.
    """
    if platform.libc_ver()[0] == "glibc":
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_ON_HEAP)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_FREE)
