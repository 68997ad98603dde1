"""What the values of a record may refer to: constants, processes, and other declarations of the same file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache

from hmmdsl.language import syntax
from hmmdsl.language.claims.result_paths import Results, follow, steps_text
from hmmdsl.language.diagnostics import Diagnostics, Note
from hmmdsl.language.messages.hints import listing, nearest, suggestion
from hmmdsl.language.modules.imports import LIBRARY, std_module_names
from hmmdsl.language.modules.names import Names
from hmmdsl.language.records.shapes import found
from hmmdsl.language.records.values import BROKEN, Broken
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.composition import OPERATIONS
from hmmdsl.language.values.evaluation import evaluate, evaluate_process
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.scope import Failed, Module, Scope, Template
from hmmdsl.language.values.value import Array, Complex, Value
from hmmdsl.process.process import Process
from hmmdsl.schema.fields import article, plural
from hmmdsl.schema.results import Group, Quantity

_DECLARED = re.compile(r"^(?:hmm|ghmm|process)[ \t]+([^\W\d]\w*)", re.MULTILINE)


@dataclass
class FileMeanings:
    """The meanings of one file. `used` collects the processes that records refer to, by the names they get; `schema_of` gives
    the result schema of an analysis, read first if need be: None where it is wrong, and it reports circles itself."""

    scope: Scope
    names: Names
    budget: Budget
    diagnostics: Diagnostics
    schema_of: Callable[[str, syntax.Expression], Group | None]
    used: dict[str, Process] = field(default_factory=dict)
    records: Sequence[str] = ("model", "train", "analysis")

    def constant(self, expression: syntax.Expression) -> object:
        """The value of a constant expression, or BROKEN with its mistake reported."""
        try:
            return evaluate(expression, self.scope, self.budget)
        except ConstantError as error:
            error.report(self.diagnostics)
            return BROKEN

    def is_constant(self, name: str) -> bool:
        """Whether a bare name is a constant (or was meant to be one and is wrong)."""
        bound = self.scope.lookup(name)
        return name in self.names.lost or (bound is not None and not isinstance(bound, (Process, Template, Module)))

    def constants(self) -> list[str]:
        """The names of all constants."""
        return [name for name in self.scope.names() if self.is_constant(name)]

    def reference(self, to: str, expression: syntax.Expression) -> str | Broken:
        """The name of the declaration that an expression means, or BROKEN with its mistake reported."""
        if to == "process":
            return self._process(expression)
        if to == "result":
            return self._result(expression)
        return self._declaration(to, expression)

    # ------------------------------------------------------------ processes

    def _process(self, expression: syntax.Expression) -> str | Broken:
        bare = expression.bare if isinstance(expression, syntax.Path) else None
        head = expression.function if isinstance(expression, syntax.Call) else expression
        name = head.head.text if isinstance(head, syntax.Path) else None
        if name is not None and name in self.names.lost and self.scope.lookup(name) is None:
            return BROKEN
        sort = self.names.declared[name].sort if name in self.names.declared else None
        if name is not None and sort in self.records and self.scope.lookup(name) is None:
            return self._wrong_sort(name, sort or "", "process", expression)
        if not isinstance(expression, (syntax.Path, syntax.Call)):
            self.diagnostics.add(
                "E0504",
                f"this takes a process, not {found(expression)}",
                expression.span,
                label="wrong type",
                help="write the name of a process, or a call such as `rrxor()`",
            )
            return BROKEN
        unknown = (
            isinstance(head, syntax.Path) and head.bare not in (None, *OPERATIONS) and self.scope.lookup(head.head.text) is None
        )
        if isinstance(head, syntax.Path) and unknown:
            return self._unknown_process(head)
        try:
            process = evaluate_process(expression, self.scope, self.budget)
        except ConstantError as error:
            self._not_a_process(error, expression)
            return BROKEN
        return self._use(bare or process.name, process)

    def _unknown_process(self, head: syntax.Path) -> Broken:
        name = head.head.text
        known = [each for each in self.scope.names() if isinstance(self.scope.lookup(each), (Process, Template))]
        cure = suggestion(name, known, "processes of this file are") or "declare it by `hmm`, or import it"
        if nearest(name, known) is None:
            for module, names in std_processes():
                near = name if name in names else nearest(name, names)
                if near is not None:
                    cure = f"write `import {module} ({near})` at the top" + (f", and `{near}` here" if near != name else "")
        self.diagnostics.add("E0510", f"there is no process `{name}`", head.span, label="not declared", help=cure)
        return BROKEN

    def _not_a_process(self, error: ConstantError, expression: syntax.Expression) -> None:
        told = error.diagnostic
        if told is not None and told.code == "E0403" and told.span == expression.span:
            self.diagnostics.add(
                "E0512",
                "this is a constant, not a process",
                told.span,
                label="not a process",
                help="write a call such as `rrxor()`",
            )
            return
        error.report(self.diagnostics)

    def _use(self, name: str, process: Process) -> str:
        """Enter a process under its name; a different process of the same name gets a number behind it."""
        wanted, number = name, 2
        while name in self.used and not _same(self.used[name], process):
            name, number = f"{wanted} #{number}", number + 1
        self.used.setdefault(name, process)
        return name

    # ------------------------------------------------------------ other declarations

    def _declaration(self, to: str, expression: syntax.Expression) -> str | Broken:
        name = expression.bare if isinstance(expression, syntax.Path) else None
        if name is None:
            cure = f"write its name alone: it is declared by `{to} NAME …`"
            if isinstance(expression, syntax.Path) and expression.head.text in self.names.of_sort(to):
                cure = f"write `{expression.head.text}` alone"
            message = f"this takes the name of {article(to)} {to}, not {found(expression)}"
            self.diagnostics.add("E0504", message, expression.span, label="wrong type", help=cure)
            return BROKEN
        declared = self.names.declared.get(name)
        if declared is None:
            if name in self.names.lost:
                return BROKEN
            known = self.names.of_sort(to)
            self.diagnostics.add(
                "E0510",
                f"there is no {to} `{name}`",
                expression.span,
                label="not declared",
                help=_cure(name, to, known, self.names.sorts()),
            )
            return BROKEN
        if declared.sort != to:
            return self._wrong_sort(name, declared.sort, to, expression)
        if to == "analysis" and self.schema_of(name, expression) is None:
            return BROKEN
        return name

    def _wrong_sort(self, name: str, sort: str, to: str, expression: syntax.Expression) -> Broken:
        known = self.names.of_sort(to)
        self.diagnostics.add(
            "E0511",
            f"`{name}` is {article(sort)} {sort}, and here {article(to)} {to} is wanted",
            expression.span,
            label=f"{article(sort)} {sort}",
            help=f"{plural(to)} of this file: {listing(known)}" if known else _declare(to),
            notes=(Note("declared here", self.names.declared[name].span),),
        )
        return BROKEN

    def _result(self, expression: syntax.Expression) -> str | Broken:
        if not isinstance(expression, syntax.Path):
            message = f"this takes a result, not {found(expression)}"
            self.diagnostics.add(
                "E0504", message, expression.span, label="wrong type", help="write a path such as `beliefs.concat`"
            )
            return BROKEN
        name = expression.head.text
        declared = self.names.declared.get(name)
        if declared is None or declared.sort != "analysis":
            return self._declaration("analysis", syntax.Path(expression.head.span, expression.head))
        schema = self.schema_of(name, expression)
        if schema is None:
            return BROKEN
        results = Results(Group({name: schema}), others=self.names.sorts())
        before = len(self.diagnostics.errors)
        place = follow(expression, results, self._index, self.diagnostics)
        for at in range(before, len(self.diagnostics.found)):
            if self.diagnostics.found[at].code.startswith("E07"):
                self.diagnostics.found[at] = replace(self.diagnostics.found[at], code="E0516")
        if place is None:
            return BROKEN
        if place.shape or isinstance(place.schema, Quantity):
            what = "many results" if place.shape else "a single number"
            self.diagnostics.add(
                "E0516",
                f"`{steps_text(place.steps)}` is {what}, and here one group of results is wanted",
                expression.span,
                help="name one point of an analysis, such as `beliefs.concat` or `beliefs.block[0]`",
            )
            return BROKEN
        return steps_text(place.steps)

    def _index(self, expression: syntax.Expression) -> int | None:
        value = self.constant(expression)
        if isinstance(value, Broken):
            return None
        if isinstance(value, Fraction) and value.denominator == 1:
            return int(value)
        self.diagnostics.add("E0516", "an index is a whole number", expression.span, help="write `[0]`")
        return None

    def params(self) -> dict[str, Value]:
        """The file's params, own and imported, by name: those that have a value."""
        values: dict[str, Value] = {}
        for name in self.names.of_sort("param", "import"):
            bound = self.scope.lookup(name)
            if isinstance(bound, (Fraction, float, bool, str, Complex, Array)):
                values[name] = bound
        return values

    def failed_params(self) -> list[str]:
        """The params whose mistake has been reported."""
        return [name for name in self.names.of_sort("param", "import") if isinstance(self.scope.lookup(name), Failed)]


@cache
def std_processes() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The processes of each module of the standard library."""
    return tuple(
        (module, tuple(_DECLARED.findall((LIBRARY / f"{module.removeprefix('std.')}.hmm").read_text(encoding="utf-8"))))
        for module in std_module_names()
    )


def _same(a: Process, b: Process) -> bool:
    return replace(a, name=b.name) == b and a.parts == b.parts


def _declare(to: str) -> str:
    example = {
        "model": "model net: transformer { … }",
        "train": "train fit { … }",
        "analysis": "analysis beliefs: regression { … }",
    }
    return f"declare one: `{example[to]}`" if to in example else f"declare {article(to)} {to}"


def _cure(name: str, to: str, known: Sequence[str], sorts: Mapping[str, str]) -> str:
    if known:
        return suggestion(name, known, f"{plural(to)} of this file:")
    near = nearest(name, list(sorts))
    return f"did you mean `{near}`? It is {article(sorts[near])} {sorts[near]}" if near else _declare(to)
