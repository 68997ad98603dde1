"""Reductions over the axes of a sweep: `mean(X over fit.seed)`, `increasing(X along net.d_model)`."""

from __future__ import annotations

from collections.abc import Mapping

from hmmdsl.language import syntax
from hmmdsl.language.claims.axes import Reduction, named
from hmmdsl.language.claims.functions import FUNCTIONS
from hmmdsl.language.claims.measured import Dimension
from hmmdsl.language.claims.types import ClaimType
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.formatting.printing import format_expression
from hmmdsl.language.messages.hints import listing
from hmmdsl.language.source import Span
from hmmdsl.spec.sweep import SweepAxis


def reduced_type(
    call: syntax.Call,
    reduction: Reduction,
    kind: ClaimType,
    sweeps: Mapping[str, tuple[SweepAxis, ...]],
    diagnostics: Diagnostics,
) -> ClaimType | None:
    """`mean(X over axis)`, `increasing(X along axis)`: the axes that it names are gone, the others stay."""
    name = call.function.head.text
    function = FUNCTIONS[name]
    if not kind.axes:
        axes = ", ".join(format_expression(path) for path in reduction.axes)
        no_axes(f"`{reduction.reducer} {axes}`", reduction.value, reduction.span, sweeps, diagnostics)
        return None
    wanted = "along" if function.ordered else "over"
    if function.elementwise or name == "len" or reduction.reducer != wanted or (function.ordered and len(reduction.axes) > 1):
        ordered = [each for each, other in FUNCTIONS.items() if other.ordered]
        averages = [each for each, other in FUNCTIONS.items() if other.several]
        diagnostics.add(
            "E0723",
            f"`{name}` goes {'along one axis' if function.ordered else 'over axes'}"
            if function.ordered or function.several
            else f"`{name}` reduces no axis",
            reduction.span,
            label=f"`{reduction.reducer}`",
            help=f"{listing(averages)} reduce `over` axes, {listing(ordered)} go `along` one",
        )
        return None
    if function.ordered and kind.shape:
        diagnostics.add(
            "E0708",
            f"`{name}` compares numbers along an axis, and this is {kind}, each a list",
            call.span,
            help="reduce the `[..]` first",
        )
        return None
    every = [Dimension(kind.axes[0].sweep, k, axis) for k, axis in enumerate(sweeps[kind.axes[0].sweep])]
    left = kind.axes
    for path in reduction.axes:
        dimension = named(path, left, every, diagnostics)
        if dimension is None:
            return None
        left = tuple(each for each in left if each != dimension)
    return ClaimType(function.gives, kind.shape, left)


def no_axes(
    what: str,
    value: syntax.Expression,
    span: Span,
    sweeps: Mapping[str, tuple[SweepAxis, ...]],
    diagnostics: Diagnostics,
) -> None:
    """Report a reduction or a slice of what runs along no axis."""
    known = list(sweeps)
    diagnostics.add(
        "E0709",
        f"{what} names an axis, and `{format_expression(value)}` runs along none",
        span,
        label="no axis",
        help=f"a sweep's results are called after it: `{known[0]}.{format_expression(value)}`"
        if known and isinstance(value, syntax.Path)
        else "only the results of a `sweep` have axes",
    )
