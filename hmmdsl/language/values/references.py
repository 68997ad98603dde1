"""How a body refers to its states and tokens: `S0`, `s[i, 1]`, `0`, `"a"`, `t[k]`, or a constant that equals an integer token."""

from __future__ import annotations

from fractions import Fraction

from hmmdsl.language import syntax
from hmmdsl.language.source import Span
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.failure import ConstantError, Reported
from hmmdsl.language.values.scope import Evaluate, Scope
from hmmdsl.language.values.symbols import Table, string_text
from hmmdsl.language.values.value import is_integer, shown, text_of


def read_state(path: syntax.Path, states: Table, scope: Scope, budget: Budget, evaluate: Evaluate) -> int:
    """The position of a state. Raises ConstantError: E0306 unknown, E0312 and E0313 for its indices."""
    name = path.head.text
    if not path.segments:
        place = states.places.get(name)
        if place is not None:
            return place
        if name in states.families:
            raise states.wrong_indices(name, 0, path.span)
    return _member(path, states, scope, budget, evaluate)


def read_symbol(symbol: syntax.Expression, tokens: Table, scope: Scope, budget: Budget, evaluate: Evaluate) -> int:
    """The position of the token that a label names.

    Raises ConstantError: E0307 unknown, E0312 and E0313 for its indices, E0314 both a token and a constant, E0315 a constant that
    is no integer.
    """
    match symbol:
        case syntax.Number():
            return _integer(symbol.value, tokens, symbol.span)
        case syntax.String():
            place = tokens.places.get(string_text(symbol.value))
            if place is None:
                raise _unknown(tokens, string_text(symbol.value), symbol.span)
            return place
        case syntax.Path(head=head):
            return _named(symbol, head.text, tokens, scope, budget, evaluate)
        case syntax.Tuple():
            raise _unknown(tokens, symbol.span.text, symbol.span)
    return _constant(symbol, tokens, scope, budget, evaluate)


def _named(path: syntax.Path, name: str, tokens: Table, scope: Scope, budget: Budget, evaluate: Evaluate) -> int:
    declared = name in tokens.families or name in tokens.places
    constant = scope.lookup(name) is not None
    if declared and constant:
        raise ConstantError(
            "E0314",
            f"`{name}` is both a token and a constant",
            path.span,
            label="which one?",
            help="rename one of the two",
        )
    if constant:
        return _constant(path, tokens, scope, budget, evaluate)
    if not path.segments:
        place = tokens.places.get(name)
        if place is not None:
            return place
        if declared:
            raise tokens.wrong_indices(name, 0, path.span)
    return _member(path, tokens, scope, budget, evaluate)


def _member(path: syntax.Path, table: Table, scope: Scope, budget: Budget, evaluate: Evaluate) -> int:
    name = path.head.text
    if name not in table.families and name not in table.places:
        raise _unknown(table, name, path.span)
    if len(path.segments) != 1 or not isinstance(path.segments[0], syntax.Index):
        raise _unknown(table, path.span.text, path.span)
    items = path.segments[0].items
    if name not in table.families:
        raise table.wrong_indices(name, len(items), path.span)
    indices = []
    for item in items:
        value = evaluate(item, scope, budget)
        if not isinstance(value, Fraction) or value.denominator != 1:
            raise ConstantError(
                "E0312",
                f"the index of a {table.what} must be an integer, and this is {shown(value)}",
                item.span,
                help="write an integer",
            )
        indices.append(value.numerator)
    return table.member(name, tuple(indices), path.span)


def _constant(expression: syntax.Expression, tokens: Table, scope: Scope, budget: Budget, evaluate: Evaluate) -> int:
    value = evaluate(expression, scope, budget)
    if not is_integer(value):
        raise ConstantError(
            "E0315",
            f"a label names a token, and this constant is {shown(value)}",
            expression.span,
            label="no integer",
            help="a constant in a label must equal a token that is an integer",
        )
    assert isinstance(value, Fraction)
    return _integer(value, tokens, expression.span)


def _integer(value: Fraction, tokens: Table, span: Span) -> int:
    place = tokens.places.get(str(value))
    if place is None:
        raise _unknown(tokens, text_of(value), span)
    return place


def _unknown(table: Table, text: str, span: Span) -> ConstantError:
    """Where the declaration itself failed, an unknown name is no further mistake."""
    return Reported() if table.broken else table.unknown(text, span)
