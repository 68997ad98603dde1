"""Processes with arguments from the command line and from Python: `mess3(x = 0.1)`, `--set x=0.1`, `minimize(rrxor())`.

The language itself reads the call and makes the process, among the names of a file or of the library, so arguments mean and are
checked as in a spec.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.messages.hints import listing, nearest
from hmmdsl.language.modules.around import STD, names_of_file, names_of_library
from hmmdsl.language.modules.imports import LIBRARY, std_module_names
from hmmdsl.language.parser import parse, parse_expression
from hmmdsl.language.reading import read_source
from hmmdsl.language.records.settings import moved
from hmmdsl.language.source import Source, Span
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.composition import OPERATIONS
from hmmdsl.language.values.evaluation import evaluate_process
from hmmdsl.language.values.failure import ConstantError, Reported
from hmmdsl.language.values.lookup import find
from hmmdsl.language.values.scope import Scope, Template
from hmmdsl.process.process import Process
from hmmdsl.runtime.failures import OutputError

PROCESSES = "std.processes"
"""The module whose processes an expression may call without naming a file."""

COMMAND = "the command"
"""What messages call the text of a call."""


@dataclass(frozen=True)
class Place:
    """Where processes are declared: a module of the library, or a file. `path` is what is read."""

    called: str
    path: Path

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
        return Place(target, LIBRARY / f"{target.removeprefix('std.')}.hmm")
    path = Path(target)
    if not path.is_file():
        raise OutputError(f"there is no file {target}: check the path")
    return Place(target, path)


def is_call(text: str) -> bool:
    """Whether this is an expression, and no name: `mess3(x = 0.1)`."""
    return "(" in text


def expressed(expression: str, target: str = PROCESSES) -> tuple[str, Process]:
    """The process that an expression makes, among the names of `target` and, where it has none of the name, of the library;
    and how it is called. Raises SpecError if the expression is wrong."""
    source = Source(COMMAND, expression.strip())
    diagnostics = Diagnostics()
    parsed = parse_expression(source, diagnostics)
    diagnostics.raise_if_errors()
    if not isinstance(parsed, syntax.Call) or "\n" in source.text:
        raise OutputError(f"{expression!r} makes no process: write a call, as in `mess3(x = 0.1)` or `minimize(rrxor())`")
    return _made(parsed, target)


def _made(call: syntax.Call, target: str) -> tuple[str, Process]:
    """The process that a call makes among the names of `target`, and how it is called."""
    place, budget, diagnostics = place_of(target), Budget(), Diagnostics()
    if target in std_module_names():
        scope = names_of_library(call.span, budget, diagnostics)
    else:
        scope = names_of_file(place.path, place.called, call.span, budget, diagnostics)
    diagnostics.raise_if_errors()
    function = call.function
    last = function.segments[-1] if function.segments else None
    head = last.name if isinstance(last, syntax.Member) else function.span.text
    composed = function.bare in OPERATIONS
    if not composed:
        _check_known(function, scope, place)
    try:
        made = evaluate_process(call, scope, budget)
    except ConstantError as error:
        error.report(diagnostics)
        diagnostics.raise_if_errors()
        raise AssertionError("what has no value was reported") from error
    text = call.span.text
    if function.head.text == STD and last is not None:
        text = head + text[function.span.end - call.span.start :]
    return text, replace(made, name=text if composed else head)


def _check_known(function: syntax.Path, scope: Scope, place: Place) -> None:
    """Raise OutputError, with the nearest that there is, if nothing of this name can be called."""
    try:
        find(function, scope)
    except Reported:
        return
    except ConstantError:
        word = function.span.text.rpartition(".")[2]
        near = nearest(word, (*_processes(scope), *OPERATIONS))
        hint = f"did you mean `{near}`?" if near else f"there are {listing(tuple(place.parameters()))}"
        raise OutputError(f"{place.called} has no process {word!r}: {hint}") from None


def _processes(scope: Scope) -> tuple[str, ...]:
    """The names of all processes that are known here."""
    return tuple(name for name in scope.names() if isinstance(scope.lookup(name), Process | Template))


def instantiate(target: str, name: str | None, arguments: Mapping[str, str]) -> tuple[str, Process]:
    """A process with arguments, each a value in the language, and how it is called. Raises SpecError if an argument or the spec
    is wrong, and OutputError if there is no such file or process."""
    if target.startswith("std.") and name is None:
        target, _, name = target.rpartition(".")
    if name is None:
        raise OutputError(f"which process of {target} has the parameters {', '.join(arguments)}? Give its name too")
    if not name.isidentifier():
        raise OutputError(f"{name!r} is no name of a process")
    return _made(_call(name, arguments), target)


def _call(name: str, arguments: Mapping[str, str]) -> syntax.Call:
    """The call `name(argument = value, …)`. Each value is read alone, so that none can end before or behind its place. Raises
    SpecError if one is wrong."""
    values: dict[str, tuple[int, syntax.Expression]] = {}
    text = f"{name}("
    for each, value in arguments.items():
        diagnostics = Diagnostics()
        parsed = parse_expression(Source(each, value), diagnostics)
        diagnostics.raise_if_errors()
        assert parsed is not None, "what could not be read was reported"
        text += f"{', ' if values else ''}{each} = "
        values[each] = len(text), parsed
        text += " ".join(value.split("\n"))
    source = Source(COMMAND, f"{text})")
    given = []
    for each, (start, parsed) in values.items():
        written = syntax.Path(span := Span(source, start - len(f"{each} = "), start - len(" = ")), syntax.Name(span, each))
        placed = moved(parsed, source, start)
        given.append(syntax.Argument(written.span.to(placed.span), placed, written))
    head = Span(source, 0, len(name))
    return syntax.Call(Span(source, 0, len(source.text)), syntax.Path(head, syntax.Name(head, name)), tuple(given))


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
