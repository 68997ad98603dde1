"""The versions of the libraries that can change a stage's numbers or pictures, and the instructions that were asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType

_BY_KIND: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "process": ("numpy", "scipy"),
        "train": ("numpy", "torch"),
        "batch": ("numpy", "torch"),
        "analysis": ("numpy", "scipy", "scikit-learn", "torch"),
        "figures": ("matplotlib", "networkx", "numpy", "pillow", "scipy"),
        "report": ("jinja2",),
    }
)

_NUMBERS = frozenset({"process", "train", "batch", "analysis"})
"""The kinds whose results are numbers."""

_ASKED = ("ATEN_CPU_CAPABILITY", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "OPENBLAS_CORETYPE")
"""Environment variables by which a user asks for other instructions than the processor's best: what they gave is not taken for
what the processor gives by itself, nor the other way round."""


@cache
def versions(kind: str) -> Mapping[str, str]:
    """Version by package for one kind of stage, a package that is not installed being left out; and of a kind whose results are
    numbers, the instructions that were asked for."""
    found = {f"asked {name}": os.environ[name] for name in _ASKED if os.environ.get(name) and kind in _NUMBERS}
    for package in _BY_KIND[kind]:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
