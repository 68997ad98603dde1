"""The versions of the libraries that can change a stage's numbers or pictures, and the instructions that were asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

_ASKED = ("ATEN_CPU_CAPABILITY", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "OPENBLAS_CORETYPE")
"""Environment variables by which a user asks for other instructions than the processor's best: what they gave is not taken for
what the processor gives by itself, nor the other way round."""


@cache
def versions(packages: tuple[str, ...], numbers: bool) -> Mapping[str, str]:
    """Version by package, a package that is not installed being left out; and where the results are numbers, the instructions
    that were asked for."""
    found = {f"asked {name}": os.environ[name] for name in _ASKED if os.environ.get(name) and numbers}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
