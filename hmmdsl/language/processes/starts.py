"""Where a process starts, and what it can never reach from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from hmmdsl.language import syntax
from hmmdsl.language.messages.hints import listing
from hmmdsl.language.processes.reports import Reports
from hmmdsl.language.processes.rows import TOLERANCE, probability
from hmmdsl.language.source import Span
from hmmdsl.language.values.arithmetic import as_number, shape_text
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.evaluation import evaluate
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.references import read_state
from hmmdsl.language.values.scope import Scope
from hmmdsl.language.values.symbols import Symbols, Table
from hmmdsl.language.values.value import Array, kind_of_value, text_of
from hmmdsl.process.censored import UnsolvedError
from hmmdsl.process.process import Scalar
from hmmdsl.process.stationary import closed_classes, reachable, stationary_distribution

Entries = Mapping[tuple[int, int], Scalar]


def stationary_start(transitions: Entries, states: Table, span: Span) -> tuple[Scalar, ...]:
    """The stationary distribution. Raises ConstantError (E0324) if several sets of states are never left, so that there are
    several, and E0430 if it is not found; `span` is the process's name."""
    closed = closed_classes(transitions, len(states))
    if len(closed) > 1:
        classes = [listing([states.texts[i] for i in sorted(members)], most=4) for members in closed]
        shown = "; ".join(classes[:4]) + ("; …" if len(classes) > 4 else "")
        raise ConstantError(
            "E0324",
            f"the process has no unique stationary start: {len(closed)} sets of states are never left",
            span,
            label=f"never left: {shown}",
            help=f"say where it starts, such as `start {states.texts[min(closed[0])]}`, or join the sets by an arrow",
        )
    try:
        return stationary_distribution(transitions, len(states))
    except UnsolvedError as error:
        raise ConstantError(
            "E0430",
            str(error).partition(";")[0],
            span,
            label=f"{len(states):,} states",
            help="say where it starts, by `start …`, or make it smaller",
        ) from None


def given_start(item: syntax.Start, states: Table, scope: Scope, budget: Budget) -> tuple[Scalar, ...]:
    """The start as the body gives it: one state, or a list with a probability for each.

    Raises ConstantError: E0306 an unknown state, E0325 a list of wrong length or sum, E0302 a wrong probability.
    """
    value = item.value
    if isinstance(value, syntax.Path) and scope.lookup(value.head.text) is None:
        state = read_state(value, states, scope, budget, evaluate)
        return tuple(Fraction(1) if k == state else Fraction(0) for k in range(len(states)))
    weights = evaluate(value, scope, budget)
    if not isinstance(weights, Array):
        raise ConstantError(
            "E0325",
            f"a start is a state or a list of probabilities, and this is {kind_of_value(weights)}",
            value.span,
            help="write `start S`, or `start [1/2, 1/2]`",
        )
    if weights.shape != (len(states),):
        raise ConstantError(
            "E0325",
            f"the start has {shape_text(weights)}, and the process {len(states)} state{'' if len(states) == 1 else 's'}",
            value.span,
            help="give each state one probability, in the order of declaration",
        )
    places = [part.span for part in value.items] if isinstance(value, syntax.List) else [value.span] * len(states)
    chances = [probability(as_number(weight, place), place) for weight, place in zip(weights.items, places, strict=True)]
    total: Scalar = Fraction(0)
    for chance in chances:
        total = total + chance
    left = 1 - total
    if left != 0 and (isinstance(left, Fraction) or abs(left) > TOLERANCE):
        raise ConstantError(
            "E0325",
            f"the start sums to {text_of(total)}, not 1",
            value.span,
            label=f"{text_of(left)} is missing" if left > 0 else f"{text_of(-left)} too much",
            help="the probabilities of all states together must be 1",
        )
    return tuple(chances)


def warn_unreached(
    operators: Sequence[Entries],
    transitions: Entries,
    start: tuple[Scalar, ...],
    symbols: Symbols,
    reports: Reports,
    *,
    given: bool,
) -> None:
    """Warn of states that are never reached from the start (W0901) and of tokens that are never emitted (W0902)."""
    states, tokens = symbols.states, symbols.tokens
    reached = reachable(transitions, [i for i, weight in enumerate(start) if weight], len(states))
    for i, text in enumerate(states.texts):
        if i not in reached:
            reports.warning(
                "W0901",
                f"the state `{text}` is never reached",
                states.spans[i],
                label="no path leads here from the start" if given else "it is left for good, and the start is stationary",
                help="leave it out, lead an arrow to it, or `start` in it",
            )
    for x, text in enumerate(tokens.texts):
        if not any(i in reached for i, _ in operators[x]):
            reports.warning(
                "W0902",
                f"the token `{text}` is never emitted",
                tokens.spans[x],
                label="never emitted",
                help="leave it out, or emit it; it widens the vocabulary",
            )
