"""Functions of claims on numbers and lists: what they take, and what they give."""

from __future__ import annotations

from collections.abc import Sequence

from hmmdsl.language import syntax
from hmmdsl.language.claims.functions import FUNCTIONS
from hmmdsl.language.claims.types import ClaimType
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.spec.sweep import is_seed


def applied(call: syntax.Call, name: str, kinds: Sequence[ClaimType], diagnostics: Diagnostics) -> ClaimType | None:
    """The type of a function of claims where it names no axes; None once its mistake has been reported."""
    function = FUNCTIONS[name]
    problem = ""
    if function.elementwise:
        if len(kinds) == 1:
            return kinds[0]
        problem = f"`{name}` takes one number, not {len(kinds)} arguments"
    elif function.repeated:
        first = next((each.axis.paths[0] for kind in kinds for each in kind.axes if is_seed(each.axis)), "fit.seed")
        message = f"`{name}` must know over which repeated runs"
        cure = f"write `{name}(… over {first})`, with the results of a sweep"
        diagnostics.add("E0544", message, call.span, label="over which seeds?", help=cure)
        return None
    elif not kinds:
        problem = f"`{name}` needs something to work on"
    elif len(kinds) > 1 and not function.several:
        problem = f"`{name}` takes one list, not {len(kinds)} arguments"
    elif function.ordered and kinds[0].axes:
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
    elif function.ordered and len(kinds[0].shape) > 1:
        problem = f"`{name}` takes a list with one `[..]`, and this has {len(kinds[0].shape)}"
    if problem:
        diagnostics.add("E0708", problem, call.span, label="wrong arguments", help=f"write `{function.example}`")
        return None
    return ClaimType(function.gives)
