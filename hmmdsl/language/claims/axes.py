"""The axes that a claim names: `over fit.seed`, `along net.d_model`, `at (net.d_model = 8)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hmmdsl.language import syntax
from hmmdsl.language.claims.measured import Dimension
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.formatting.printing import format_expression
from hmmdsl.language.messages.hints import listing, nearest, suggestion
from hmmdsl.language.source import Span
from hmmdsl.language.sweeps.compiled import axis_value
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.scope import Scope
from hmmdsl.language.values.value import Value
from hmmdsl.schema.sweep import value_text


@dataclass(frozen=True)
class Reduction:
    """`mean(value over axis, axis)` or `increasing(value along axis)`."""

    value: syntax.Expression
    reducer: str
    axes: tuple[syntax.Path, ...]
    span: Span


def reduction_of(call: syntax.Call) -> Reduction | None:
    """What a call reduces, if its first argument says over or along what; further arguments are further axes. None for a call
    that names no axes, or whose arguments are something else."""
    first, *more = call.arguments or (None,)
    if first is None or first.reducer is None:
        return None
    axes = list(first.axes)
    for argument in more:
        if not isinstance(argument.value, syntax.Path) or argument.name is not None or argument.reducer is not None:
            return None
        axes.append(argument.value)
    return Reduction(first.value, first.reducer, tuple(axes), first.span)


def dimension_of(path: syntax.Path, dimensions: Sequence[Dimension]) -> Dimension | None:
    """The dimension that a path names: zipped ones go by each of their paths."""
    text = format_expression(path)
    return next((each for each in dimensions if text in each.axis.paths), None)


def named(
    path: syntax.Path, dimensions: Sequence[Dimension], every: Sequence[Dimension], diagnostics: Diagnostics
) -> Dimension | None:
    """The dimension that a path names among those that are left; E0721 if there is none. `every` has those of the whole sweep."""
    found = dimension_of(path, dimensions)
    if found is not None:
        return found
    text = format_expression(path)
    known = [each for dimension in dimensions for each in dimension.axis.paths]
    if dimension_of(path, every) is not None:
        message, cure = f"the axis `{text}` is reduced already", f"left are {listing(known)}" if known else "no axis is left"
    else:
        message, cure = f"there is no axis `{text}` here", suggestion(text, known, "the axes are")
    diagnostics.add("E0721", message, path.span, label="no axis of this name", help=cure)
    return None


def places_at(
    arguments: Sequence[syntax.Argument], dimensions: Sequence[Dimension], constants: Mapping[str, Value]
) -> dict[Dimension, list[int]]:
    """For each dimension that `at (…)` names, the places that have all of its values; names that are no axes are left out."""
    scope = Scope(bound=dict(constants))
    found: dict[Dimension, list[int]] = {}
    for argument in arguments:
        dimension = dimension_of(argument.name, dimensions) if argument.name is not None else None
        if dimension is None or argument.name is None:
            continue
        of = dimension.axis.paths.index(format_expression(argument.name))
        wanted = axis_value(argument.value, scope, Budget())
        have = [k for k, values in enumerate(dimension.axis.values) if _same(values[of], wanted)]
        found[dimension] = [k for k in found.get(dimension, have) if k in have]
    return found


def check_at(
    slice_: syntax.At,
    dimensions: Sequence[Dimension],
    constants: Mapping[str, Value],
    diagnostics: Diagnostics,
) -> tuple[Dimension, ...] | None:
    """The dimensions that are left after a slice; None once its mistakes have been reported (E0721, E0722, E0725)."""
    before = len(diagnostics.errors)
    if not slice_.arguments:
        diagnostics.add("E0725", "`at (…)` names no place", slice_.span, help=f"write `at ({dimensions[0].axis.place_text(0)})`")
    for argument in slice_.arguments:
        if argument.name is None or argument.reducer is not None:
            diagnostics.add(
                "E0725", "`at (…)` takes `axis = value`", argument.span, help=f"write `at ({dimensions[0].axis.place_text(0)})`"
            )
            continue
        dimension = named(argument.name, dimensions, dimensions, diagnostics)
        if dimension is not None and not places_at([argument], dimensions, constants)[dimension]:
            _no_such_value(argument, argument.name, dimension, diagnostics)
    if len(diagnostics.errors) > before:
        return None
    found = places_at(slice_.arguments, dimensions, constants)
    for dimension, places in found.items():
        if len(places) != 1:
            many = f"{len(places)} places along the axis have this value"
            have = "; ".join(dimension.axis.place_text(k) for k in range(min(len(dimension), 12)))
            message = many if places else "these values go together nowhere"
            diagnostics.add("E0725", message, slice_.span, help=f"its places are {have}")
    return tuple(each for each in dimensions if each not in found) if len(diagnostics.errors) == before else None


def _no_such_value(argument: syntax.Argument, name: syntax.Path, dimension: Dimension, diagnostics: Diagnostics) -> None:
    text = format_expression(name)
    of = dimension.axis.paths.index(text)
    values = [value_text(each[of]) for each in dimension.axis.values]
    wanted = format_expression(argument.value)
    near = nearest(wanted, values)
    numbers = [each[of] for each in dimension.axis.values if isinstance(each[of], (int, float))]
    value = argument.value
    if isinstance(value, syntax.Number) and len(numbers) == len(values):
        near = value_text(min(numbers, key=lambda number: abs(number - value.value)))
    diagnostics.add(
        "E0722",
        f"the axis `{text}` has no value {wanted}",
        argument.value.span,
        label="not on the axis",
        help=f"the nearest is {near}; it has {_told(values)}" if near is not None else f"it has {_told(values)}",
    )


def _told(values: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(values[:most])
    return shown if len(values) <= most else f"{shown} and {len(values) - most} more"


def _same(a: object, b: object) -> bool:
    return a == b and isinstance(a, bool) == isinstance(b, bool)
