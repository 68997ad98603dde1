"""Processes with parameters, and the processes that they become when called."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.processes.elaboration import elaborate_hmm
from hmmdsl.language.source import Span
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.calls import check_parameters, fill
from hmmdsl.language.values.evaluation import evaluate, evaluate_process
from hmmdsl.language.values.failure import ConstantError, Reported
from hmmdsl.language.values.scope import Scope, Template
from hmmdsl.language.values.value import Array, Value, text_of
from hmmdsl.process.allowance import theory_for
from hmmdsl.process.process import Process


@dataclass(frozen=True, eq=False)
class Same:
    """A process among the arguments of a call. Equal ones may have different parts, so only itself is the same; and its matrices
    have no hash."""

    process: Process

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.process is other.process

    def __hash__(self) -> int:
        return id(self.process)


Key = tuple[tuple[str, object], ...]


def _key(value: Value) -> object:
    """What tells an argument from others."""
    match value:
        case Process():
            return Same(value)
        case Array():
            return tuple(map(_key, value.items))
    return value


@dataclass(eq=False)
class _Template(Template):
    """What both ways to define a process share: each process is worked out once, and its mistakes are told once.

    `diagnostics` takes what is found in the definition; `scope` has the names of its file.
    """

    name: str
    parameters: tuple[syntax.Parameter, ...] | None
    diagnostics: Diagnostics
    scope: Scope
    instances: dict[Key, Process | None] = field(default_factory=dict)

    @property
    @abstractmethod
    def place(self) -> Span:
        """Where it is defined."""

    @abstractmethod
    def _work_out(self, arguments: Mapping[str, Value], name: str, budget: Budget, diagnostics: Diagnostics) -> Process | None:
        """The process; mistakes go to `diagnostics`."""

    def instantiate(self, arguments: Mapping[str, Value], span: Span, budget: Budget) -> Process:
        """The process for these arguments; `span` is the call. Raises Reported if it has mistakes: they have been told, with the
        calls that led to them."""
        with budget.call(id(self), f"`{self._called(arguments)}`", span):
            process = self._instance(arguments, budget)
        if process is None:
            raise Reported
        return process

    def _instance(self, arguments: Mapping[str, Value], budget: Budget) -> Process | None:
        key: Key = tuple((name, _key(value)) for name, value in sorted(arguments.items(), key=lambda item: item[0]))
        if key in self.instances:
            return self.instances[key]
        if key and self._has_defaults and self._checked(budget) is None:
            # The definition itself is wrong and was reported: the same again for other numbers would help nobody.
            self.instances[key] = None
            return None
        found = Diagnostics(limit=None)
        theory_for(self.place)
        process = self._work_out(arguments, self._called(arguments), budget, found)
        told = {(d.code, d.span) for d in self.diagnostics.warnings}
        for d in found.found:
            # A warning is about the definition: once is enough, whatever the arguments.
            if d.severity == "error" or (d.code, d.span) not in told:
                self.diagnostics.add(d.code, d.message, d.span, label=d.label, help=d.help, notes=d.notes)
        self.instances[key] = process
        return process

    @property
    def _has_defaults(self) -> bool:
        return all(parameter.default is not None for parameter in self.parameters or ())

    def check(self, budget: Budget) -> None:
        """Work the process out with its defaults, if all parameters have one, and report what is wrong with it."""
        if self._has_defaults and () not in self.instances:
            try:
                self._checked(budget)
            except ConstantError as error:
                error.report(self.diagnostics)

    def _checked(self, budget: Budget) -> Process | None:
        """The process with all defaults, worked out as if nobody had called it."""
        if () in self.instances:
            return self.instances[()]
        with budget.call((id(self), "defaults"), f"`{self.name}`", self.place, checked=True):
            return self._instance({}, budget)

    def _called(self, arguments: Mapping[str, Value]) -> str:
        """`rrxor(p=1/3)`: the arguments that differ from the defaults, in the order of the parameters."""
        shown: list[str] = []
        for parameter in self.parameters or ():
            name = parameter.name.text
            if name in arguments and not _is_default(parameter, arguments[name]):
                shown.append(f"{name}={text_of(arguments[name])}")
        return f"{self.name}({', '.join(shown)})" if shown else self.name


def _is_default(parameter: syntax.Parameter, value: Value) -> bool:
    """Whether the value is what the default says, where that is a plain expression."""
    if parameter.default is None or isinstance(value, Process):
        return False
    try:
        return type(value) is type(default := evaluate(parameter.default, Scope(), Budget())) and default == value
    except ConstantError:
        return False


@dataclass(eq=False)
class HmmTemplate(_Template):
    """`hmm rrxor(p = 1/2) { … }`."""

    hmm: syntax.Hmm = field(kw_only=True)

    @property
    def place(self) -> Span:
        return self.hmm.name.span

    def _work_out(self, arguments: Mapping[str, Value], name: str, budget: Budget, diagnostics: Diagnostics) -> Process | None:
        return elaborate_hmm(self.hmm, arguments, budget, diagnostics, name, self.scope)


@dataclass(eq=False)
class DefinedTemplate(_Template):
    """`process tasks(e) = …`: its value sees the file's names and its parameters."""

    definition: syntax.ProcessDefinition = field(kw_only=True)

    @property
    def place(self) -> Span:
        return self.definition.name.span

    def _work_out(self, arguments: Mapping[str, Value], name: str, budget: Budget, diagnostics: Diagnostics) -> Process | None:
        scope = Scope(self.scope)
        parameters = self.parameters or ()
        try:
            check_parameters(parameters, self.scope)
            fill(parameters, arguments, scope, budget, evaluate)
            process = evaluate_process(self.definition.value, scope, budget)
        except Reported:
            return None
        except ConstantError as error:
            error.report(diagnostics, budget.trail())
            return None
        # In figures and messages it has the name that the spec gives it.
        return replace(process, name=name)
