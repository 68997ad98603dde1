"""Names and what they stand for, in one place of a spec."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Note
from hmmdsl.language.source import Span
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.symbols import Symbols
from hmmdsl.language.values.value import Value
from hmmdsl.process.process import Process

EXPRESSION_WORDS = frozenset({"if", "then", "else", "and", "or", "not", "mod", "in", "rest", "true", "false"})
"""Words of expressions: no constant and no token may have one as its name."""

ITEM_WORDS = frozenset({"states", "tokens", "let", "for", "emit", "emits", "start", "operator", "kraus"})
"""Words that begin an item of a body: no state may have one as its name."""


@dataclass(frozen=True)
class Failed:
    """A name that is declared, but whose value is wrong and was reported: its use is no new mistake."""


@dataclass(frozen=True, eq=False)
class Function:
    """`let f(x) = …`: `scope` is where its value is worked out."""

    name: str
    parameters: tuple[syntax.Parameter, ...]
    value: syntax.Expression
    scope: Scope


class Template(ABC):
    """A process that is called: `hmm name(…) { … }` or `process name(…) = …`. Without a parameter list its name alone is the
    process."""

    name: str
    parameters: tuple[syntax.Parameter, ...] | None

    @abstractmethod
    def instantiate(self, arguments: Mapping[str, Value], span: Span, budget: Budget) -> Process:
        """The process for these arguments, defaults filled in; `span` is the call. Raises ConstantError."""

    @abstractmethod
    def check(self, budget: Budget) -> None:
        """Work the process out with its defaults, if all parameters have one, and report what is wrong with it."""


@dataclass(frozen=True, eq=False)
class Module:
    """A file's processes and params, by name. `failed`: it has syntax errors, so that some may be missing."""

    name: str
    names: Scope
    failed: bool = False


Bound: TypeAlias = Value | Function | Template | Module | Failed
"""What a name may stand for."""


@dataclass(eq=False)
class Scope:
    """Names that are known in one place, and below those of the places around it.

    `outside` are names that are not known here though one might think so (the file's, for a body). `symbols` are the states
    and tokens of the body around, for `index(t)`.
    """

    parent: Scope | None = None
    outside: Scope | None = None
    symbols: Symbols | None = None
    bound: dict[str, Bound] = field(default_factory=dict)
    places: dict[str, Span] = field(default_factory=dict)

    def define(self, name: str, value: Bound, span: Span | None = None) -> None:
        """Let `name` stand for `value` from here on; `span` is where it is declared."""
        self.bound[name] = value
        if span is not None:
            self.places[name] = span

    def lookup(self, name: str) -> Bound | None:
        """What the name stands for here, or None."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.bound.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def place(self, name: str) -> Span | None:
        """Where the name is declared, if that is known."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.bound:
                return scope.places.get(name)
            scope = scope.parent
        return None

    def names(self) -> Iterator[str]:
        """All names known here, the nearest first."""
        scope: Scope | None = self
        while scope is not None:
            yield from scope.bound
            scope = scope.parent

    def find_symbols(self) -> Symbols | None:
        """The states and tokens of the body around."""
        scope: Scope | None = self
        while scope is not None:
            if scope.symbols is not None:
                return scope.symbols
            scope = scope.parent
        return None

    def find_outside(self) -> Scope | None:
        """Names of the file around a body, which the body does not see."""
        scope: Scope | None = self
        while scope is not None:
            if scope.outside is not None:
                return scope.outside
            scope = scope.parent
        return None


def check_new_name(name: syntax.Name, scope: Scope, builtin: frozenset[str]) -> None:
    """Raise ConstantError if a new constant may not have this name: E0204 a reserved word, E0202 declared already in this scope,
    E0203 hides another name."""
    if name.text in EXPRESSION_WORDS:
        raise ConstantError(
            "E0204",
            f"`{name.text}` is a word of the language, not a name",
            name.span,
            help=f"choose another name, such as `{name.text}_`",
        )
    if name.text in builtin:
        raise ConstantError(
            "E0203",
            f"`{name.text}` would hide a function or constant of the language",
            name.span,
            help=f"choose another name, such as `{name.text}_`",
        )
    if scope.lookup(name.text) is not None:
        first = scope.place(name.text)
        notes = (Note("the first declaration", first),) if first is not None else ()
        if name.text in scope.bound:
            raise ConstantError("E0202", f"`{name.text}` is declared twice", name.span, help="choose another name", notes=notes)
        raise ConstantError(
            "E0203",
            f"`{name.text}` would hide another `{name.text}`",
            name.span,
            help="choose another name: nothing is hidden in this language",
            notes=notes,
        )


Evaluate: TypeAlias = Callable[[syntax.Expression, Scope, Budget], Value]
"""What gives an expression its value: handed down to what reads arguments, which the evaluation itself calls."""
