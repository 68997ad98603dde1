"""Evaluation of constant expressions: exact, with a budget, and with an error at its place for whatever has no value."""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from typing import Any

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Note
from hmmdsl.language.messages.hints import suggestion
from hmmdsl.language.source import Span
from hmmdsl.language.values.arithmetic import as_integer, as_number, calculate, compare, negative, wrong_type
from hmmdsl.language.values.arrays import as_list, make_list
from hmmdsl.language.values.budget import BITS, DEPTH, Budget, too_large
from hmmdsl.language.values.calls import bind, fill, usage
from hmmdsl.language.values.composition import OPERATIONS, compose
from hmmdsl.language.values.failure import ConstantError, Reported
from hmmdsl.language.values.functions import FUNCTIONS, INDEX
from hmmdsl.language.values.lookup import find, unknown_name
from hmmdsl.language.values.references import read_symbol
from hmmdsl.language.values.scope import Failed, Function, Module, Scope, Template
from hmmdsl.language.values.symbols import HINTS
from hmmdsl.language.values.value import Array, Complex, Value, kind_of_value, shown, text_of
from hmmdsl.process.process import Process, Scalar

CALL = 20
"""Operations that the call of a function counts as, beside those of its value."""


def evaluate(expression: syntax.Expression, scope: Scope, budget: Budget) -> Value:
    """The value of an expression where the names of `scope` are known.

    Raises ConstantError: a code E02xx for names and calls, E04xx for arithmetic, types and limits; Reported where the reason has
    been told already. It nests at most DEPTH deep, whatever the tree.
    """
    budget.operations += 1
    if budget.operations & 63 == 0:
        budget.spend(expression.span, 0)
    if budget.depth >= DEPTH:
        raise budget.too_deep(expression.span)
    budget.depth += 1
    try:
        return _EVALUATE[type(expression)](expression, scope, budget)
    finally:
        budget.depth -= 1


def evaluate_number(expression: syntax.Expression, scope: Scope, budget: Budget) -> Scalar:
    """The value of an expression that must be a real number. Raises ConstantError, E0403 if it is none."""
    return as_number(evaluate(expression, scope, budget), expression.span)


def evaluate_condition(expression: syntax.Expression, scope: Scope, budget: Budget) -> bool:
    """The value of an expression that must be true or false. Raises ConstantError, E0403 if it is neither."""
    value = evaluate(expression, scope, budget)
    if isinstance(value, bool):
        return value
    raise wrong_type(value, "a condition", expression.span)


def evaluate_process(expression: syntax.Expression, scope: Scope, budget: Budget) -> Process:
    """The value of an expression that must be a process. Raises ConstantError, E0403 if it is none."""
    value = evaluate(expression, scope, budget)
    if isinstance(value, Process):
        return value
    raise wrong_type(value, "a process", expression.span)


def integer_range(expression: syntax.Range, scope: Scope, budget: Budget) -> range:
    """`start..stop` as integers. Raises ConstantError: E0406 if a bound is no integer or the range runs backwards, E0414 if it is
    too long."""
    bounds = []
    for bound in (expression.start, expression.stop):
        value = evaluate(bound, scope, budget)
        if not isinstance(value, Fraction) or value.denominator != 1:
            raise ConstantError(
                "E0406",
                f"the ends of a range must be integers, and this is {shown(value)}",
                bound.span,
                help="write a range such as `0..3`",
            )
        bounds.append(value.numerator)
    start, stop = bounds[0], bounds[1] + (1 if expression.closed else 0)
    if stop < start:
        raise ConstantError(
            "E0406",
            f"the range from {bounds[0]} to {bounds[1]} runs backwards",
            expression.span,
            help="write the smaller end first",
        )
    if stop - start > sys.maxsize:  # Python itself cannot count so far
        raise ConstantError("E0414", "this range is too long to count through", expression.span, help="use a smaller range")
    return range(start, stop)


# ---------------------------------------------------------------- paths


def _path(path: syntax.Path, scope: Scope, budget: Budget) -> Value:
    found, segments = find(path, scope)
    if isinstance(found, Function):
        raise ConstantError(
            "E0206",
            f"`{found.name}` is a function and needs arguments",
            path.span,
            help=f"write `{usage(found.name, found.parameters)}`",
        )
    if isinstance(found, Template):
        if found.parameters is not None:
            raise ConstantError(
                "E0207",
                f"`{path.span.text}` is a process with parameters, and here it is not called",
                path.span,
                label="no parentheses",
                help=_how_to_call(path.span.text, found.parameters),
            )
        value: Value = found.instantiate({}, path.span, budget)
    elif isinstance(found, Module):
        raise ConstantError(
            "E0206", f"`{path.span.text}` is an imported file, not a value", path.span, help=f"write `{path.span.text}.name`"
        )
    else:
        assert not isinstance(found, Failed)
        value = found
    for segment in segments:
        value = _segment(value, segment, scope, budget)
    return value


def _how_to_call(text: str, parameters: tuple[syntax.Parameter, ...]) -> str:
    form = usage(text, parameters)
    if any(parameter.default is None for parameter in parameters) or not parameters:
        return f"write `{form}`"
    return f"write `{text}()`, or give its parameters: `{form}`"


def _segment(value: Value, segment: syntax.Member | syntax.Index, scope: Scope, budget: Budget) -> Value:
    if isinstance(segment, syntax.Member):
        raise ConstantError("E0403", f"{kind_of_value(value)} has no parts with names", segment.span, help="leave `.name` out")
    for item in segment.items:
        array = as_list(value, segment.span)
        position = as_integer(evaluate(item, scope, budget), "an index", item.span)
        if not 0 <= position < len(array.items):
            raise ConstantError(
                "E0409",
                f"the list has {len(array.items)} items, and none at index {position}",
                item.span,
                help=f"indices go from 0 to {len(array.items) - 1}" if array.items else "the list is empty",
            )
        value = array.items[position]
    return value


# ---------------------------------------------------------------- calls


def _call(call: syntax.Call, scope: Scope, budget: Budget) -> Value:
    name = call.function.bare
    found, rest = (scope.lookup(name), ()) if name is not None else find(call.function, scope)
    if rest and isinstance(found, Function | Template):
        place = rest[0].span.to(rest[-1].span)
        raise ConstantError("E0403", f"`{found.name}` has no parts", place, help=f"write `{found.name}(…)`")
    if found is None and name is not None:
        return _builtin(name, call, scope, budget)
    match found:
        case Failed():
            raise Reported
        case Function():
            given = bind(f"`{found.name}`", found.parameters, call, lambda value: evaluate(value, scope, budget))
            return _apply(found, given, call.span, budget)
        case Template():
            given = bind(f"`{found.name}`", found.parameters or (), call, lambda value: evaluate(value, scope, budget))
            return found.instantiate(given, call.span, budget)
    what = "an imported file" if found is None or isinstance(found, Module) else kind_of_value(found)
    raise ConstantError(
        "E0206",
        f"`{call.function.span.text}` is {what} and cannot be called",
        call.function.span,
        help="leave the parentheses out, or write `*` to multiply",
    )


def _apply(function: Function, given: dict[str, Value], span: Span, budget: Budget) -> Value:
    inner = Scope(function.scope)
    budget.spend(span, CALL)
    with budget.call(id(function), f"`{function.name}`", span):
        try:
            fill(function.parameters, given, inner, budget, evaluate)
            return evaluate(function.value, inner, budget)
        except ConstantError as error:
            values = ", ".join(f"{name} = {text_of(value)}" for name, value in given.items() if not isinstance(value, Array))
            raise error.with_notes(
                Note(f"in `{function.name}`{' with ' + values if values else ''}, called here", span)
            ) from None


def _builtin(name: str, call: syntax.Call, scope: Scope, budget: Budget) -> Value:
    if name == INDEX:
        return _index(call, scope, budget)
    if name in OPERATIONS:
        return compose(name, call, scope, budget, evaluate)
    function = FUNCTIONS.get(name)
    if function is None:
        outside = scope.find_outside()
        if outside is not None and outside.lookup(name) is not None:
            raise unknown_name(call.function.head, scope)
        known = [other for other in islice(scope.names(), HINTS) if isinstance(scope.lookup(other), (Function, Template))]
        raise ConstantError(
            "E0205",
            f"there is no function or process `{name}`",
            call.function.span,
            label="unknown",
            help=suggestion(name, [*known, *FUNCTIONS, *OPERATIONS, INDEX], "there are"),
        )
    for argument in call.arguments:
        if argument.name is not None or argument.reducer is not None:
            raise ConstantError(
                "E0208",
                f"`{name}` takes its arguments by position only",
                argument.span,
                help=f"write `{function.usage}`",
            )
    values = [evaluate(argument.value, scope, budget) for argument in call.arguments]
    return function(values, [argument.span for argument in call.arguments], call.span, budget)


def _index(call: syntax.Call, scope: Scope, budget: Budget) -> Value:
    symbols = scope.find_symbols()
    if len(call.arguments) != 1 or symbols is None:
        raise ConstantError(
            "E0407" if symbols is not None else "E0205",
            "`index` takes one token" if symbols is not None else "`index` is known only in the body of a process",
            call.span,
            help="write `index(t)` for a token `t` of the process",
        )
    return Fraction(read_symbol(call.arguments[0].value, symbols.tokens, scope, budget, evaluate))


# ---------------------------------------------------------------- operators


def _number(number: syntax.Number, scope: Scope, budget: Budget) -> Value:
    if number.value.numerator.bit_length() > BITS or number.value.denominator.bit_length() > BITS:
        raise too_large(number.span)
    return number.value


def _unary(unary: syntax.Unary, scope: Scope, budget: Budget) -> Value:
    if unary.operator == "not":
        return not evaluate_condition(unary.operand, scope, budget)
    return negative(evaluate(unary.operand, scope, budget), unary.span, budget)


def _binary(binary: syntax.Binary, scope: Scope, budget: Budget) -> Value:
    # A sum of thousands of terms is a tree as deep: walk down its left side without nesting.
    chain = [binary]
    while isinstance(chain[-1].left, syntax.Binary):
        chain.append(chain[-1].left)
    value = evaluate(chain[-1].left, scope, budget)
    for step in reversed(chain):
        budget.spend(step.span)
        operator = step.operator
        if operator in ("and", "or"):
            if not isinstance(value, bool):
                raise wrong_type(value, "a condition", step.left.span)
            if value == (operator == "and"):
                value = evaluate_condition(step.right, scope, budget)
            continue
        right = evaluate(step.right, scope, budget)
        value = calculate(operator, value, right, step.span, budget)
    return value


def _comparison(comparison: syntax.Comparison, scope: Scope, budget: Budget) -> Value:
    left = evaluate(comparison.operands[0], scope, budget)
    for operator, operand in zip(comparison.operators, comparison.operands[1:], strict=True):
        right = evaluate(operand, scope, budget)
        if not compare(operator, left, right, comparison.span):
            return False
        left = right
    return True


def _choice(choice: syntax.Choice, scope: Scope, budget: Budget) -> Value:
    while True:
        chosen = choice.yes if evaluate_condition(choice.condition, scope, budget) else choice.no
        if not isinstance(chosen, syntax.Choice):
            return evaluate(chosen, scope, budget)
        choice = chosen


def _list(items: syntax.List, scope: Scope, budget: Budget) -> Value:
    values = [evaluate(item, scope, budget) for item in items.items]
    return make_list(values, [item.span for item in items.items], items.span, budget)


def _range(expression: syntax.Range, scope: Scope, budget: Budget) -> Value:
    numbers = integer_range(expression, scope, budget)
    budget.check_length(len(numbers), expression.span)
    return Array(tuple(Fraction(k) for k in numbers))


def _no_constant(expression: syntax.Expression, scope: Scope, budget: Budget) -> Value:
    raise ConstantError(
        "E0413",
        f"this is {_SORTS.get(type(expression), 'no constant')}, and a constant is needed here",
        expression.span,
        help="write a number, a list, a string, or an expression of them",
    )


_SORTS: dict[type, str] = {
    syntax.Approximately: "a claim with a tolerance",
    syntax.At: "a slice of a sweep",
    syntax.Tuple: "a tuple",
    syntax.Pair: "a renaming",
    syntax.Tagged: "a record",
    syntax.Every: "`..`, all elements",
}

_EVALUATE: dict[type, Callable[[Any, Scope, Budget], Value]] = {
    syntax.Path: _path,
    syntax.Number: _number,
    syntax.Imaginary: lambda imaginary, scope, budget: Complex(Fraction(0), _number(imaginary, scope, budget)),  # type: ignore[arg-type]
    syntax.String: lambda string, scope, budget: string.value,
    syntax.Boolean: lambda boolean, scope, budget: boolean.value,
    syntax.Unary: _unary,
    syntax.Binary: _binary,
    syntax.Comparison: _comparison,
    syntax.Choice: _choice,
    syntax.Call: _call,
    syntax.List: _list,
    syntax.Range: _range,
    **dict.fromkeys(_SORTS, _no_constant),
}
