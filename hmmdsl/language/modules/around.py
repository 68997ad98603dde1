"""The names that an expression sees which stands in no file: those of a file that is named with it, and the library's."""

from __future__ import annotations

from pathlib import Path

from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.modules.declarations import declare
from hmmdsl.language.modules.imports import Modules, std_module_names
from hmmdsl.language.parser import parse
from hmmdsl.language.reading import read_source
from hmmdsl.language.source import Span
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.scope import Bound, Module, Scope

STD = "std"
"""The head of the library's modules: `std.processes`."""


def names_of_file(path: Path, called: str, at: Span, budget: Budget, diagnostics: Diagnostics) -> Scope:
    """All that the file at `path` declares and imports, and behind it the library. `called` is its name in messages, `at` the
    expression that asks. Whatever is wrong is reported."""
    modules = Modules(path.parent, diagnostics, budget, main=path)
    scope = names_of_library(at, budget, diagnostics)
    source = read_source(path, called, diagnostics)
    if source is None:
        return scope
    declared = declare(parse(source, diagnostics), modules.load, budget, diagnostics, path=path)
    # The file's names stand before the library's, as a file that imports nothing has none of them.
    return Scope(parent=scope, bound=declared.bound, places=declared.places)


def names_of_library(at: Span, budget: Budget, diagnostics: Diagnostics) -> Scope:
    """The processes of the library by their bare names, and with their module before them: `mess3`, `std.processes.mess3`."""
    modules = Modules(None, diagnostics, budget)
    loaded = {name: modules.standard(name, at, diagnostics) for name in std_module_names()}
    inside: dict[str, Bound] = {name.removeprefix(f"{STD}."): module for name, module in loaded.items()}
    bare = {name: bound for module in loaded.values() for name, bound in module.names.bound.items()}
    return Scope(parent=Scope(bound={STD: Module(f"`{STD}`", Scope(bound=inside))}), bound=bare)
