"""Processes made of processes, in expressions: `product(left = p, right = q)`, `leak(p, 0.01)`, `relabel(p, [0 -> heads])`, …"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from hmmdsl.language import syntax
from hmmdsl.language.source import Span
from hmmdsl.language.values.arguments import Given, Operation, read_arguments
from hmmdsl.language.values.arithmetic import as_integer, as_number, wrong_type
from hmmdsl.language.values.budget import BITS, Budget, too_large
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.scope import Evaluate, Scope
from hmmdsl.language.values.value import Array, Value, text_of
from hmmdsl.process.algebra.failure import LARGEST_ENTRIES, LARGEST_STATES, AlgebraError, ClashError, TooDeepError, TooLargeError
from hmmdsl.process.algebra.mixture import mixture
from hmmdsl.process.algebra.product import product
from hmmdsl.process.algebra.random_hmm import random_hmm
from hmmdsl.process.algebra.switch import switch
from hmmdsl.process.algebra.transforms import UnclosedError, leak, minimize, noise, relabel, reverse
from hmmdsl.process.allowance import theory_for
from hmmdsl.process.censored import UnsolvedError
from hmmdsl.process.process import Process, Scalar

MINIMIZE = 50_000
"""Operations that one `minimize` counts as, beside its states: each may take a second, and twenty are enough for a file."""

STATE, TRANSITION = 100, 4
"""Operations that a state and a transition of a random process count as; to find its stationary start is theory."""

LONGEST_NAME = 120
"""A process that has no name of its own is called by its expression, up to so many characters."""


APART = {
    "noise": "put the noise on its factors: `product(a = noise(…), b = noise(…))` disturbs each by itself, and they stay apart",
    "leak": "let its factors leak: `product(a = leak(…), b = leak(…))` lets each by itself, and they stay apart",
    "minimize": "minimize its factors: `product(a = minimize(…), b = minimize(…))`",
    "relabel": "relabel its factors: `product(a = relabel(…), b = …)`; the tokens of a product stay tuples",
    "mixture": "mix within its factors: a product of mixtures keeps them apart; what is mixed as a whole is written out",
    "switch": "switch within its factors: a product of switches keeps them apart; what is switched as a whole is written out",
}
"""What to do where a product would have to be written out, and does not fit."""


def compose(name: str, call: syntax.Call, scope: Scope, budget: Budget, evaluate: Evaluate) -> Process:
    """The process that the call makes; its name is the call's text in canonical form.

    Raises ConstantError: E02xx for its arguments, E0330 to E0339 for what has no meaning or would not fit, E04xx for values.
    """
    operation = OPERATIONS[name]
    given = read_arguments(name, call, operation, scope, budget, evaluate)
    try:
        budget.spend(call.span, _cost(name, given))
        theory_for(call.span)
        made = operation.build(given)
    except AlgebraError as error:
        apart = isinstance(error, TooLargeError) and any(process.factored for process in given.processes())
        cure = APART.get(name, error.cure) if apart else error.cure
        raise ConstantError(_code(error, operation), error.message, call.span, help=cure) from None
    except UnsolvedError as error:
        message = str(error).partition(";")[0]
        raise ConstantError("E0430", message, call.span, help="make it smaller, or give its parts a start") from None
    except ValueError as error:
        raise ConstantError("E0412", str(error), call.span, help="use exact numbers, or larger ones") from None
    budget.charge(call.span, sum(len(factor.states) + factor.transition_count for factor in made.factors) + len(made.tokens))
    _check_numbers(made, call.span)
    return made


def _cost(name: str, given: Given) -> int:
    """Operations that a call counts as before it is made, besides the process that comes of it."""
    if name == "minimize":
        return MINIMIZE
    if name != "random_hmm":
        return 1
    states, tokens = _integer(given, "states"), _integer(given, "tokens")
    outcomes = _integer(given, "outcomes") if given.has("outcomes") else tokens * states
    # What does not fit at all is told with its sizes.
    sound = 0 < states <= LARGEST_STATES and 0 < states * outcomes <= LARGEST_ENTRIES
    return STATE * states + TRANSITION * states * outcomes if sound else 1


def _code(error: AlgebraError, operation: Operation) -> str:
    match error:
        case TooLargeError() | TooDeepError():
            return "E0332"
        case ClashError():
            return "E0333"
        case UnclosedError():
            return "E0335"
    return operation.code


def _check_numbers(process: Process, span: Span) -> None:
    """Raise ConstantError (E0404) if a probability has become too long a fraction: the next step would take for ever. Those of a
    product are its factors', whose products are not made."""
    for value in (value for factor in process.factors for entries in factor.operators for value in entries.values()):
        if isinstance(value, Fraction) and max(value.numerator.bit_length(), value.denominator.bit_length()) > BITS:
            raise too_large(span)


def _named(operation: str, *arguments: str) -> str:
    text = f"{operation}({', '.join(arguments)})"
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 2]}…)"


def _parts_named(operation: str, parts: Mapping[str, Process], *arguments: str) -> str:
    return _named(operation, *(f"{key} = {process.name}" for key, process in parts.items()), *arguments)


def _probability(given: Given, parameter: str) -> Scalar:
    """A probability. Raises ConstantError: E0403 for no number, E0336 outside 0 to 1."""
    span = given.span(parameter)
    value = as_number(given.value(parameter), span)
    if not 0 <= value <= 1:
        raise ConstantError(
            "E0336",
            f"`{parameter}` is a probability, and this is {text_of(value)}",
            span,
            label="below 0" if value < 0 else "above 1",
            help="give a number from 0 to 1",
        )
    return value


def _product(given: Given) -> Process:
    return product(given.parts, _parts_named("product", given.parts))


def _mixture(given: Given) -> Process:
    span = given.span("weights")
    weights = given.value("weights")
    if not isinstance(weights, Array):
        raise wrong_type(weights, "a list of numbers, one weight for each component,", span)
    numbers = [as_number(weight, span) for weight in weights.items]
    try:
        return mixture(given.parts, numbers, _parts_named("mixture", given.parts, f"weights = {text_of(weights)}"))
    except AlgebraError as error:
        if not given.parts or isinstance(error, (ClashError, TooDeepError, TooLargeError)):
            raise
        raise ConstantError("E0330", error.message, span, help=error.cure) from None


def _relabel(given: Given) -> Process:
    process = given.process("process")
    names = given.token_pairs("pairs", process)
    changed = ", ".join(f"{old} -> {new}" for old, new in names.items())
    return relabel(process, names, _named("relabel", process.name, f"[{changed}]"))


def _leak(given: Given) -> Process:
    process, eps = given.process("process"), _probability(given, "eps")
    return leak(process, eps, _named("leak", process.name, text_of(eps)))


def _noise(given: Given) -> Process:
    process, eps = given.process("process"), _probability(given, "eps")
    return noise(process, eps, _named("noise", process.name, text_of(eps)))


def _switch(given: Given) -> Process:
    top = given.process("top")
    subprocesses = given.process_pairs("tasks", top) if given.has("tasks") else dict(given.parts)
    end = _probability(given, "end") if given.has("end") else Fraction(0)
    seen = _condition(given, "seen", True)
    tail = [f"end = {text_of(end)}"] if given.has("end") else []
    tail += [] if seen else ["seen = false"]
    name = _parts_named("switch", {"top": top, **subprocesses}, *tail)
    return switch(top, subprocesses, end, seen, name)


def _reverse(given: Given) -> Process:
    process = given.process("process")
    return reverse(process, _named("reverse", process.name))


def _minimize(given: Given) -> Process:
    process = given.process("process")
    return minimize(process, _named("minimize", process.name))


def _random_hmm(given: Given) -> Process:
    states, tokens = _integer(given, "states"), _integer(given, "tokens")
    seed = _integer(given, "seed")
    outcomes = _integer(given, "outcomes") if given.has("outcomes") else None
    unifilar = _condition(given, "unifilar", False)
    denominator = _integer(given, "denominator") if given.has("denominator") else 1000
    said = [f"{key} = {text_of(given.value(key))}" for key in _RANDOM if given.has(key)]
    return random_hmm(states, tokens, seed, outcomes, unifilar, denominator, _named("random_hmm", *said))


def _integer(given: Given, parameter: str) -> int:
    return as_integer(given.value(parameter), f"`{parameter}`", given.span(parameter))


def _condition(given: Given, parameter: str, default: bool) -> bool:
    if not given.has(parameter):
        return default
    value: Value = given.value(parameter)
    if not isinstance(value, bool):
        raise wrong_type(value, "true or false", given.span(parameter))
    return value


_RANDOM = ("states", "tokens", "seed", "outcomes", "unifilar", "denominator")

OPERATIONS: Mapping[str, Operation] = {
    "product": Operation((), (), True, "E0339", _product, "product(left = p, right = q)"),
    "mixture": Operation(("weights",), (), True, "E0339", _mixture, "mixture(A = p, B = q, weights = [1/2, 1/2])"),
    "relabel": Operation(("process", "pairs"), (), False, "E0331", _relabel, "relabel(p, [0 -> heads, 1 -> tails])"),
    "leak": Operation(("process", "eps"), (), False, "E0336", _leak, "leak(p, eps)"),
    "noise": Operation(("process", "eps"), (), False, "E0336", _noise, "noise(p, eps)"),
    "switch": Operation(
        ("top", "tasks", "end", "seen"),
        ("tasks", "end", "seen"),
        True,
        "E0337",
        _switch,
        "switch(top = coin(), heads = p, tails = q)",
    ),
    "reverse": Operation(("process",), (), False, "E0334", _reverse, "reverse(p)"),
    "minimize": Operation(("process",), (), False, "E0335", _minimize, "minimize(p)"),
    "random_hmm": Operation(
        _RANDOM,
        ("outcomes", "unifilar", "denominator"),
        False,
        "E0338",
        _random_hmm,
        "random_hmm(states = 5, tokens = 2, seed = 0)",
    ),
}
"""Every function that makes processes, by its name."""
