"""The arguments of the functions that make processes: by place or by name, parts by their names, and lists of `token -> …`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Note
from hmmdsl.language.messages.hints import listing, suggestion
from hmmdsl.language.source import Span
from hmmdsl.language.values.arithmetic import wrong_type
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.scope import Evaluate, Scope
from hmmdsl.language.values.symbols import string_text
from hmmdsl.language.values.value import Value, is_integer, kind_of_value, text_of
from hmmdsl.process.process import Process


@dataclass
class Given:
    """The arguments of one call of an operation that is written like `usage`."""

    call: syntax.Call
    usage: str
    scope: Scope
    budget: Budget
    evaluate: Evaluate
    expressions: dict[str, syntax.Expression] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    parts: dict[str, Process] = field(default_factory=dict)
    paired: list[Process] = field(default_factory=list)

    def has(self, parameter: str) -> bool:
        """Whether the parameter is given."""
        return parameter in self.expressions

    def span(self, parameter: str) -> Span:
        """Where its argument stands."""
        return self.expressions[parameter].span

    def value(self, parameter: str) -> Value:
        """Its value. Raises ConstantError if it has none."""
        if parameter not in self.values:
            self.values[parameter] = self.evaluate(self.expressions[parameter], self.scope, self.budget)
        return self.values[parameter]

    def process(self, parameter: str) -> Process:
        """Its value, a process. Raises ConstantError (E0403) for anything else."""
        return _process(self.value(parameter), self.span(parameter))

    def processes(self) -> list[Process]:
        """All processes that were given and read, as arguments, parts, or by pairs."""
        return [value for value in (*self.values.values(), *self.parts.values(), *self.paired) if isinstance(value, Process)]

    def token_pairs(self, parameter: str, process: Process) -> dict[str, str]:
        """`[0 -> heads, 1 -> tails]`: tokens of the process to new ones. Raises ConstantError (E0331, E0339)."""
        found: dict[str, str] = {}
        for pair in self._pairs(parameter):
            token = self._token(pair.left, process)
            if token in found:
                message = f"the token `{token}` is renamed twice"
                raise ConstantError("E0331", message, pair.left.span, help="leave one of the two out")
            if token not in process.tokens:
                message = f"{process.name} has no token `{token}`"
                cure = suggestion(token, process.tokens, "its tokens are")
                raise ConstantError("E0331", message, pair.left.span, label="unknown", help=cure)
            found[token] = self._token(pair.right, None)
        return found

    def process_pairs(self, parameter: str, top: Process) -> dict[str, Process]:
        """`[0 -> mess3(), 1 -> rrxor()]`: tokens or states of the top to processes. Raises ConstantError (E0337, E0339)."""
        if self.parts:
            cure = "write all of them as `token -> process`, or all as `name = process`"
            raise ConstantError("E0339", "the sub-processes are given in two ways", self.span(parameter), help=cure)
        found: dict[str, Process] = {}
        for pair in self._pairs(parameter):
            key = self._token(pair.left, top)
            if key in found:
                message = f"`{key}` has two sub-processes"
                raise ConstantError("E0337", message, pair.left.span, help="leave one of the two out")
            found[key] = _process(self.evaluate(pair.right, self.scope, self.budget), pair.right.span)
            self.paired.append(found[key])
        return found

    def _pairs(self, parameter: str) -> tuple[syntax.Pair, ...]:
        written = self.expressions[parameter]
        if not isinstance(written, syntax.List):
            message = f"a list of pairs `token -> …` is needed here, such as in `{self.usage}`"
            raise ConstantError("E0339", message, written.span, label="no list", help="write `[0 -> …, 1 -> …]`")
        pairs: list[syntax.Pair] = []
        for item in written.items:
            if not isinstance(item, syntax.Pair):
                raise ConstantError("E0339", "this is no pair", item.span, label="no `->`", help="write `token -> …`")
            pairs.append(item)
        self.budget.spend(written.span, len(pairs))
        return tuple(pairs)

    def _token(self, written: syntax.Expression, process: Process | None) -> str:
        """The canonical text of a token: as it is written, or an integer constant. What is a token of the process is that, and
        must be no constant."""
        match written:
            case syntax.String():
                return string_text(written.value)
            case syntax.Tuple():
                return f"({', '.join(self._token(item, None) for item in written.items)})"
            case syntax.Path():
                return self._path(written, process)
        return self._integer(written)

    def _path(self, path: syntax.Path, process: Process | None) -> str:
        bound = self.scope.lookup(path.head.text)
        constant = isinstance(bound, (Fraction, float))
        if constant and not path.segments:
            if process is not None and path.head.text in process.tokens:
                message = f"`{path.head.text}` is both a token and a constant"
                raise ConstantError("E0314", message, path.span, label="which one?", help="rename one of the two")
            return self._integer(path)
        text = path.head.text
        for segment in path.segments:
            if not isinstance(segment, syntax.Index):
                text += f".{segment.name}"
                continue
            text += f"[{', '.join(self._integer(item) for item in segment.items)}]"
        return text

    def _integer(self, written: syntax.Expression) -> str:
        value = self.evaluate(written, self.scope, self.budget)
        if not is_integer(value):
            shown = kind_of_value(value) if isinstance(value, Process) else text_of(value)
            message = f"a token is a name, an integer or a string, and this is {shown}"
            raise ConstantError("E0339", message, written.span, help='write `heads`, `0` or `"a"`')
        return text_of(value)


def _process(value: Value, span: Span) -> Process:
    if isinstance(value, Process):
        return value
    raise wrong_type(value, "a process", span)


@dataclass(frozen=True)
class Operation:
    """A function that makes a process, written like `usage`: `parameters` have a name or a place, those in `optional` may be left
    out, and with `parts` all other named arguments are processes. `code` is for what has no meaning."""

    parameters: tuple[str, ...]
    optional: tuple[str, ...]
    parts: bool
    code: str
    build: Callable[[Given], Process]
    usage: str


def read_arguments(name: str, call: syntax.Call, operation: Operation, scope: Scope, budget: Budget, evaluate: Evaluate) -> Given:
    """The arguments of a call of the operation `name`, each to its parameter.

    Raises ConstantError: E0208 an unknown argument, E0209 a missing one, E0210 too many, E0211 one given twice, E0333 a part
    given twice, E0339 a part without a name, E0413 a reduced one, E0403 a part that is no process.
    """
    given = Given(call, operation.usage, scope, budget, evaluate)
    usage, parameters, parts = operation.usage, operation.parameters, operation.parts
    places: dict[str, Span] = {}
    # A mixture's weights stand behind any number of components, so they have no place.
    by_place = () if name == "mixture" else parameters
    for position, argument in enumerate(call.arguments):
        if argument.reducer is not None:
            message = f"`{argument.reducer}` has no meaning in a constant"
            raise ConstantError("E0413", message, argument.span, help="only an `expect` reduces a sweep")
        if argument.name is None:
            if position >= len(by_place) and parts:
                message = f"the parts of a {name} have names, and this has none"
                raise ConstantError("E0339", message, argument.span, label="no name", help=f"write `{usage}`")
            if position >= len(by_place):
                many = "" if len(by_place) == 1 else "s"
                message = f"`{name}` takes {len(by_place)} argument{many}, and this is number {position + 1}"
                raise ConstantError("E0210", message, argument.span, help=f"write `{usage}`")
            key = by_place[position]
        else:
            key = argument.name.bare or argument.name.span.text
            if argument.name.bare is None or (key not in parameters and not parts):
                message = f"`{name}` has no parameter `{key}`"
                cure = suggestion(key, parameters, "its parameters are")
                if parts and argument.name.bare is None:
                    message = f"`{key}` is no name that a part of a {name} can have: targets and results could not name it"
                    cure = f"give a plain word, as in `{usage}`"
                raise ConstantError("E0208", message, argument.name.span, help=cure)
        if key in places:
            own = key in parameters
            message = f"the argument `{key}` is given twice" if own else f"two parts have the name `{key}`"
            note = Note("given here first", places[key])
            cure = "leave one of the two out" if own else "rename one of the two"
            raise ConstantError("E0211" if own else "E0333", message, argument.span, help=cure, notes=(note,))
        places[key] = argument.span
        if key in parameters:
            given.expressions[key] = argument.value
        else:
            given.parts[key] = _process(evaluate(argument.value, scope, budget), argument.value.span)
    missing = [key for key in parameters if key not in operation.optional and not given.has(key)]
    if missing:
        message = f"`{name}` needs its argument{'s' if len(missing) > 1 else ''} {listing(missing)}"
        raise ConstantError("E0209", message, call.span, label=f"`{missing[0]}` is missing", help=f"write `{usage}`")
    return given
