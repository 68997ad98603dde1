"""The versions of the libraries that can change a stage's numbers or pictures."""

from __future__ import annotations

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


@cache
def versions(kind: str) -> Mapping[str, str]:
    """Version by package for one kind of stage; a package that is not installed is left out."""
    found = {}
    for package in _BY_KIND[kind]:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
