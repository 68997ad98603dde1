"""Files that declare processes, read as far as their names."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostic, Diagnostics
from hmmdsl.language.modules.declarations import check_all, declare
from hmmdsl.language.modules.imports import Modules
from hmmdsl.language.parser import parse, parse_expression
from hmmdsl.language.source import Source
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.evaluation import evaluate, evaluate_process
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.scope import Scope
from hmmdsl.language.values.value import Value
from hmmdsl.process.process import Process


@dataclass(frozen=True)
class Declared:
    """A file's names and what there is to say about them."""

    scope: Scope
    budget: Budget
    diagnostics: Diagnostics
    modules: Modules

    @property
    def codes(self) -> list[str]:
        return [found.code for found in self.diagnostics.found]

    @property
    def only(self) -> Diagnostic:
        """The one message that there is."""
        (found,) = self.diagnostics.found
        return found

    def process(self, call: str) -> Process:
        """The process that an expression makes of the file's names."""
        return evaluate_process(expression(call), self.scope, self.budget)

    def value(self, call: str) -> Value:
        return evaluate(expression(call), self.scope, self.budget)


def expression(text: str) -> syntax.Expression:
    diagnostics = Diagnostics()
    tree = parse_expression(Source("expression", text), diagnostics)
    assert tree is not None, diagnostics.found
    assert not diagnostics.errors, diagnostics.errors
    return tree


def declared(text: str, folder: Path | None = None, path: Path | None = None) -> Declared:
    """Read a file's text as far as its names, and work out every process."""
    diagnostics, budget = Diagnostics(), Budget()
    modules = Modules(folder, diagnostics, budget, path)
    file = parse(Source("spec.hmm", text), diagnostics)
    scope = declare(file, modules.load, budget, diagnostics, path=path)
    check_all(scope, budget)
    return Declared(scope, budget, diagnostics, modules)


def value_of(text: str) -> Value:
    return evaluate(expression(text), Scope(), Budget())


def failure_of(text: str) -> Diagnostic:
    """Why an expression has no value."""
    with pytest.raises(ConstantError) as failure:
        value_of(text)
    assert failure.value.diagnostic is not None
    return failure.value.diagnostic


def hmm(body: str, states: str = "A, B", tokens: str = "0, 1", parameters: str = "") -> str:
    """An `hmm x` with these lines."""
    return f"hmm x{parameters} {{\n  states {states}\n  tokens {tokens}\n{body}\n}}\n"


def matrices(process: Process) -> list[list[list[Fraction]]]:
    """T[x][i][j], written out."""
    size = range(len(process.states))
    return [[[Fraction(entries.get((i, j), 0)) for j in size] for i in size] for entries in process.operators]
