"""What a run depended on besides its spec: versions, processor, threads. No names or paths of the machine."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import hmmdsl

_PACKAGES = ("torch", "numpy", "scikit-learn", "scipy", "matplotlib", "pydantic", "lark", "safetensors")
_SAME = ("hmmdsl", "python", "torch", "numpy", "scikit-learn", "scipy", "processor", "devices", "threads")
"""What must agree before two runs can be expected to agree to the bit."""


def environment(devices: Mapping[str, str], threads: Mapping[str, int]) -> dict[str, Any]:
    """What environment.json holds; `devices` and `threads` are those of each train."""
    found: dict[str, Any] = {
        "hmmdsl": hmmdsl.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": processor(),
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {**found, "devices": dict(devices), "threads": dict(threads)}


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """In words, what differs between two environments among what can change a number."""
    return [
        f"{key}: {before.get(key, 'unknown')} then, {now.get(key, 'unknown')} now"
        for key in _SAME
        if before.get(key) != now.get(key)
    ]


@cache
def processor() -> str:
    """The processor's model name."""
    if sys.platform == "linux":
        try:
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
        except OSError:
            pass
    return platform.processor() or platform.machine()
