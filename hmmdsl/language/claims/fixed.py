"""The parts of a claim that no result changes: evaluated as any constant of the language is, before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction

from hmmdsl.language import syntax
from hmmdsl.language.claims.measured import Cell
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.evaluation import evaluate
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.functions import CONSTANTS, FUNCTIONS
from hmmdsl.language.values.mentions import mentions
from hmmdsl.language.values.scope import Scope
from hmmdsl.language.values.value import Array, Value

NO_VALUE = frozenset({"E0401", "E0402", "E0404", "E0405", "E0412", "E0414"})
"""Codes of constants that have no value, whatever is expected of them: divisions by zero, roots of negative numbers, overflow."""

_SORTS = (syntax.Path, syntax.Unary, syntax.Binary, syntax.Comparison, syntax.Choice, syntax.Call, syntax.List)


def fixed(expression: syntax.Expression, constants: Mapping[str, Value], results: Collection[str] = ()) -> Cell | None:
    """The value of an expression that names params and functions of the language alone, none of `results`; None if it names
    anything else, or is something that only claims have. Raises ConstantError (`NO_VALUE`) if it can have no value."""
    if not isinstance(expression, _SORTS):
        return None
    names = mentions(expression)
    known = (constants.keys() - set(results)) | FUNCTIONS.keys() | CONSTANTS.keys()
    if not names <= known:
        return None
    try:
        return as_cell(evaluate(expression, Scope(bound=dict(constants)), Budget()))
    except ConstantError as error:
        of_param = isinstance(expression, syntax.Path) and expression.head.text in constants
        if error.diagnostic is not None and (of_param or error.diagnostic.code in NO_VALUE):
            raise
        return None


def as_cell(value: Value) -> Cell | None:
    """A constant as claims compute with it; None if it is neither a number, nor a truth value, nor a list of them."""
    match value:
        case bool() | Fraction() | float():
            return value
        case Array(items):
            cells = [as_cell(item) for item in items]
            return None if None in cells else tuple(cell for cell in cells if cell is not None)
    return None
