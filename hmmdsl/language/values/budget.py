"""What one compilation may spend, so that no spec can keep the compiler busy or fill its memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import wraps
from typing import ParamSpec, TypeVar

from hmmdsl.language.diagnostics import Diagnostic, Diagnostics, Note, SpecError
from hmmdsl.language.source import Span
from hmmdsl.language.values.failure import ConstantError, Reported
from hmmdsl.process.allowance import OverspentError, theory_within

P = ParamSpec("P")
T = TypeVar("T")

OPERATIONS = 1_000_000
"""Operations on constants in one compilation: about two seconds."""

SWEPT = 2 * OPERATIONS
"""Operations that the points of all values of a sweep's params may take together."""

RECORDS = 4_000
"""Records of one spec, profiles and sweeps among them: about two seconds."""

STARTS = 256
"""Trains that start from one another in a row."""

LIST_LENGTH = 250_000
"""Numbers in one list."""

BITS = 4096
"""Bits of a numerator or denominator."""

DEPTH = 100
"""Expressions inside one another, within one definition."""

CALLS = 32
"""Calls inside one another."""


@dataclass(frozen=True)
class InProgress:
    """A function or process whose value is being worked out, and the call that asked for it (None: nobody's call, it is checked
    for itself)."""

    key: object
    note: Note | None


@dataclass
class Budget:
    """What is spent and where: operations so far, nesting now, and the calls in progress, outermost first; `most` operations may
    be spent."""

    operations: int = 0
    most: int = field(default_factory=lambda: OPERATIONS)
    depth: int = 0
    calls: list[InProgress] = field(default_factory=list)
    spent: bool = False

    def spend(self, span: Span, operations: int = 1) -> None:
        """Count operations. Raises ConstantError (E0405) when there are too many, Reported once that was said."""
        if self.operations + operations > self.most:
            if self.spent:
                raise Reported
            # A loop or list that is refused as a whole leaves the budget to others.
            self.spent = operations <= 1
            raise ConstantError(
                "E0405",
                f"this takes more than {self.most:,} operations",
                span,
                label="the limit was reached here",
                help="use smaller ranges, or a tighter `if`; work that is not needed is best left out",
            )
        self.operations += operations

    def charge(self, span: Span, operations: int) -> None:
        """Count operations that were already done, so that what comes after a refusal isn't begun. Raises as `spend`."""
        if self.operations + operations > self.most:
            self.operations = self.most
            self.spend(span)
        self.operations += operations

    def check_number(self, value: Fraction, span: Span) -> Fraction:
        """The number itself. Raises ConstantError (E0404) if it is too long."""
        if value.numerator.bit_length() > BITS or value.denominator.bit_length() > BITS:
            raise too_large(span)
        return value

    def check_length(self, length: int, span: Span) -> None:
        """Count a list to be made. Raises ConstantError (E0414) if it is too long."""
        if length > LIST_LENGTH:
            raise ConstantError(
                "E0414",
                f"a list of {length:,} numbers is too long",
                span,
                label=f"at most {LIST_LENGTH:,}",
                help="use a smaller list",
            )
        self.spend(span, length)

    def too_deep(self, span: Span) -> ConstantError:
        """The error for nesting beyond the limit."""
        return ConstantError(
            "E0411",
            f"expressions and calls are nested more than {DEPTH} deep here",
            span,
            help="give a part of it a name with `let`",
        )

    @contextmanager
    def call(self, key: object, what: str, span: Span, *, checked: bool = False) -> Iterator[None]:
        """While the value of a function or process is worked out; `key` identifies it. `checked`: for itself, not for a caller.

        Raises ConstantError: E0213 if it is being worked out already, E0411 if calls are nested too deeply.
        """
        if any(call.key == key for call in self.calls):
            raise ConstantError(
                "E0213",
                f"{what} is defined by itself",
                span,
                label="this asks for the value that is being worked out",
                help="define it by something else; there is no recursion in this language",
            )
        if len(self.calls) >= CALLS:
            raise self.too_deep(span)
        self.calls.append(InProgress(key, None if checked else Note(f"in {what}, called here", span)))
        depth, self.depth = self.depth, self.depth + 1
        try:
            yield
        finally:
            self.depth = depth
            self.calls.pop()

    def trail(self) -> tuple[Note, ...]:
        """The calls that led here, innermost first."""
        notes: list[Note] = []
        for call in reversed(self.calls):
            if call.note is None:
                break
            notes.append(call.note)
        return tuple(notes)


def count_records(places: Sequence[Span | None], diagnostics: Diagnostics) -> bool:
    """Whether a spec or an experiment has no more records than are read, which E0405 tells otherwise; `places` are theirs."""
    if len(places) > RECORDS:
        diagnostics.add(
            "E0405",
            f"these are {len(places):,} records, and a spec has at most {RECORDS:,}",
            places[RECORDS],
            label="the limit was reached here",
            help="let one record stand for many by a sweep: `sweep seeds { fit.seed = 0..100 }`",
        )
    return len(places) <= RECORDS


def within_theory(compiles: Callable[P, T]) -> Callable[P, T]:
    """Compile within one allowance of theory, whatever asks for it. Raises SpecError (E0405) where it is spent."""

    @wraps(compiles)
    def within(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            with theory_within():
                return compiles(*args, **kwargs)
        except OverspentError as error:
            raise SpecError([overspent(error.place)]) from None

    return within


def overspent(place: object) -> Diagnostic:
    """The message for theory that would take too long: stationary distributions, words, beliefs."""
    return Diagnostic(
        "E0405",
        "what theory says of the processes of this file takes too long to compute",
        place if isinstance(place, Span) else None,
        label="the limit was reached here",
        help="use fewer or smaller processes, give large ones a `start`, or choose a smaller `context`",
    )


def too_large(span: Span) -> ConstantError:
    """The error for a number with more than BITS bits."""
    return ConstantError(
        "E0404",
        f"this number is too large: its fraction has more than {BITS:,} bits",
        span,
        help="write a smaller exponent; exact numbers may have about 1,200 digits",
    )
