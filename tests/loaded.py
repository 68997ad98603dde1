"""Loads every module that hmmdsl imports anywhere, and its own: in the process that forks the commands of tests."""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib
from pathlib import Path

import hmmdsl


def imported_anywhere() -> set[str]:
    """What the files of hmmdsl import, at their heads or in functions."""
    found: set[str] = set()
    for path in Path(hmmdsl.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
            elif isinstance(node, ast.Import):
                found |= {each.name for each in node.names}
    return found


for module in sorted(imported_anywhere()):
    with contextlib.suppress(ImportError):  # an extra that is not installed, or a name that is no module
        importlib.import_module(module)
gc.freeze()  # a fork that collects garbage does not copy all of it
