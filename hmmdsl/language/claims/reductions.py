"""What functions make of results: of numbers, of lists, and over the axes of a sweep (`mean(X over fit.seed)`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hmmdsl.language import syntax
from hmmdsl.language.claims.axes import Reduction, named
from hmmdsl.language.claims.measured import Dimension
from hmmdsl.language.claims.types import ClaimType
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.formatting.printing import format_expression
from hmmdsl.language.messages.hints import listing
from hmmdsl.language.source import Span
from hmmdsl.language.values.functions import FUNCTIONS
from hmmdsl.schema.sweep import SweepAxis, is_seed


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
    wanted = "along" if function.results == "order" else "over"
    along = function.results == "order"
    one_too_many = along and len(reduction.axes) > 1
    if function.results in ("each", "list") or reduction.reducer != wanted or one_too_many:
        ordered = [each for each, other in FUNCTIONS.items() if other.results == "order"]
        averages = [each for each, other in FUNCTIONS.items() if other.results in ("all", "runs")]
        diagnostics.add(
            "E0723",
            f"`{name}` reduces no axis"
            if function.results in ("each", "list")
            else f"`{name}` goes {'along one axis' if along else 'over axes'}",
            reduction.span,
            label=f"`{reduction.reducer}`",
            help=f"{listing(averages)} reduce `over` axes, {listing(ordered)} go `along` one",
        )
        return None
    if function.results == "runs" and not _repeated(call, reduction, kind, diagnostics):
        return None
    if function.results == "order" and kind.shape:
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


def _repeated(call: syntax.Call, reduction: Reduction, kind: ClaimType, diagnostics: Diagnostics) -> bool:
    """Whether the runs are independent repetitions, as those of one axis of seeds are: an interval over other settings is none,
    and of two axes runs share their seeds. Params may be seeds of a process, and processes may be drawn ones."""
    seeds = next((each.axis.paths[0] for each in kind.axes if is_seed(each.axis)), "fit.seed")
    other = [path for path in reduction.axes if path.segments and not _may_repeat(format_expression(path))]
    for path in other:
        name, axis = call.function.head.text, format_expression(path)
        diagnostics.add(
            "E0544",
            f"`{name}` is an end of an interval over repeated runs, and `{axis}` is a setting",
            path.span,
            label="no seed",
            help=f"write `{name}(… over {seeds})`, and `mean(… over {axis})` for the mean of the settings",
        )
    if len(reduction.axes) > 1 and not other:
        first, second, *_ = (format_expression(path) for path in reduction.axes)
        diagnostics.add(
            "E0544",
            f"`{call.function.head.text}` takes independent runs, and those of two axes share their seeds",
            reduction.span,
            label="one axis",
            help=f"let the seeds change together, `zip({first} = 0..5, {second} = 0..5)`, or take the mean over one first",
        )
        return False
    return not other


def _may_repeat(axis: str) -> bool:
    return axis.rpartition(".")[2] in ("seed", "process")


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


def applied(call: syntax.Call, name: str, kinds: Sequence[ClaimType], diagnostics: Diagnostics) -> ClaimType | None:
    """The type of a function of claims where it names no axes; None once its mistake has been reported."""
    function = FUNCTIONS[name]
    problem = ""
    if function.results == "each":
        if len(kinds) == 1:
            return kinds[0]
        problem = f"`{name}` takes one number, not {len(kinds)} arguments"
    elif function.results == "runs":
        first = next((each.axis.paths[0] for kind in kinds for each in kind.axes if is_seed(each.axis)), "fit.seed")
        message = f"`{name}` must know over which repeated runs"
        cure = f"write `{name}(… over {first})`, with the results of a sweep"
        diagnostics.add("E0544", message, call.span, label="over which seeds?", help=cure)
        return None
    elif not kinds:
        problem = f"`{name}` needs something to work on"
    elif len(kinds) > 1 and function.results != "all":
        problem = f"`{name}` takes one list, not {len(kinds)} arguments"
    elif function.results == "order" and kinds[0].axes:
        first = kinds[0].axes[0].axis.paths[0]
        message = f"`{name}` must know along which axis"
        diagnostics.add(
            "E0723",
            message,
            call.span,
            label=f"{kinds[0]}",
            help=f"write `{name}(… along {first})`; reduce the other axes first",
        )
        return None
    elif len(kinds) == 1 and kinds[0].single:
        problem = f"`{name}` takes a list, and this is {kinds[0]}"
    elif function.results == "order" and len(kinds[0].shape) > 1:
        problem = f"`{name}` takes a list with one `[..]`, and this has {len(kinds[0].shape)}"
    if problem:
        diagnostics.add("E0708", problem, call.span, label="wrong arguments", help=f"write `{function.example}`")
        return None
    return ClaimType(function.gives)
