"""The types of claims: numbers and truth values, single, in lists, or over the axes of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hmmdsl.language.claims.measured import Dimension
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.source import Span


@dataclass(frozen=True)
class ClaimType:
    """Of one value, or of lists of them: `shape` has one length for each `[..]` not reduced (None: only the run will tell),
    `axes` the axes of a sweep that are not."""

    sort: Literal["number", "truth"]
    shape: tuple[int | None, ...] = ()
    axes: tuple[Dimension, ...] = ()

    @property
    def single(self) -> bool:
        return not self.shape and not self.axes

    def __str__(self) -> str:
        one, many = ("a number", "numbers") if self.sort == "number" else ("a truth value", "truth values")
        if self.axes:
            return f"{many} along {' and '.join(f'`{dimension.axis.name}`' for dimension in self.axes)}"
        return f"a list of {many}" if self.shape else one


def together(
    parts: Sequence[ClaimType | None], sort: Literal["number", "truth"], span: Span, diagnostics: Diagnostics
) -> ClaimType | None:
    """Elementwise: single values go with any list, lists go with lists of their shape."""
    shape: tuple[int | None, ...] = ()
    axes: dict[Dimension, None] = {}
    for part in parts:
        if part is None:
            return None
        axes |= dict.fromkeys(part.axes)
        if not part.shape:
            continue
        if shape and (
            len(shape) != len(part.shape)
            or any(a != b for a, b in zip(shape, part.shape, strict=True) if a is not None and b is not None)
        ):
            text = " and ".join("×".join("?" if n is None else str(n) for n in s) for s in (shape, part.shape))
            diagnostics.add(
                "E0715",
                f"lists of {text} results do not go together",
                span,
                label="different lengths",
                help="reduce each by `max(…)`, `min(…)` or `mean(…)` first",
            )
            return None
        shape = part.shape
    sweeps = list(dict.fromkeys(dimension.sweep for dimension in axes))
    if len(sweeps) > 1:
        diagnostics.add(
            "E0726",
            f"results of the sweeps {' and '.join(f'`{name}`' for name in sweeps)} have no axis in common",
            span,
            label="two sweeps",
            help="reduce each to one number first, such as `max(…)`",
        )
        return None
    return ClaimType(sort, shape, tuple(axes))


def unreduced(kind: ClaimType, span: Span, diagnostics: Diagnostics) -> None:
    """Report a list, or an array over axes, where one truth value is wanted."""
    if kind.axes:
        names = [f"`{dimension.axis.name}`" for dimension in kind.axes]
        first = kind.axes[0].axis.paths[0]
        diagnostics.add(
            "E0720",
            f"this leaves the ax{'is' if len(names) == 1 else 'es'} {' and '.join(names)} of the sweep "
            f"`{kind.axes[0].sweep}`, and a claim is one truth value",
            span,
            label=str(kind),
            help=f"say which: `all(…)`, `any(…)`, `mean(… over {first})`, `increasing(… along {first})`, or "
            f"`… at ({kind.axes[0].axis.place_text(0)})`",
        )
        return
    diagnostics.add(
        "E0706",
        f"this compares {'a list of results' if kind.shape else kind}, and a claim is one truth value",
        span,
        label=f"{kind}",
        help="say which: `all(…)`, `any(…)`, or reduce the numbers by `max(…)`, `min(…)` or `mean(…)`",
    )
