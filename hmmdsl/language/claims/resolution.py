"""Claims (`expect`): resolved against the result schemas and type-checked before anything runs, judged after."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

from hmmdsl.language import syntax
from hmmdsl.language.claims.axes import check_at, reduction_of
from hmmdsl.language.claims.fixed import fixed
from hmmdsl.language.claims.judging import ResolvedClaim, judge
from hmmdsl.language.claims.measured import Cell, Dimension, UndefinedError
from hmmdsl.language.claims.reading import constant_value
from hmmdsl.language.claims.reductions import applied, no_axes, reduced_type
from hmmdsl.language.claims.result_paths import Place, Results, follow, number_at, steps_text
from hmmdsl.language.claims.types import ClaimType, together, unreduced
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.formatting.formatter import format_expression
from hmmdsl.language.messages.hints import suggestion
from hmmdsl.language.source import Span
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.functions import FUNCTIONS
from hmmdsl.language.values.mentions import mentions
from hmmdsl.language.values.value import Array, Value
from hmmdsl.schema.results import Group, Quantity
from hmmdsl.schema.sweep import over_seeds

__all__ = ["ResolvedClaim", "judge", "resolve_claim"]


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
    if not kind.single:
        unreduced(kind, expression.span, diagnostics)
        return None
    if not resolver.reads:
        diagnostics.add(
            "W0950",
            "this claim reads no result: it says nothing of the run",
            expression.span,
            help="name a result, such as `fit.gap`",
        )
    used = {name: value for name, value in params.items() if name in resolver.used}
    return ResolvedClaim(
        label,
        format_expression(expression),
        expression,
        MappingProxyType(used),
        tuple(resolver.reads),
        frozenset(resolver.theory),
        MappingProxyType(resolver.repeated) if not resolver.single else None,
        resolver.reseeded,
    )


class _Resolver:
    def __init__(self, results: Results, params: Mapping[str, Value], failed: Collection[str], diagnostics: Diagnostics) -> None:
        self.results = results
        self.params = params
        self.failed = failed
        self.diagnostics = diagnostics
        self.reads: list[str] = []
        self.used: set[str] = set()
        self.theory: set[str] = set()
        self.repeated: dict[str, int] = {}
        self.single = False
        self.measured = 0
        self.reseeded = False

    def type_of(self, expression: syntax.Expression) -> ClaimType | None:
        """The type of a part; None where its mistake has been reported or cannot be known."""
        if isinstance(expression, (syntax.Call, syntax.Binary, syntax.Unary, syntax.Path, syntax.Choice)):
            try:
                constant = fixed(expression, self.params, {*self.results.schema.members, *self.results.unknown, *self.failed})
            except ConstantError as error:
                error.report(self.diagnostics)
                return None
            if constant is not None:
                self.used |= mentions(expression) & set(self.params)
                return _type_of_constant(constant)
        match expression:
            case syntax.Number():
                return ClaimType("number")
            case syntax.Boolean():
                return ClaimType("truth")
            case syntax.Path():
                return self._path(expression)
            case syntax.Unary(operator=operator, operand=operand):
                return self._operand(operand, "truth" if operator == "not" else "number", f"`{operator}`")
            case syntax.Binary(operator=operator, left=left, right=right):
                sort: Literal["truth", "number"] = "truth" if operator in ("and", "or") else "number"
                parts = [self._operand(part, sort, f"`{operator}`") for part in (left, right)]
                return together(parts, sort, expression.span, self.diagnostics)
            case syntax.Comparison():
                return self._comparison(expression)
            case syntax.Approximately(value=value, target=target, tolerance=tolerance):
                parts = [self._operand(part, "number", "`~=`") for part in (value, target, tolerance)]
                self._tolerance(tolerance)
                return together(parts, "truth", expression.span, self.diagnostics)
            case syntax.Choice(condition=condition, yes=yes, no=no):
                return self._choice(condition, yes, no, expression.span)
            case syntax.Call():
                before = self.measured
                kind = self._call(expression)
                if expression.function.bare in ("len", "count"):  # whole numbers, and none that rounding changes
                    self.measured = before
                return kind if kind is None or self._has_value(expression) else None
            case syntax.List(items=items):
                parts = [self._operand(item, "number", "a list") for item in items]
                for part in parts:
                    if part is not None and part.axes:
                        unreduced(part, expression.span, self.diagnostics)
                        return None
                if any(part is None for part in parts):
                    return None
                return ClaimType("number", (len(items),))
            case syntax.At():
                return self._slice(expression)
        self.diagnostics.add(
            "E0713",
            "this has no place in a claim",
            expression.span,
            label="neither a result nor a number",
            help="a claim compares results with numbers: `fit.gap < 1e-4`",
        )
        return None

    def _comparison(self, comparison: syntax.Comparison) -> ClaimType | None:
        kinds: list[ClaimType | None] = []
        measured: list[bool] = []
        for i, operand in enumerate(comparison.operands):
            before = self.measured
            kinds.append(self._operand(operand, "number", f"`{comparison.operators[max(i - 1, 0)]}`"))
            measured.append(self.measured > before)
        for operator, operand, which in zip(comparison.operators, comparison.operands[1:], pairwise(measured), strict=True):
            if operator in ("==", "!=") and any(which):
                self._exactly(operator, operand.span)
        return together(kinds, "truth", comparison.span, self.diagnostics)

    def _exactly(self, operator: str, span: Span) -> None:
        """Warn of a measured number that must equal another, or must not."""
        equal = operator == "=="
        self.diagnostics.add(
            "W0955",
            f"`{operator}` compares a number that is measured, "
            + ("and another seed or machine changes its last digits" if equal else "and nearly every number is different"),
            span,
            label="equal to the last digit" if equal else "true of nearly any number",
            help="write `~= … ± …` with a tolerance, or a bound",
        )

    # ------------------------------------------------------------ parts

    def _operand(self, expression: syntax.Expression, sort: Literal["number", "truth"], of: str) -> ClaimType | None:
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

    def _path(self, path: syntax.Path) -> ClaimType | None:
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
        self._determined(text, place)
        axes = results.sweeps.get(path.head.text, ())
        return ClaimType("number", place.shape, tuple(Dimension(path.head.text, k, axis) for k, axis in enumerate(axes)))

    def _determined(self, text: str, place: Place) -> None:
        """Note what determines a result: theory alone, or networks that a sweep over seeds repeats, or single ones."""
        head = place.steps[0]
        name = str(place.steps[1] if head in self.results.sweeps else head)
        if isinstance(place.schema, Quantity) and place.schema.theory and not self.results.drawn(name):
            self.theory.add(text)
            return
        self.measured += 1
        axes = self.results.sweeps.get(str(head))
        behind = self.results.behind.get(name)
        self.reseeded = self.reseeded or (bool(behind) and not over_seeds(axes or ()))
        number = self.results.repeated(str(head), name)
        if number is None:
            self.single = True
        else:
            self.repeated[str(head)] = number

    def _slice(self, expression: syntax.At) -> ClaimType | None:
        """`X at (axis = value)`: the axes that it names are gone."""
        before = list(self.reads)
        kind = self._path(expression.path)
        if kind is None:
            return None
        if not kind.axes:
            no_axes("`at (…)`", expression.path, expression.span, self.results.sweeps, self.diagnostics)
            return None
        for argument in expression.arguments:
            self.used |= mentions(argument.value) & set(self.params)
        left = check_at(expression, kind.axes, self.params, self.diagnostics)
        self.reads = list(dict.fromkeys([*before, format_expression(expression)]))
        return ClaimType("number", kind.shape, left) if left is not None else None

    def _param(self, path: syntax.Path, name: str) -> ClaimType | None:
        self.used.add(name)
        match self.params[name]:
            case bool():
                return ClaimType("truth")
            case Fraction() | float():
                return ClaimType("number")
            case Array() as array if all(isinstance(item, (Fraction, float)) for item in array.items):
                return ClaimType("number", (len(array.items),))
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

    def _choice(
        self, condition: syntax.Expression, yes: syntax.Expression, no: syntax.Expression, span: Span
    ) -> ClaimType | None:
        kind = self._operand(condition, "truth", "`if`")
        parts = self.type_of(yes), self.type_of(no)
        if kind is None or parts[0] is None or parts[1] is None:
            return None
        if not kind.single:
            unreduced(kind, condition.span, self.diagnostics)
            return None
        if parts[0].sort != parts[1].sort:
            self.diagnostics.add(
                "E0710", f"`then` gives {parts[0]}, `else` gives {parts[1]}", span, help="both must be of one sort"
            )
            return None
        return together(parts, parts[0].sort, span, self.diagnostics)

    # ------------------------------------------------------------ functions

    def _call(self, call: syntax.Call) -> ClaimType | None:
        name = call.function.bare
        function = FUNCTIONS.get(name) if name is not None else None
        if name is None or function is None or not function.results:
            written = name or steps_text((call.function.head.text, "…"))
            cure = suggestion(written, [each for each, other in FUNCTIONS.items() if other.results], "claims have")
            message, label = f"claims have no function `{written}`", "unknown function"
            if function is not None:
                message, label = f"`{written}` takes constants, and here it is given results", "not of results"
            self.diagnostics.add("E0707", message, call.function.span, label=label, help=cure)
            return None
        reduction = reduction_of(call)
        if reduction is not None:
            kind = self._operand(reduction.value, function.takes, f"`{name}`")
            if kind is None:
                return None
            return reduced_type(call, reduction, kind, self.results.sweeps, self.diagnostics)
        parts: list[ClaimType | None] = []
        for argument in call.arguments:
            if argument.reducer is not None:
                message = f"`{argument.reducer}` belongs to the first argument of `{name}`, and only axes follow it"
                self.diagnostics.add("E0723", message, argument.span, help="write `mean(x over fit.seed, net.d_model)`")
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
        return applied(call, name, kinds, self.diagnostics)

    def _has_value(self, call: syntax.Call) -> bool:
        """Whether a call has a value, as far as can be known before the run; E0402 if it has none in any."""
        if not mentions(call) <= {*FUNCTIONS, *self.params}:
            return True
        try:
            constant_value(call, self.params)
        except UndefinedError as undefined:
            self.diagnostics.add("E0402", str(undefined), call.span, label="no number", help="give it numbers that have one")
            return False
        return True


def _type_of_constant(value: Cell) -> ClaimType:
    shape: list[int] = []
    while isinstance(value, tuple) and value:
        shape.append(len(value))
        value = value[0]
    return ClaimType("truth" if isinstance(value, bool) else "number", (*shape, 0) if isinstance(value, tuple) else tuple(shape))


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
