"""Messages from a body: with the values of its loops, the calls and imports that led there, and each mistake once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from hmmdsl.language.diagnostics import Diagnostic, Diagnostics, Note
from hmmdsl.language.source import Span
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.failure import ConstantError
from hmmdsl.language.values.value import Value, text_of

MOST = 200
"""After so many mistakes in one body its loops are not unrolled further."""


@dataclass(frozen=True)
class Turn:
    """One turn of a loop: a variable and its value, within the turns of the loops around it."""

    name: str
    value: Value
    span: Span
    around: Turns


Turns: TypeAlias = Turn | None


def turn_notes(turn: Turns) -> tuple[Note, ...]:
    """`with i = 2, j = 0`, at the loop."""
    values: list[str] = []
    span: Span | None = None
    while turn is not None:
        values.append(f"{turn.name} = {text_of(turn.value)}")
        span = turn.span if span is None else turn.span.to(span)
        turn = turn.around
    return (Note(f"with {', '.join(reversed(values))}", span),) if span is not None else ()


@dataclass(eq=False)
class Reports:
    """Collects the messages of one body; `deliver` hands them on. The same mistake at the same place in many turns of a loop is
    one message with a count."""

    budget: Budget
    found: dict[tuple[str, int, int], Diagnostic] = field(default_factory=dict)
    repeated: dict[tuple[str, int, int], int] = field(default_factory=dict)
    failed: bool = False
    count: int = 0

    def error(self, error: ConstantError, turn: Turns = None) -> None:
        """Take up a mistake, found in this turn of the loops around."""
        self.failed = True
        self.count += 1
        found = error.diagnostic
        if found is not None and self.count <= MOST:
            self._add(found, turn)

    def warning(self, code: str, message: str, span: Span, *, label: str = "", help: str = "") -> None:
        """Take up something legal and odd."""
        self._add(Diagnostic(code, message, span, label, help), None)

    def _add(self, found: Diagnostic, turn: Turns) -> None:
        assert found.span is not None
        key = (found.code, found.span.start, found.span.end)
        if key in self.found:
            self.repeated[key] = self.repeated.get(key, 0) + 1
            return
        # Calls below the body's own are in the notes of the error already.
        self.found[key] = replace(found, notes=found.notes + turn_notes(turn))

    @property
    def too_many(self) -> bool:
        """Whether it is time to stop."""
        return self.count >= MOST

    def deliver(self, diagnostics: Diagnostics) -> None:
        """Hand all messages on, each with the calls that led to this body."""
        calls = self.budget.trail()
        for key, found in self.found.items():
            more = self.repeated.get(key, 0)
            again = (Note(f"and {more:,} more like it, for other values"),) if more else ()
            diagnostics.add(
                found.code, found.message, found.span, label=found.label, help=found.help, notes=found.notes + again + calls
            )
