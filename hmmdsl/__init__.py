"""A declarative language for experiments on what sequence models learn.

`hmmdsl.process("std.processes", "rrxor")` gives a process to ask things of, see hmmdsl/notebook.py; `hmmdsl.load_run(folder)` a
finished run, see hmmdsl/exchange/loading.py. Importing this imports no heavy library.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from hmmdsl import process as _process
from hmmdsl.version import __version__ as __version__

if TYPE_CHECKING:
    from hmmdsl.exchange.loading import LoadedRun as LoadedRun
    from hmmdsl.exchange.loading import load_run as load_run
    from hmmdsl.language.diagnostics import SpecError as SpecError
    from hmmdsl.notebook import NotebookProcess as NotebookProcess
    from hmmdsl.notebook import process as process
    from hmmdsl.runtime.failures import OutputError as OutputError


_LAZY = {
    "LoadedRun": "hmmdsl.exchange.loading",
    "NotebookProcess": "hmmdsl.notebook",
    "OutputError": "hmmdsl.runtime.failures",
    "SpecError": "hmmdsl.language.diagnostics",
    "load_run": "hmmdsl.exchange.loading",
}


class _CallablePackage(ModuleType):
    """`hmmdsl.process` is the package of the theory; called, it gives one process."""

    def __call__(self, *source: Any, **parameters: Any) -> NotebookProcess:
        from hmmdsl.notebook import process

        return process(*source, **parameters)


_process.__class__ = _CallablePackage


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
