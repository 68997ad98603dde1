"""Processes with arguments from the command line and from Python: `mess3(x = 0.1)`, `--set x=0.1`, `minimize(rrxor())`.

The language itself makes the process, from an import and one line, so arguments mean and are checked as in a spec.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hmmdsl.analysis import kinds
from hmmdsl.language import syntax
from hmmdsl.language.constants.functions import OPERATIONS
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.elaborate import compile_text
from hmmdsl.language.messages.hints import listing, nearest
from hmmdsl.language.modules.imports import LIBRARY, std_module_names
from hmmdsl.language.parser import parse, parse_expression
from hmmdsl.language.reading import read_source
from hmmdsl.language.source import Source
from hmmdsl.process.process import Process
from hmmdsl.runtime.failures import OutputError

PROCESSES = "std.processes"
"""The module whose processes an expression may call without naming a file."""


@dataclass(frozen=True)
class Place:
    """Where processes are declared: a module of the library, or a file. `path` is what is read, `opening` what imports it."""

    called: str
    path: Path
    opening: str

    def parameters(self) -> dict[str, tuple[str, ...]]:
        """The processes that are declared there, each with the names of its parameters. Raises SpecError if it can't be read."""
        diagnostics = Diagnostics()
        source = read_source(self.path, self.called, diagnostics)
        diagnostics.raise_if_errors()
        if source is None:
            return {}
        return {
            statement.name.text: tuple(parameter.name.text for parameter in statement.parameters or ())
            for statement in parse(source, diagnostics).statements
            if isinstance(statement, syntax.Hmm | syntax.ProcessDefinition)
        }


def place_of(target: str) -> Place:
    """The module or file of this name. Raises OutputError if there is none."""
    if target in std_module_names():
        return Place(target, LIBRARY / f"{target.removeprefix('std.')}.hmm", target)
    path = Path(target)
    if not path.is_file():
        raise OutputError(f"there is no file {target}: check the path")
    return Place(target, path, f'"{path.name}"')


def is_call(text: str) -> bool:
    """Whether this is an expression, and no name: `mess3(x = 0.1)`."""
    return "(" in text


def expressed(expression: str, target: str = PROCESSES) -> tuple[str, Process]:
    """The process that an expression makes, from the processes of `target` and, where it has none of the name, of the library;
    and how it is called. Raises SpecError if the expression is wrong."""
    text = re.sub(rf"\b{re.escape(PROCESSES)}\.(?=\w)", "", expression).strip()
    diagnostics = Diagnostics()
    parsed = parse_expression(Source("the command", text), diagnostics)
    diagnostics.raise_if_errors()
    if not isinstance(parsed, syntax.Call) or "\n" in text:
        raise OutputError(f"{expression!r} makes no process: write a call, as in `mess3(x = 0.1)` or `minimize(rrxor())`")
    place, library = place_of(target), place_of(PROCESSES)
    words = set(re.findall(r"[^\W\d]\w*", text))
    own = sorted(words & place.parameters().keys()) if place != library else []
    common = sorted((words - set(own)) & library.parameters().keys())
    head = text.partition("(")[0].strip()
    if head not in (*own, *common, *OPERATIONS):
        known = (*place.parameters(), *library.parameters(), *OPERATIONS)
        near = nearest(head, known)
        hint = f"did you mean `{near}`?" if near else f"there are {listing(tuple(place.parameters()))}"
        raise OutputError(f"{place.called} has no process {head!r}: {hint}")
    lines = [f"import {library.opening} ({', '.join(common)})"] if common else []
    written = text
    if own:
        alias = _free("its", words)
        lines.append(f"import {place.opening} as {alias}")
        written = re.sub(rf"(?<![\w.])({'|'.join(own)})\b(?!\s*=(?!=))", rf"{alias}.\1", text)
    shown = _free("shown", words)
    spec = "\n".join([*lines, f"process {shown} = {written}", ""])
    folder = None if place == library else place.path.parent
    made = compile_text(spec, "the command", kinds(), folder=folder).declared[shown]
    return text, replace(made, name=text if head in OPERATIONS else head)


def _free(word: str, taken: set[str]) -> str:
    """A name like `word` that the expression does not use."""
    while word in taken:
        word += "_"
    return word


def instantiate(target: str, name: str | None, arguments: Mapping[str, str]) -> tuple[str, Process]:
    """A process with arguments, each a value in the language, and how it is called. Raises SpecError if an argument or the spec
    is wrong, and OutputError if there is no such file or process."""
    if target.startswith("std.") and name is None:
        target, _, name = target.rpartition(".")
    if name is None:
        raise OutputError(f"which process of {target} has the parameters {', '.join(arguments)}? Give its name too")
    if not name.isidentifier():
        raise OutputError(f"{name!r} is no name of a process")
    place_of(target)
    for value in arguments.values():
        diagnostics = Diagnostics()
        parse_expression(Source("argument", value), diagnostics)
        diagnostics.raise_if_errors()
    given = ", ".join(f"{each} = {value}" for each, value in arguments.items())
    return expressed(f"{name}({given})", target)


def arguments_among(settings: Mapping[str, str], target: str, name: str) -> tuple[dict[str, str], dict[str, str]]:
    """Which settings are arguments of the process (`x=0.1` or `mess3.x=0.1`), by parameter, and which are about its file.

    Raises OutputError for one that can only be an argument and is none, with the nearest that is.
    """
    if target not in std_module_names() and (Path(target).suffix != ".hmm" or not Path(target).is_file()):
        return {}, dict(settings)
    declared = place_of(target).parameters()
    if target in std_module_names() and name not in declared:
        return {}, {}
    parameters = declared.get(name, ())
    arguments: dict[str, str] = {}
    others: dict[str, str] = {}
    for key, value in settings.items():
        head, dot, word = key.partition(".")
        parameter = word if dot and head == name else key
        if parameter in parameters:
            arguments[parameter] = value
        elif target in std_module_names() or (dot and head == name):
            near = nearest(parameter, parameters)
            hint = f"did you mean `{near}`?" if near else f"it has {listing(parameters)}" if parameters else "it has none"
            raise OutputError(f"{name} of {target} has no parameter `{parameter}`: {hint}")
        else:
            others[key] = value
    if arguments and others:
        raise OutputError(
            f"`--set {next(iter(arguments))}=…` is an argument of {name}, and `--set {next(iter(others))}=…` is about its file: "
            f"set one of the two, and write the other into {target}"
        )
    return arguments, others
