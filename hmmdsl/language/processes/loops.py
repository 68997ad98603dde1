"""The turns of a `for`: each combination of its variables that its condition lets through, and no needless others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from hmmdsl.language import syntax
from hmmdsl.language.processes.reports import Turn, Turns
from hmmdsl.language.values.arrays import as_list
from hmmdsl.language.values.budget import DEPTH, Budget
from hmmdsl.language.values.evaluation import evaluate, evaluate_condition, integer_range
from hmmdsl.language.values.lookup import BUILTIN_NAMES
from hmmdsl.language.values.mentions import mentions
from hmmdsl.language.values.scope import Scope, check_new_name
from hmmdsl.language.values.value import Value


@dataclass(frozen=True)
class _Level:
    """One variable with the parts of the condition that are decided once it has its value.

    `fixed` is set where a part says `variable == …` of earlier variables: then only that value is tried.
    """

    binding: syntax.Binding
    conditions: tuple[syntax.Expression, ...]
    fixed: syntax.Expression | None


def _conjuncts(condition: syntax.Expression | None) -> list[syntax.Expression]:
    """The parts of `a and b and c`, in order."""
    parts: list[syntax.Expression] = []
    while isinstance(condition, syntax.Binary) and condition.operator == "and":
        parts.append(condition.right)
        condition = condition.left
    return [condition, *reversed(parts)] if condition is not None else []


def _levels(loop: syntax.For) -> list[_Level]:
    """Sort the parts of the condition to the earliest variable that decides them, but never before a part to their left,
    which may be what keeps them from an error."""
    names = [binding.name.text for binding in loop.bindings]
    parts: list[list[syntax.Expression]] = [[] for _ in names]
    level = 0
    for part in _conjuncts(loop.condition):
        used = mentions(part)
        level = max([level, *(k for k, name in enumerate(names) if name in used)])
        parts[level].append(part)
    return [
        _Level(binding, tuple(parts[k]), _fixed(binding.name.text, parts[k], names[k:]))
        for k, binding in enumerate(loop.bindings)
    ]


def _fixed(name: str, parts: Sequence[syntax.Expression], later: Sequence[str]) -> syntax.Expression | None:
    """The other side of `name == …`, if the first part says so and the other side needs no later variable."""
    first = parts[0] if parts else None
    if isinstance(first, syntax.Comparison) and first.operators == ("==",):
        for side, other in (first.operands, first.operands[::-1]):
            if isinstance(side, syntax.Path) and side.bare == name and not mentions(other).intersection(later):
                return other
    return None


def turns(loop: syntax.For, scope: Scope, around: Turns, budget: Budget) -> Iterator[tuple[Scope, Turns]]:
    """Each turn: a scope with the loop's variables, and the turn for notes. The scope is valid until the next turn.

    Raises ConstantError for names that are taken (E0202, E0203, E0204), domains that are no range or list, and beyond the budget
    (E0405) before anything is enumerated.
    """
    if len(loop.bindings) > DEPTH:
        raise budget.too_deep(loop.bindings[DEPTH].span)
    scopes = [scope]
    for binding in loop.bindings:
        check_new_name(binding.name, scopes[-1], BUILTIN_NAMES)
        scopes.append(Scope(scopes[-1]))
        scopes[-1].define(binding.name.text, Fraction(0), binding.name.span)
    yield from _enumerate(_levels(loop), 0, scopes, around, budget)


def _enumerate(
    levels: Sequence[_Level], k: int, scopes: Sequence[Scope], around: Turns, budget: Budget
) -> Iterator[tuple[Scope, Turns]]:
    level, scope = levels[k], scopes[k + 1]
    name = level.binding.name.text
    for value in _domain(level, scopes[k], budget):
        scope.bound[name] = value
        if not all(evaluate_condition(part, scope, budget) for part in level.conditions):
            continue
        turn = Turn(name, value, level.binding.span, around)
        if k + 1 < len(levels):
            yield from _enumerate(levels, k + 1, scopes, turn, budget)
        else:
            yield scope, turn


def _domain(level: _Level, scope: Scope, budget: Budget) -> Iterator[Value]:
    domain = level.binding.domain
    if isinstance(domain, syntax.Range):
        numbers = integer_range(domain, scope, budget)
        if level.fixed is not None:
            only = evaluate(level.fixed, scope, budget)
            if isinstance(only, Fraction):
                return iter((only,) if only.denominator == 1 and only.numerator in numbers else ())
        budget.spend(domain.span, len(numbers))
        return map(Fraction, numbers)
    items = as_list(evaluate(domain, scope, budget), domain.span).items
    budget.spend(domain.span, len(items))
    return iter(items)
