"""What a name stands for, or why it stands for nothing."""

from __future__ import annotations

from itertools import islice

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Note
from hmmdsl.language.messages.hints import suggestion
from hmmdsl.language.values.composition import OPERATIONS
from hmmdsl.language.values.failure import ConstantError, Reported
from hmmdsl.language.values.functions import CONSTANTS, FUNCTIONS, INDEX, OF_CLAIMS
from hmmdsl.language.values.scope import Bound, Failed, Module, Scope
from hmmdsl.language.values.symbols import HINTS

BUILTIN_NAMES = frozenset({*FUNCTIONS, *CONSTANTS, *OPERATIONS, INDEX}) - OF_CLAIMS
"""Names that no constant may take."""


def resolve(name: syntax.Name, scope: Scope) -> Bound:
    """What a name stands for. Raises ConstantError (E0201, E0212, E0305), Reported if its declaration has failed."""
    found = scope.lookup(name.text)
    if found is None:
        constant = CONSTANTS.get(name.text)
        if constant is None:
            raise unknown_name(name, scope)
        return constant
    if isinstance(found, Failed):
        raise Reported
    return found


def unknown_name(name: syntax.Name, scope: Scope) -> ConstantError:
    """The error for a name that is not known here."""
    word = name.text
    if word == "rest":
        return ConstantError(
            "E0305",
            "`rest` stands alone: it is a whole probability, not a part of an expression",
            name.span,
            help="write `: rest` behind one arrow of the row, and other arrows' probabilities in full",
        )
    outside = scope.find_outside()
    if outside is not None and outside.lookup(word) is not None:
        place = outside.place(word)
        return ConstantError(
            "E0212",
            f"a body does not see the file's `{word}`",
            name.span,
            label="not known in here",
            help=f"make it a parameter, `({word})`, and pass it in the call",
            notes=(Note("declared here", place),) if place is not None else (),
        )
    if word in FUNCTIONS or word in OPERATIONS or word == INDEX:
        function = FUNCTIONS.get(word) or OPERATIONS.get(word)
        form = "index(t)" if function is None else function.usage
        return ConstantError("E0206", f"`{word}` is a function and needs arguments", name.span, help=f"write `{form}`")
    symbols = scope.find_symbols()
    for table in (symbols.states, symbols.tokens) if symbols is not None else ():
        if word in table.places or word in table.families:
            return ConstantError(
                "E0201",
                f"`{word}` is a {table.what}, not a constant",
                name.span,
                help="`index(t)` is the position of a token" if table.what == "token" else "use a constant here",
            )
    known = [*islice(scope.names(), HINTS), *CONSTANTS]
    return ConstantError(
        "E0201",
        f"the name `{word}` is not known here",
        name.span,
        label="unknown",
        help=suggestion(word, known, "known names are"),
    )


def find(path: syntax.Path, scope: Scope) -> tuple[Bound, tuple[syntax.Member | syntax.Index, ...]]:
    """What a path's head stands for, looked up inside modules, and the segments that remain.

    Raises ConstantError (E0201, E0212, E0305, E0605), Reported if the declaration has failed.
    """
    found, segments = resolve(path.head, scope), path.segments
    while isinstance(found, Module) and segments and isinstance(segments[0], syntax.Member):
        member, segments = segments[0], segments[1:]
        inside = found.names.lookup(member.name)
        if inside is None and found.failed:
            raise Reported
        if inside is None:
            raise ConstantError(
                "E0605",
                f"{found.name} has no process or param `{member.name}`",
                member.span,
                help=suggestion(member.name, list(found.names.names()), "it has"),
            )
        if isinstance(inside, Failed):
            raise Reported
        found = inside
    return found, segments
