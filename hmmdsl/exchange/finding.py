"""Processes by name: those of a spec, those of the library, and what calls make of either."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from hmmdsl.exchange.calls import arguments_among, expressed, instantiate, is_call, place_of
from hmmdsl.exchange.reading import read
from hmmdsl.files.plain import read_plain
from hmmdsl.language.elaborate import compile_file
from hmmdsl.language.modules.imports import LIBRARY, std_module_names
from hmmdsl.language.reading import MAX_BYTES
from hmmdsl.process.process import Process
from hmmdsl.runtime.failures import OutputError


def find_processes(
    target: str, name: str | None = None, settings: Mapping[str, str] | None = None, profile: str | None = None
) -> dict[str, Process]:
    """What `target` names: a spec's processes, a library module's (`std.processes`), one of either, or what a call makes,
    `std.processes.mess3(x = 0.1)`. `settings` are arguments of the one process that is named, or about its file. At least one.
    Raises SpecError, and OutputError if there is no such process."""
    # A file may be called `copy (1).hmm`. Unlike Path.is_file, this is no error for a call that is longer than a name may be.
    lone = is_call(target) and not os.path.isfile(target)
    if lone or (name is not None and is_call(name)):
        if settings:
            raise OutputError("`--set` and a call both give arguments: write them all into the call")
        called, made = expressed(target) if name is None else expressed(name, target)
        return {called: made}
    module = next((each for each in std_module_names() if target.startswith(f"{each}.")), None)
    if module is not None:
        target, name = module, target[len(module) + 1 :]
    meant = name if name is not None or not settings else _only(target)
    if settings and meant is not None:
        arguments, settings = arguments_among(settings, target, meant)
        if arguments:
            called, made = instantiate(target, meant, arguments)
            return {called: made}
    if target == "std" or target.startswith("std."):
        if settings:
            raise OutputError(f"`--set` gives arguments to one process: name it, as in `{target}.mess3`")
        where, processes = _library(target)
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


def _only(target: str) -> str | None:
    """The one process that a spec declares; None where there are several, or none."""
    if Path(target).suffix != ".hmm" or not Path(target).is_file():
        return None
    declared = list(place_of(target).parameters())
    return declared[0] if len(declared) == 1 else None


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
        text = read_plain(path, MAX_BYTES).decode()
    except (OSError, UnicodeDecodeError):
        return {}
    found = re.findall(r"^((?:#.*\n)+)(?:hmm|ghmm|process)[ \t]+(\w+)", text, re.MULTILINE)
    return {name: " ".join(line.lstrip("# ").rstrip() for line in comment.splitlines()).strip() for comment, name in found}


def _library(target: str) -> tuple[str, Mapping[str, Process]]:
    """A library module's name and its processes at their defaults."""
    if target in std_module_names():
        return target, compile_file(LIBRARY / f"{target.removeprefix('std.')}.hmm", {}).declared  # it has no analyses
    raise OutputError(f"there is no library module {target!r}: there is {', '.join(std_module_names())}")
