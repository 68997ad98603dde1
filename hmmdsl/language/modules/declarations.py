"""The names that a file declares: imports, processes, params."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.messages.hints import suggestion
from hmmdsl.language.processes.templates import DefinedTemplate, HmmTemplate
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.evaluation import evaluate
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.lookup import BUILTIN_NAMES
from hmmdsl.language.values.mentions import mentions
from hmmdsl.language.values.scope import Bound, Failed, Module, Scope, Template, check_new_name
from hmmdsl.language.values.value import Value

Load = Callable[[syntax.Import, Path | None, Diagnostics], Module]
"""Reads the module that an import of a file names. Raises ConstantError."""

NO_OVERRIDES: Mapping[str, Value] = MappingProxyType({})


def declare(
    file: syntax.File,
    load: Load,
    budget: Budget,
    diagnostics: Diagnostics,
    overrides: Mapping[str, Value] = NO_OVERRIDES,
    *,
    path: Path | None = None,
) -> Scope:
    """The names of a file: its imports, its processes (which may stand in any order), its params (in order; those in `overrides`
    take their value from there). `load` reads what an import names; `path` is the file, None for a bare text or the standard
    library. Whatever is wrong is reported.
    """
    scope = Scope()
    for statement in file.statements:
        match statement:
            case syntax.Import():
                _import(statement, scope, load, diagnostics, path)
            case syntax.Hmm() if _damaged(statement, diagnostics):
                _declare(statement.name, Failed(), scope, diagnostics)
            case syntax.Hmm():
                hmm = HmmTemplate(statement.name.text, statement.parameters, diagnostics, scope, hmm=statement)
                _declare(statement.name, hmm, scope, diagnostics)
            case syntax.ProcessDefinition():
                definition = DefinedTemplate(statement.name.text, statement.parameters, diagnostics, scope, definition=statement)
                _declare(statement.name, definition, scope, diagnostics)
    _define_lost(file, diagnostics, scope)
    for statement in file.statements:
        if isinstance(statement, syntax.Param):
            _declare(statement.name, _param(statement, scope, budget, diagnostics, overrides), scope, diagnostics)
    return scope


def dependents(file: syntax.File, params: Collection[str]) -> frozenset[str]:
    """The names of a file whose meaning may change with these params: themselves, and whatever mentions one, at any remove."""
    found = set(params)
    before = 0
    while len(found) > before:
        before = len(found)
        for statement in file.statements:
            match statement:
                case syntax.Param(name=name) | syntax.Hmm(name=name) | syntax.ProcessDefinition(name=name):
                    if name.text not in found and found & mentions(statement):
                        found.add(name.text)
    return frozenset(found)


def redeclare(
    file: syntax.File,
    scope: Scope,
    names: Collection[str],
    budget: Budget,
    diagnostics: Diagnostics,
    overrides: Mapping[str, Value],
) -> Scope:
    """The same names with other values for some params: only `names`, which depend on them, are declared anew."""
    other = Scope(bound=dict(scope.bound), places=dict(scope.places))
    for statement in file.statements:
        match statement:
            case syntax.Hmm(name=name, parameters=parameters) if name.text in names:
                other.bound[name.text] = HmmTemplate(name.text, parameters, diagnostics, other, hmm=statement)
            case syntax.ProcessDefinition(name=name, parameters=parameters) if name.text in names:
                other.bound[name.text] = DefinedTemplate(name.text, parameters, diagnostics, other, definition=statement)
    for statement in file.statements:
        if isinstance(statement, syntax.Param) and statement.name.text in names:
            other.bound[statement.name.text] = _param(statement, other, budget, diagnostics, overrides)
    return other


_DECLARES = re.compile(r"\s*(?:hmm|ghmm|process|param)\s+(\w+)|\s*import\b.*?((?:\(.*)|(?:\bas\b.*))")


def _define_lost(file: syntax.File, diagnostics: Diagnostics, scope: Scope) -> None:
    """Names whose declaration has a syntax error are declared all the same, as failed: their uses are no mistakes."""
    declared = {getattr(statement, "name", None) for statement in file.statements}
    for found in diagnostics.errors:
        if found.span is None or not found.code < "E02":
            continue
        line, _ = found.span.source.position(found.span.start)
        match = _DECLARES.match(found.span.source.line(line))
        for name in re.findall(r"\w+", " ".join(filter(None, match.groups()))) if match else ():
            if scope.lookup(name) is None and all(other is None or other.text != name for other in declared):
                scope.define(name, Failed())


def _damaged(hmm: syntax.Hmm, diagnostics: Diagnostics) -> bool:
    """Whether the body has a syntax error: then lines of it are missing, and complaints about the others would mislead."""
    return any(
        found.span is not None and found.span.source is hmm.span.source and hmm.span.start <= found.span.start < hmm.span.end
        for found in diagnostics.errors
        if found.code < "E02"
    )


def _declare(name: syntax.Name, value: Bound, scope: Scope, diagnostics: Diagnostics) -> None:
    """Define a name, unless it may not be declared, which is reported."""
    try:
        check_new_name(name, scope, BUILTIN_NAMES)
    except ConstantError as error:
        error.report(diagnostics)
        return
    scope.define(name.text, value, name.span)


def _param(
    statement: syntax.Param, scope: Scope, budget: Budget, diagnostics: Diagnostics, overrides: Mapping[str, Value]
) -> Bound:
    if statement.name.text in overrides:
        return overrides[statement.name.text]
    try:
        return evaluate(statement.value, scope, budget)
    except ConstantError as error:
        error.report(diagnostics)
        return Failed()


def _import(statement: syntax.Import, scope: Scope, load: Load, diagnostics: Diagnostics, path: Path | None) -> None:
    """Bring the names of an import into `scope`; where it fails they are known as failed, so that their uses are no mistakes."""
    module: Module | None = None
    try:
        if (statement.names is None) == (statement.alias is None):
            written = statement.span.text
            raise ConstantError(
                "E0607",
                "an import brings either some names or the whole file under a name",
                statement.span,
                help="write one of the two: `(mess3, rrxor)`, or `as lib`"
                if statement.names is not None
                else f"write `{written} (mess3, rrxor)` with the names it should bring, or `{written} as lib`",
            )
        module = load(statement, path, diagnostics)
    except ConstantError as error:
        error.report(diagnostics)
    if statement.alias is not None:
        _declare(statement.alias, module or Failed(), scope, diagnostics)
    for name in statement.names or ():
        _declare(name, _member(name, module, diagnostics), scope, diagnostics)


def _member(name: syntax.Name, module: Module | None, diagnostics: Diagnostics) -> Bound:
    """What a module calls `name`. Reports E0605 if it has no such name."""
    found = module.names.lookup(name.text) if module is not None else Failed()
    if found is not None:
        return found
    assert module is not None
    if not module.failed:
        known = list(module.names.names())
        diagnostics.add(
            "E0605",
            f"{module.name} has no process or param `{name.text}`",
            name.span,
            label="unknown",
            help=suggestion(name.text, known, "it has") or "it declares no process and no param",
        )
    return Failed()


def exported(file: syntax.File, scope: Scope) -> Scope:
    """What another file may import: the processes and params that the file declares itself."""
    names = Scope()
    for statement in file.statements:
        if isinstance(statement, (syntax.Hmm, syntax.ProcessDefinition, syntax.Param)):
            value = scope.bound.get(statement.name.text)
            if value is not None:
                names.define(statement.name.text, value, statement.name.span)
    return names


def check_all(scope: Scope, budget: Budget) -> None:
    """Work out every process that a file declares, or imports by its name, with its defaults, used or not. What is
    wrong with one is reported where its file's messages go."""
    for value in list(scope.bound.values()):
        if isinstance(value, Template):
            value.check(budget)
