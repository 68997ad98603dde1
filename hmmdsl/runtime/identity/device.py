"""On which sort of device a training run will be, found without importing torch."""

from __future__ import annotations

import ctypes
import platform
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path


def device_type(name: str) -> str:
    """`cpu`, `cuda` or `mps` for a train's `device`; `auto` takes the first of CUDA, MPS and the CPU that is there."""
    if name != "auto":
        return name
    return "cuda" if _has_cuda() else "mps" if _has_mps() else "cpu"


@cache
def _has_cuda() -> bool:
    """Whether torch is built for CUDA and its driver finds a device that this process may see."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    try:
        text = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return False
    if not re.search(r"^cuda\b[^=\n]*=\s*['\"]", text, re.MULTILINE):
        return False
    try:
        driver = ctypes.CDLL("nvcuda.dll" if platform.system() == "Windows" else "libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


@cache
def _has_mps() -> bool:
    """Apple's own processors from macOS 12.3 on."""
    if platform.system() != "Darwin" or platform.machine() != "arm64":
        return False
    return tuple(int(part) for part in platform.mac_ver()[0].split(".")[:2] if part.isdigit()) >= (12, 3)
