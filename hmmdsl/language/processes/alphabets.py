"""What `states` and `tokens` declare."""

from __future__ import annotations

from fractions import Fraction
from math import prod

from hmmdsl.language import syntax
from hmmdsl.language.processes.reports import Reports
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.evaluation import integer_range
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.scope import EXPRESSION_WORDS, ITEM_WORDS, Scope
from hmmdsl.language.values.symbols import Table


def declare_states(item: syntax.States, table: Table, scope: Scope, budget: Budget, reports: Reports) -> None:
    """Add the states of one `states` line to the table; what is wrong is reported."""
    for family in item.families:
        try:
            _declare_family(family, table, scope, budget)
        except ConstantError as error:
            _broken(error, table, reports)


def declare_tokens(item: syntax.Tokens, table: Table, scope: Scope, budget: Budget, reports: Reports) -> None:
    """Add the tokens of one `tokens` line to the table; what is wrong is reported."""
    for symbol in item.items:
        try:
            match symbol:
                case syntax.Family():
                    _declare_family(symbol, table, scope, budget)
                case syntax.String():
                    table.declare_string(symbol.value, symbol.span)
                case syntax.Number():
                    table.declare(_integer_text(symbol.value, symbol), symbol.span)
                case syntax.Range():
                    numbers = integer_range(symbol, scope, budget)
                    budget.check_length(len(numbers), symbol.span)
                    for number in numbers:
                        table.declare(str(number), symbol.span)
        except ConstantError as error:
            _broken(error, table, reports)


def _broken(error: ConstantError, table: Table, reports: Reports) -> None:
    reports.error(error)
    # A name given twice is known all the same; after any other mistake something is missing.
    if error.diagnostic is None or error.diagnostic.code != "E0309":
        table.broken = True


def _integer_text(value: Fraction, number: syntax.Number) -> str:
    if value.denominator != 1:
        raise ConstantError(
            "E0310", "a token is a name, an integer or a string, not a fraction", number.span, help='write `"0.5"` with quotes'
        )
    return str(value.numerator)


def _declare_family(family: syntax.Family, table: Table, scope: Scope, budget: Budget) -> None:
    name = family.name.text
    if name in EXPRESSION_WORDS or (table.what == "state" and name in ITEM_WORDS):
        raise ConstantError(
            "E0204",
            f"`{name}` is a word of the language, not a name",
            family.name.span,
            help=f"choose another name, such as `{name}_`",
        )
    if not family.ranges:
        table.declare_single(name, family.span)
        return
    ranges = tuple(integer_range(along, scope, budget) for along in family.ranges)
    budget.check_length(prod(map(len, ranges)), family.span)
    table.declare_family(name, ranges, family.span)
