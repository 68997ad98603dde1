"""A mistake that ends the evaluation of one expression."""

from __future__ import annotations

from hmmdsl.language.diagnostics import Diagnostic, Diagnostics, Note
from hmmdsl.language.source import Span


class ConstantError(Exception):
    """An expression has no value. `diagnostic` tells why; whoever asked for the value reports it."""

    diagnostic: Diagnostic | None

    def __init__(
        self,
        code: str,
        message: str,
        span: Span | None,
        label: str = "",
        help: str = "",
        notes: tuple[Note, ...] = (),
    ) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(code, message, span, label, help, notes)

    @property
    def code(self) -> str:
        """The message's code; none where it was reported already."""
        return self.diagnostic.code if self.diagnostic is not None else ""

    def with_notes(self, *notes: Note) -> ConstantError:
        """The same mistake with further places behind its own."""
        found = self.diagnostic
        if found is None:
            return self
        return ConstantError(found.code, found.message, found.span, found.label, found.help, found.notes + notes)

    def report(self, diagnostics: Diagnostics, notes: tuple[Note, ...] = ()) -> None:
        """Add the mistake to `diagnostics`, with `notes` behind its own."""
        found = self.diagnostic
        if found is not None:
            diagnostics.add(found.code, found.message, found.span, label=found.label, help=found.help, notes=found.notes + notes)


class Reported(ConstantError):  # noqa: N818 - it is no error of its own
    """There is no value, and the reason has been reported where it lies. Reporting it again adds nothing."""

    def __init__(self) -> None:
        super().__init__("", "reported already", None)
        self.diagnostic = None
