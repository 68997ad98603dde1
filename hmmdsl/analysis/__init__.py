"""What is measured of a trained network: one file for each kind, found by its presence here.

A kind's file defines its options, result schema, computation and figure in one class; heavy libraries are imported inside
the functions that need them, so that checking a spec stays quick.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from hmmdsl.spec.analysis import Analysis, AnalysisKinds


@cache
def kinds() -> AnalysisKinds:
    """Every kind of analysis by its word: the `Analysis` subclasses of this folder's modules."""
    found: dict[str, type[Analysis]] = {}
    for module in iter_modules(__path__):
        if module.ispkg:
            continue
        for value in vars(import_module(f"{__name__}.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, Analysis) and "word" in vars(value):
                found[value.word] = value
    return found
