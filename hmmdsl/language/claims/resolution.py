"""Claims (`expect`): resolved against the result schemas and type-checked before anything runs, judged after."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

from hmmdsl.language import syntax
from hmmdsl.language.claims.functions import FUNCTIONS, UndefinedError
from hmmdsl.language.claims.judging import constant_value, judge
from hmmdsl.language.claims.result_paths import Results, follow, number_at, steps_text
from hmmdsl.language.constants.values import Array, Value
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.formatting.formatter import format_expression
from hmmdsl.language.messages.hints import suggestion
from hmmdsl.language.source import Span
from hmmdsl.spec.results import Group

__all__ = ["ResolvedClaim", "judge", "resolve_claim"]


@dataclass(frozen=True)
class ResolvedClaim:
    """A claim whose names are known to exist: `expression` may be evaluated once there are results. `constants` are the params
    it uses, `reads` the paths of the results it names."""

    label: str
    text: str
    expression: syntax.Expression
    constants: Mapping[str, Value] = field(default_factory=dict)
    reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Type:
    """Of one value, or of lists of them: `shape` has one length for each `[..]` not reduced (None: only the run will tell)."""

    sort: Literal["number", "truth"]
    shape: tuple[int | None, ...] = ()

    def __str__(self) -> str:
        one, many = ("a number", "numbers") if self.sort == "number" else ("a truth value", "truth values")
        return f"a list of {many}" if self.shape else one


def resolve_claim(
    expression: syntax.Expression,
    schema: Group | Results,
    params: Mapping[str, Value],
    diagnostics: Diagnostics,
    label: str = "",
    failed: Collection[str] = (),
) -> ResolvedClaim | None:
    """Resolve a claim's names and check its types. Returns None once its mistakes have been reported (or where it reads results
    of a declaration that is itself wrong, or a param in `failed`)."""
    results = schema if isinstance(schema, Results) else Results(schema)
    resolver = _Resolver(results, params, failed, diagnostics)
    before = len(diagnostics.errors)
    kind = resolver.type_of(expression)
    if kind is None or len(diagnostics.errors) > before:
        return None
    if kind.sort != "truth":
        message = f"a claim is true or false, and this is {kind}"
        diagnostics.add(
            "E0705", message, expression.span, label="compare it with something", help="write `… > 0.9` or `… ~= 0.9 ± 0.05`"
        )
        return None
    if kind.shape:
        resolver.unreduced(kind, expression.span)
        return None
    if not resolver.reads:
        diagnostics.add(
            "W0950",
            "this claim reads no result: it says nothing of the run",
            expression.span,
            help="name a result, such as `fit.gap`",
        )
    used = {name: value for name, value in params.items() if name in resolver.used}
    return ResolvedClaim(label, format_expression(expression), expression, MappingProxyType(used), tuple(resolver.reads))


class _Resolver:
    def __init__(self, results: Results, params: Mapping[str, Value], failed: Collection[str], diagnostics: Diagnostics) -> None:
        self.results = results
        self.params = params
        self.failed = failed
        self.diagnostics = diagnostics
        self.reads: list[str] = []
        self.used: set[str] = set()

    def type_of(self, expression: syntax.Expression) -> _Type | None:
        """The type of a part; None where its mistake has been reported or cannot be known."""
        match expression:
            case syntax.Number():
                return _Type("number")
            case syntax.Boolean():
                return _Type("truth")
            case syntax.Path():
                return self._path(expression)
            case syntax.Unary(operator=operator, operand=operand):
                return self._operand(operand, "truth" if operator == "not" else "number", f"`{operator}`")
            case syntax.Binary(operator=operator, left=left, right=right):
                sort: Literal["truth", "number"] = "truth" if operator in ("and", "or") else "number"
                parts = [self._operand(part, sort, f"`{operator}`") for part in (left, right)]
                return self._together(parts, sort, expression.span)
            case syntax.Comparison(operands=operands, operators=operators):
                parts = [self._operand(part, "number", f"`{operators[max(i - 1, 0)]}`") for i, part in enumerate(operands)]
                return self._together(parts, "truth", expression.span)
            case syntax.Approximately(value=value, target=target, tolerance=tolerance):
                parts = [self._operand(part, "number", "`~=`") for part in (value, target, tolerance)]
                self._tolerance(tolerance)
                return self._together(parts, "truth", expression.span)
            case syntax.Choice(condition=condition, yes=yes, no=no):
                return self._choice(condition, yes, no, expression.span)
            case syntax.Call():
                return self._call(expression)
            case syntax.List(items=items):
                parts = [self._operand(item, "number", "a list") for item in items]
                if any(part is None for part in parts):
                    return None
                return _Type("number", (len(items),))
            case syntax.At():
                self._sweep(expression.span, "`at (…)` takes one slice of a sweep")
                return None
        self.diagnostics.add(
            "E0713",
            "this has no place in a claim",
            expression.span,
            label="neither a result nor a number",
            help="a claim compares results with numbers: `fit.gap < 1e-4`",
        )
        return None

    def unreduced(self, kind: _Type, span: Span) -> None:
        """Report a list where one truth value is wanted."""
        self.diagnostics.add(
            "E0706",
            f"this compares {'a list of results' if kind.shape else kind}, and a claim is one truth value",
            span,
            label=f"{kind}",
            help="say which: `all(…)`, `any(…)`, or reduce the numbers by `max(…)`, `min(…)` or `mean(…)`",
        )

    # ------------------------------------------------------------ parts

    def _operand(self, expression: syntax.Expression, sort: Literal["number", "truth"], of: str) -> _Type | None:
        kind = self.type_of(expression)
        if kind is not None and kind.sort != sort:
            wants = "numbers" if sort == "number" else "truth values"
            self.diagnostics.add(
                "E0710",
                f"{of} takes {wants}, and this is {kind}",
                expression.span,
                label=str(kind),
                help="compare numbers with `<`, join comparisons with `and`",
            )
            return None
        return kind

    def _together(self, parts: Sequence[_Type | None], sort: Literal["number", "truth"], span: Span) -> _Type | None:
        """Elementwise: single values go with any list, lists go with lists of their shape."""
        shape: tuple[int | None, ...] = ()
        for part in parts:
            if part is None:
                return None
            if not part.shape:
                continue
            if shape and (
                len(shape) != len(part.shape)
                or any(a != b for a, b in zip(shape, part.shape, strict=True) if a is not None and b is not None)
            ):
                text = " and ".join("×".join("?" if n is None else str(n) for n in s) for s in (shape, part.shape))
                self.diagnostics.add(
                    "E0715",
                    f"lists of {text} results do not go together",
                    span,
                    label="different lengths",
                    help="reduce each by `max(…)`, `min(…)` or `mean(…)` first",
                )
                return None
            shape = part.shape
        return _Type(sort, shape)

    def _path(self, path: syntax.Path) -> _Type | None:
        bare = path.bare
        if bare is not None and bare in self.params and bare not in self.results.schema.members:
            return self._param(path, bare)
        if bare in self.failed:
            return None
        results = self.results
        place = follow(path, results, self._index, self.diagnostics)
        if place is None or not number_at(path, place, self.diagnostics):
            return None
        text = steps_text(place.steps)
        if text not in self.reads:
            self.reads.append(text)
        return _Type("number", place.shape)

    def _param(self, path: syntax.Path, name: str) -> _Type | None:
        self.used.add(name)
        match self.params[name]:
            case bool():
                return _Type("truth")
            case Fraction() | float():
                return _Type("number")
            case Array() as array if all(isinstance(item, (Fraction, float)) for item in array.items):
                return _Type("number", (len(array.items),))
        self.diagnostics.add(
            "E0713", f"`{name}` is neither a number nor a truth value", path.span, help="claims use params that are numbers"
        )
        return None

    def _index(self, expression: syntax.Expression) -> int | None:
        for name in _names(expression):
            if name in self.params:
                self.used.add(name)
        try:
            value = constant_value(expression, self.params)
        except UndefinedError:
            value = None
        if isinstance(value, (Fraction, int)) and not isinstance(value, bool) and Fraction(value).denominator == 1:
            return int(value)
        self.diagnostics.add(
            "E0703",
            "an index is a constant whole number",
            expression.span,
            label="not an index",
            help="write `[0]`, or `[..]` for all",
        )
        return None

    def _tolerance(self, expression: syntax.Expression) -> None:
        try:
            value = constant_value(expression, self.params)
        except UndefinedError:
            return
        if isinstance(value, (Fraction, float)) and value < 0:
            self.diagnostics.add(
                "E0712", "a tolerance cannot be negative", expression.span, label="below zero", help="write `± 0.05`"
            )

    def _choice(self, condition: syntax.Expression, yes: syntax.Expression, no: syntax.Expression, span: Span) -> _Type | None:
        kind = self._operand(condition, "truth", "`if`")
        parts = self.type_of(yes), self.type_of(no)
        if kind is None or parts[0] is None or parts[1] is None:
            return None
        if kind.shape:
            self.unreduced(kind, condition.span)
            return None
        if parts[0].sort != parts[1].sort:
            self.diagnostics.add(
                "E0710", f"`then` gives {parts[0]}, `else` gives {parts[1]}", span, help="both must be of one sort"
            )
            return None
        return self._together(parts, parts[0].sort, span)

    # ------------------------------------------------------------ functions

    def _call(self, call: syntax.Call) -> _Type | None:
        name = call.function.bare
        function = FUNCTIONS.get(name) if name is not None else None
        if name is None or function is None:
            written = name or steps_text((call.function.head.text, "…"))
            cure = suggestion(written, list(FUNCTIONS), "claims have")
            self.diagnostics.add(
                "E0707", f"claims have no function `{written}`", call.function.span, label="unknown function", help=cure
            )
            return None
        parts: list[_Type | None] = []
        for argument in call.arguments:
            if argument.reducer is not None:
                axes = ", ".join(format_expression(path) for path in argument.axes)
                self._sweep(argument.span, f"`{argument.reducer} {axes}` reduces an axis of a sweep")
                return None
            if argument.name is not None:
                self.diagnostics.add(
                    "E0708", f"`{name}` has no named arguments", argument.span, help=f"write `{function.example}`"
                )
                return None
            parts.append(self._operand(argument.value, function.takes, f"`{name}`"))
        kinds = [part for part in parts if part is not None]
        if len(kinds) < len(parts):
            return None
        return self._apply(call, name, kinds)

    def _apply(self, call: syntax.Call, name: str, kinds: Sequence[_Type]) -> _Type | None:
        function = FUNCTIONS[name]
        problem = ""
        if function.elementwise:
            if len(kinds) == 1:
                return kinds[0]
            problem = f"`{name}` takes one number, not {len(kinds)} arguments"
        elif not kinds:
            problem = f"`{name}` needs something to work on"
        elif len(kinds) > 1 and not function.several:
            problem = f"`{name}` takes one list, not {len(kinds)} arguments"
        elif len(kinds) == 1 and not kinds[0].shape:
            problem = f"`{name}` takes a list, and this is {kinds[0]}"
        elif function.ordered and len(kinds[0].shape) > 1:
            problem = f"`{name}` takes a list with one `[..]`, and this has {len(kinds[0].shape)}"
        if problem:
            self.diagnostics.add("E0708", problem, call.span, label="wrong arguments", help=f"write `{function.example}`")
            return None
        return _Type(function.gives)

    def _sweep(self, span: Span, what: str) -> None:
        self.diagnostics.add(
            "E0709",
            f"{what}, and this file has no axis of that name",
            span,
            label="no such axis",
            help="sweeps are not part of this version; claim each run's results by their names",
        )


def _names(expression: syntax.Expression) -> list[str]:
    """The bare names in a constant index."""
    match expression:
        case syntax.Path(head=head, segments=()):
            return [head.text]
        case syntax.Binary(left=left, right=right):
            return [*_names(left), *_names(right)]
        case syntax.Unary(operand=operand):
            return _names(operand)
    return []
