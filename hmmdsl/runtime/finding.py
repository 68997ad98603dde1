"""Processes by name: those of a spec, and those of the library."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hmmdsl.analysis import kinds
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.elaborate import compile_file, compile_text
from hmmdsl.language.modules.imports import LIBRARY, std_module_names
from hmmdsl.language.parser import parse_expression
from hmmdsl.language.source import Source
from hmmdsl.process.process import Process
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.reading import read


def find_processes(
    target: str, name: str | None = None, settings: Mapping[str, str] | None = None, profile: str | None = None
) -> dict[str, Process]:
    """What `target` names: a spec's processes, a library module's (`std.processes`), or one of either. At least one. Raises
    SpecError, and OutputError if there is no such process."""
    if target == "std" or target.startswith("std."):
        where, processes, one = _library(target)
        name = one or name
    else:
        compiled = read(Path(target), settings or {}, profile)
        where, processes = target, {**compiled.declared, **compiled.processes}
    if name is not None:
        if name not in processes:
            near = difflib.get_close_matches(name, processes, n=1)
            hint = (
                f"the nearest is {near[0]}" if near else f"there {'are' if processes else 'is'} {', '.join(processes) or 'none'}"
            )
            raise OutputError(f"{where} has no process {name!r} that can stand without arguments: {hint}")
        processes = {name: processes[name]}
    if not processes:
        raise OutputError(f"{where} has no process to show")
    return dict(processes)


def find_process(
    target: str, name: str | None = None, settings: Mapping[str, str] | None = None, profile: str | None = None
) -> tuple[str, Process]:
    """The one process that `target` and `name` lead to, with its name. Raises SpecError, and OutputError if it is not one."""
    found = find_processes(target, name, settings, profile)
    if len(found) > 1:
        example = f"{target}.{next(iter(found))}" if target.startswith("std") else f"{target} {next(iter(found))}"
        raise OutputError(f"{target} has {len(found)} processes, {', '.join(found)}: name one, as in `{example}`")
    return next(iter(found.items()))


def comments_of(target: str) -> dict[str, str]:
    """What a spec or a library module says of its processes, in the comment above each."""
    path = Path(target)
    for module in std_module_names():
        if target == module or target.startswith(module + "."):
            path = LIBRARY / f"{module.removeprefix('std.')}.hmm"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    found = re.findall(r"^((?:#.*\n)+)(?:hmm|ghmm|process)[ \t]+(\w+)", text, re.MULTILINE)
    return {name: " ".join(line.lstrip("# ").rstrip() for line in comment.splitlines()).strip() for comment, name in found}


def _library(target: str) -> tuple[str, Mapping[str, Process], str | None]:
    """A library module's name, its processes at their defaults, and the one that is asked for, if one is."""
    for module in std_module_names():
        if target == module or target.startswith(module + "."):
            path = LIBRARY / f"{module.removeprefix('std.')}.hmm"
            return module, compile_file(path, kinds()).declared, target[len(module) + 1 :] or None
    raise OutputError(f"there is no library module {target!r}: there is {', '.join(std_module_names())}")


def instantiate(target: str, name: str | None, arguments: Mapping[str, str]) -> tuple[str, Process]:
    """A process with arguments, each a value in the language, and how it is called. Raises SpecError if an argument or the spec
    is wrong, and OutputError if there is no such file or process."""
    module, std = target, target.startswith("std.")
    if std and name is None:
        module, _, name = target.rpartition(".")
    if name is None:
        raise OutputError(f"which process of {target} has the parameters {', '.join(arguments)}? Give its name too")
    if not name.isidentifier():
        raise OutputError(f"{name!r} is no name of a process")
    for value in arguments.values():
        diagnostics = Diagnostics()
        parse_expression(Source("argument", value), diagnostics)
        diagnostics.raise_if_errors()
    path = Path(target)
    if not std and not path.is_file():
        raise OutputError(f"there is no file {target}: check the path")
    # The language itself calls the process, so arguments mean and are checked as in a spec.
    given = ", ".join(f"{each} = {value}" for each, value in arguments.items())
    opening = f"import {module} as source" if std else f'import "{path.name}" as source'
    text = f"{opening}\nprocess it = source.{name}({given})\n"
    made = compile_text(text, "arguments", kinds(), folder=None if std else path.parent).declared["it"]
    called = f"{name}({given})"
    return called, replace(made, name=name)
