"""Arguments to parameters: by position, by name, by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Note
from hmmdsl.language.messages.hints import listing, suggestion
from hmmdsl.language.source import Span
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.lookup import BUILTIN_NAMES
from hmmdsl.language.values.scope import Evaluate, Scope, check_new_name
from hmmdsl.language.values.value import Value

"""The evaluator, as an argument of what it needs itself."""


def usage(name: str, parameters: tuple[syntax.Parameter, ...]) -> str:
    """How a call is written: `mess3(x, alpha)`."""
    return f"{name}({', '.join(parameter.name.text for parameter in parameters)})"


def bind(
    what: str,
    parameters: tuple[syntax.Parameter, ...],
    call: syntax.Call,
    evaluate: Callable[[syntax.Expression], Value],
) -> dict[str, Value]:
    """The values of the arguments of a call by the parameters' names; defaults are not filled in.

    Raises ConstantError: E0208 an unknown argument, E0209 a missing one, E0210 too many, E0211 one given twice.
    """
    names = [parameter.name.text for parameter in parameters]
    given: dict[str, Value] = {}
    places: dict[str, Span] = {}
    named = False
    for position, argument in enumerate(call.arguments):
        if argument.reducer is not None:
            raise ConstantError(
                "E0413",
                f"`{argument.reducer}` has no meaning in a constant",
                argument.span,
                help="only an `expect` reduces a sweep",
            )
        if argument.name is not None:
            named = True
            name = argument.name.bare
            if name is None or name not in names:
                word = name or argument.name.span.text
                raise ConstantError(
                    "E0208",
                    f"{what} has no parameter `{word}`",
                    argument.name.span,
                    help=suggestion(word, names, "its parameters are") if names else "it has no parameters",
                )
        elif named:
            raise ConstantError(
                "E0211",
                "an argument by position stands behind one by name",
                argument.span,
                help="give positions first, then names",
            )
        elif position >= len(names):
            raise ConstantError(
                "E0210",
                f"{what} takes {len(names) or 'no'} argument{'' if len(names) == 1 else 's'}, and this is number {position + 1}",
                argument.span,
                help=f"its parameters are {listing(names)}" if names else "leave it out",
            )
        else:
            name = names[position]
        if name in given:
            raise ConstantError(
                "E0211",
                f"the argument `{name}` is given twice",
                argument.span,
                help="leave one of the two out",
                notes=(Note("given here first", places[name]),),
            )
        given[name] = evaluate(argument.value)
        places[name] = argument.span
    for parameter in parameters:
        if parameter.default is None and parameter.name.text not in given:
            raise ConstantError(
                "E0209",
                f"{what} needs its argument `{parameter.name.text}`",
                call.span,
                label=f"`{parameter.name.text}` is missing",
                help=f"write `{usage(call.function.span.text, parameters)}`",
                notes=(Note("the parameter has no default", parameter.span),),
            )
    return given


def fill(
    parameters: tuple[syntax.Parameter, ...], given: Mapping[str, Value], scope: Scope, budget: Budget, evaluate: Evaluate
) -> None:
    """Define every parameter in `scope`, from `given` or from its default, which sees those to its left.

    All parameters without a default are in `given`. Raises ConstantError for a default that has no value.
    """
    for parameter in parameters:
        name = parameter.name.text
        if name in given:
            value = given[name]
        else:
            assert parameter.default is not None
            value = evaluate(parameter.default, scope, budget)
        scope.define(name, value, parameter.name.span)


def check_parameters(parameters: tuple[syntax.Parameter, ...], scope: Scope) -> None:
    """Raise ConstantError (E0202, E0203, E0204) if a parameter's name is taken."""
    names = Scope(scope)
    for parameter in parameters:
        check_new_name(parameter.name, names, BUILTIN_NAMES)
        names.define(parameter.name.text, False, parameter.name.span)
