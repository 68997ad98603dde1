"""What is measured of a trained network: one folder for each kind, found by its presence here ([`kind`](kind.py) says what is in
it). What kinds share: `reading` (what is read of networks and histories), `fitting` (affine maps and their scores), `drawing`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from hmmdsl.analysis.kind import Kind
from hmmdsl.schema.analysis import AnalysisKinds


@cache
def kinds() -> AnalysisKinds:
    """Every kind of analysis by its word: those of the folders here that have a record."""
    found: dict[str, type[Kind]] = {}
    for folder in (module.name for module in iter_modules(__path__) if module.ispkg):
        if find_spec(f"{__name__}.{folder}.record") is not None:
            record = import_module(f"{__name__}.{folder}.record")
            own = (value for value in vars(record).values() if isinstance(value, type) and value.__module__ == record.__name__)
            found |= {value.word: value for value in own if issubclass(value, Kind)}
    return found
