"""Mistakes and oddities in a spec, each with its place and its cure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hmmdsl.language.source import Span

Severity = Literal["error", "warning"]

MAX_MISTAKES = 100
"""Mistakes of names and meaning that are told of a spec. More come from one cause, or from what is no spec; a file of 1 MiB can
hold 100,000."""


@dataclass(frozen=True)
class Note:
    """A further place that belongs to the message: where the other definition stands, the way to an imported file."""

    message: str
    span: Span | None = None


@dataclass(frozen=True)
class Diagnostic:
    """One message: what is wrong (`message`), where (`span`, with a few words at it, `label`), and what to do (`help`)."""

    code: str
    message: str
    span: Span | None
    label: str = ""
    help: str = ""
    notes: tuple[Note, ...] = ()

    @property
    def severity(self) -> Severity:
        return "warning" if self.code.startswith("W") else "error"


class SpecError(Exception):
    """The spec is wrong; nothing was run. `diagnostics` has every message, warnings among them."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__("; ".join(f"{d.code}: {d.message}" for d in diagnostics if d.severity == "error"))
        self.diagnostics = diagnostics


@dataclass
class Diagnostics:
    """Collects messages along the phases, so that one mistake does not hide another; `limit` None takes any number of mistakes,
    where those of a part are gathered to be handed on."""

    found: list[Diagnostic] = field(default_factory=list)
    limit: int | None = MAX_MISTAKES
    _known: set[Diagnostic] = field(default_factory=set, repr=False, compare=False)
    _mistakes: int = field(default=0, repr=False, compare=False)

    def add(
        self,
        code: str,
        message: str,
        span: Span | None,
        *,
        label: str = "",
        help: str = "",
        notes: tuple[Note, ...] = (),
    ) -> None:
        """Add a message, unless it is there. Raises SpecError if there are too many."""
        self.take(Diagnostic(code, message, span, label, help, notes))

    def take(self, diagnostic: Diagnostic) -> None:
        """The same for a message that is made already."""
        if diagnostic in self._known:
            return
        self._known.add(diagnostic)
        self._mistakes += diagnostic.severity == "error"
        if self.limit is not None and self._mistakes > self.limit:
            message = f"there are more than {self.limit} mistakes; the rest are not told"
            last = Diagnostic("E0133", message, diagnostic.span, help="mend these first; many may have one cause")
            raise SpecError([*self.found, last])
        self.found.append(diagnostic)

    @property
    def errors(self) -> list[Diagnostic]:
        return [d for d in self.found if d.severity == "error"]

    @property
    def warnings(self) -> list[Diagnostic]:
        return [d for d in self.found if d.severity == "warning"]

    def raise_if_errors(self) -> None:
        """Raise SpecError if any message is an error."""
        if self.errors:
            raise SpecError(self.found)
