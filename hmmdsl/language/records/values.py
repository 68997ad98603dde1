"""What a value of a record means: its field's schema decides. Words, numbers, strings, lists, references, tagged records."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Protocol

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.messages.hints import nearest, suggestion
from hmmdsl.language.records.shapes import found
from hmmdsl.language.source import Span
from hmmdsl.language.values.value import Array
from hmmdsl.schema.base import Record
from hmmdsl.schema.fields import (
    Dotted,
    Either,
    FieldType,
    Kinds,
    Many,
    Nothing,
    Numeric,
    Refers,
    Text,
    Truth,
    Words,
    describe,
    one_of,
)

LONGEST_RANGE = 100_000
"""Items of a range where its field sets no limit."""


class Broken:
    """Stands for a value whose mistake has been reported."""


BROKEN: Final = Broken()


@dataclass(frozen=True)
class Assignment:
    """`path = value`. `layer` tells who says it: 0 the file, 1 the profile, 2 a setting; later ones win."""

    path: tuple[syntax.Name, ...]
    value: syntax.Expression
    layer: int = 0

    @property
    def span(self) -> Span:
        return self.path[0].span.to(self.path[-1].span)

    def below(self) -> Assignment:
        """The same, seen from inside the field that the path's first name is."""
        return Assignment(self.path[1:], self.value, self.layer)


class Meanings(Protocol):
    """What the rest of the file gives to a record's values."""

    def constant(self, expression: syntax.Expression) -> object:
        """The value of a constant expression, or BROKEN with its mistake reported."""

    def is_constant(self, name: str) -> bool:
        """Whether a bare name is a constant, such as a `param`."""

    def constants(self) -> Sequence[str]:
        """The names of all constants."""

    def reference(self, to: str, expression: syntax.Expression) -> str | Broken:
        """The name of the declaration of sort `to` that an expression means, or BROKEN with its mistake reported."""


def assignments(record: syntax.Record, diagnostics: Diagnostics, layer: int = 0) -> list[Assignment]:
    """The assignments of a record as written, in order; anything else in it is reported."""
    found: list[Assignment] = []
    for entry in record.fields:
        if not isinstance(entry, syntax.Entry):
            diagnostics.add(
                "E0515", "a record holds `field = value`, and this is a call", entry.span, help="only a sweep holds `zip(…)`"
            )
            continue
        path = [entry.key.head]
        for segment in entry.key.segments:
            if not isinstance(segment, syntax.Member):
                diagnostics.add("E0514", "a field is told by its name, not by a number", segment.span, help="give the whole list")
                break
            path.append(syntax.Name(segment.span, segment.name))
        else:
            found.append(Assignment(tuple(path), entry.value, layer))
    return found


class ValueReader(ABC):
    """Reads values by the type of their field. Every mistake becomes a diagnostic at its place."""

    def __init__(self, meanings: Meanings, diagnostics: Diagnostics) -> None:
        self.meanings = meanings
        self.diagnostics = diagnostics

    @abstractmethod
    def read(
        self,
        schema: type[Record],
        called: str,
        given: Sequence[Assignment],
        span: Span,
        base: Record | None = None,
        complete: bool = True,
    ) -> Record | Broken:
        """A record inside this one, from what is assigned to its fields."""

    def value(self, kind: FieldType, written: syntax.Expression, place: str) -> object:
        """What `written` means where `kind` is wanted, as plain data for the schema; BROKEN with its mistake reported."""
        match kind:
            case Either(choices):
                return self._either(kind, choices, written, place)
            case Words(words):
                return self._word(words, written, place, describe(kind))
            case Dotted():
                return _dotted(written) or self._wrong(place, describe(kind), written)
            case Kinds():
                return self._tagged(kind, written, place)
            case Numeric():
                return self._number(kind, written, place)
            case Text():
                return written.value if isinstance(written, syntax.String) else self._text(written, place)
            case Truth():
                return self._truth(written, place)
            case Refers(to):
                return self.meanings.reference(to, written)
            case Many():
                return self._many(kind, written, place)
            case Nothing():
                return None if _bare(written) == "none" else self._wrong(place, "`none`", written)

    def _either(self, kind: Either, choices: Sequence[FieldType], written: syntax.Expression, place: str) -> object:
        for choice in choices:
            if isinstance(written, syntax.List) and not written.items and isinstance(choice, Many) and choice.repeats(choices):
                self.diagnostics.add(
                    "E0513",
                    f"{place} takes one or several, not none",
                    written.span,
                    label="empty",
                    help=f"it takes {describe(kind)}",
                )
                return BROKEN
            if self._fits(choice, written):
                return self.value(choice, written, place)
        bare = _bare(written)
        kinds = kinds_in(kind)
        words = [
            *(word for c in choices if isinstance(c, Words) for word in c.words),
            *(w for w, _ in (kinds.kinds if kinds else ())),
        ]
        if bare is not None and words:
            return self._word(tuple(words), written, place, describe(kind))
        if kinds is not None and isinstance(written, (syntax.Tagged, syntax.Call)):
            return self._tagged(kinds, written, place)
        return self._wrong(place, describe(kind), written)

    def _fits(self, kind: FieldType, written: syntax.Expression) -> bool:
        """Whether a value has the outer shape of this alternative."""
        bare = _bare(written)
        match kind:
            case Words(words):
                return bare in words
            case Dotted():
                return _dotted(written) is not None
            case Kinds():
                tag = written.tag.text if isinstance(written, syntax.Tagged) else bare
                return (tag is not None and kind.of(tag) is not None) or _called(kind, written) is not None
            case Nothing():
                return bare == "none"
            case Text():
                return isinstance(written, syntax.String)
            case Truth():
                return isinstance(written, (syntax.Boolean, syntax.Comparison))
            case Many():
                if isinstance(written, syntax.List) or (isinstance(written, syntax.Range) and kind.counts):
                    return True
                return self._may_be_numbers(kind, written)
            case Refers():
                return isinstance(written, (syntax.Path, syntax.Call)) and bare != "none"
            case Numeric():
                if bare is not None:
                    return self.meanings.is_constant(bare)
                return isinstance(
                    written,
                    (syntax.Number, syntax.Unary, syntax.Binary, syntax.Choice, syntax.Call, syntax.Path, syntax.Imaginary),
                )
            case Either(choices):
                return any(self._fits(choice, written) for choice in choices)

    def _word(self, words: Sequence[str], written: syntax.Expression, place: str, takes: str) -> object:
        bare = _bare(written)
        if bare in words:
            return bare
        if isinstance(written, syntax.String) and written.value in words:
            return self._wrong(place, takes, written, f"write `{written.value}` without quotes")
        if bare is None:
            return self._wrong(place, takes, written)
        self.diagnostics.add(
            "E0506",
            f"{place} cannot be `{bare}`",
            written.span,
            label="unknown choice",
            help=suggestion(bare, words, "it takes") if nearest(bare, words) else f"it takes {takes}",
        )
        return BROKEN

    def _tagged(self, kind: Kinds, written: syntax.Expression, place: str) -> object:
        words = [word for word, _ in kind.kinds]
        match written:
            case syntax.Tagged(tag=tag, record=record):
                schema = kind.of(tag.text)
                if schema is not None:
                    return self.read(schema, f"`{tag.text}`", assignments(record, self.diagnostics), tag.span)
                cure = suggestion(tag.text, words, "it takes")
                self.diagnostics.add("E0508", f"{place} has no kind `{tag.text}`", tag.span, label="unknown kind", help=cure)
                return BROKEN
            case syntax.Path(head=head, segments=()):
                schema = kind.of(head.text)
                if schema is not None:
                    return self.read(schema, f"`{head.text}`", [], head.span)
                cure = suggestion(head.text, words, "it takes")
                self.diagnostics.add("E0508", f"{place} has no kind `{head.text}`", head.span, label="unknown kind", help=cure)
                return BROKEN
            case syntax.Call(function=syntax.Path(head=head)) if (called := _called(kind, written)) is not None:
                schema, assignment = called
                return self.read(schema, f"`{head.text}`", [assignment], head.span)
            case syntax.Call(function=syntax.Path(head=head, segments=())) if kind.of(head.text) is not None:
                return self._wrong(place, one_of(words), written, f"fields stand in braces: `{head.text} {{ … }}`")
        return self._wrong(place, one_of(words), written)

    def _number(self, kind: Numeric, written: syntax.Expression, place: str) -> object:
        bare = _bare(written)
        if isinstance(
            written, (syntax.String, syntax.Boolean, syntax.Tagged, syntax.List, syntax.Tuple, syntax.Pair, syntax.Range)
        ):
            return self._wrong(place, describe(kind), written)
        if bare is not None and not self.meanings.is_constant(bare):
            near = nearest(bare, self.meanings.constants())
            return self._wrong(
                place, describe(kind), written, f"did you mean `{near}`?" if near else f"it takes {describe(kind)}"
            )
        value = self.meanings.constant(written)
        return BROKEN if isinstance(value, Broken) else self._of_number(kind, value, written, place)

    def _of_number(self, kind: Numeric, value: object, written: syntax.Expression, place: str) -> object:
        """A constant's value as a number of this kind."""
        if isinstance(value, bool) or not isinstance(value, (int, float, Fraction)):
            return self._wrong(place, describe(kind), written)
        if not kind.integer:
            try:
                return float(value)
            except OverflowError:
                self.diagnostics.add("E0505", f"{place} is too large", written.span, help=f"it takes {describe(kind)}")
                return BROKEN
        exact = Fraction(value) if value == value and abs(value) != float("inf") else None
        if exact is None or exact.denominator != 1:
            self.diagnostics.add(
                "E0507",
                f"{place} must be a whole number",
                written.span,
                label="not an integer",
                help=f"it takes {describe(kind)}",
            )
            return BROKEN
        return int(exact)

    def _text(self, written: syntax.Expression, place: str) -> Broken:
        bare = _bare(written)
        return self._wrong(place, "a string in quotes", written, f'write `"{bare}"`' if bare else "")

    def _truth(self, written: syntax.Expression, place: str) -> object:
        if isinstance(written, syntax.Boolean):
            return written.value
        bare = _bare(written)
        if (bare is not None and self.meanings.is_constant(bare)) or isinstance(
            written, (syntax.Comparison, syntax.Binary, syntax.Unary)
        ):
            value = self.meanings.constant(written)
            if isinstance(value, (bool, Broken)):
                return value
        return self._wrong(place, "`true` or `false`", written)

    def _many(self, kind: Many, written: syntax.Expression, place: str) -> object:
        if isinstance(written, syntax.Range) and kind.counts:
            return self._counted(kind, written, place)
        if self._may_be_numbers(kind, written):
            return self._computed(kind, written, place)
        if not isinstance(written, syntax.List):
            message = f"{place} takes a list, not {found(written)}"
            ranged = ", or as a range, `0..8`" if kind.counts else ""
            cure = f"write it in brackets, `[…]`{ranged}: it is {describe(kind)}"
            self.diagnostics.add("E0504", message, written.span, label="no list", help=cure)
            return BROKEN
        if not self._counts(kind, len(written.items), written, place):
            return BROKEN
        items = [self.value(kind.element(i), item, place) for i, item in enumerate(written.items)]
        return BROKEN if any(isinstance(item, Broken) for item in items) else tuple(items)

    def _counts(self, kind: Many, count: int, written: syntax.Expression, place: str) -> bool:
        """Whether a list has as many items as it may; if not, that is reported."""
        most = kind.at_most
        if count >= kind.at_least and (most is None or count <= most):
            return True
        wanted = str(kind.at_least) if kind.fixed else f"at least {kind.at_least}" if count < kind.at_least else f"at most {most}"
        message = f"{place} takes {wanted} item{'' if wanted.endswith(' 1') else 's'}, not {count}"
        self.diagnostics.add("E0513", message, written.span, help=f"it is {describe(kind)}")
        return False

    def _may_be_numbers(self, kind: Many, written: syntax.Expression) -> bool:
        """Whether this is an expression that may give the numbers of a list, such as `linspace(0, 1, 5)` or a param."""
        bare = _bare(written)
        if not all(isinstance(element, Numeric) for element in kind.elements) or (bare and not self.meanings.is_constant(bare)):
            return False
        return isinstance(written, (syntax.Path, syntax.Call, syntax.Binary, syntax.Unary, syntax.Choice))

    def _computed(self, kind: Many, written: syntax.Expression, place: str) -> object:
        """The numbers of a list that an expression gives."""
        value = self.meanings.constant(written)
        if isinstance(value, Broken):
            return BROKEN
        if not isinstance(value, Array):
            return self._wrong(place, describe(kind), written)
        if not self._counts(kind, len(value.items), written, place):
            return BROKEN
        elements = [kind.element(i) for i in range(len(value.items))]
        items = [
            self._of_number(element, item, written, place)
            for element, item in zip(elements, value.items, strict=True)
            if isinstance(element, Numeric)
        ]
        return BROKEN if any(isinstance(item, Broken) for item in items) else tuple(items)

    def _counted(self, kind: Many, written: syntax.Range, place: str) -> object:
        """A range of integers, item by item; the schema says whether each is in its bounds."""
        bounds = [self._number(Numeric(True), bound, place) for bound in (written.start, written.stop)]
        start, stop = (bound if isinstance(bound, int) else None for bound in bounds)
        if start is None or stop is None:
            return BROKEN
        count = max(0, stop + written.closed - start)
        bounded = kind if kind.at_most is not None else replace(kind, at_most=LONGEST_RANGE)
        return tuple(range(start, start + count)) if self._counts(bounded, count, written, place) else BROKEN

    def _wrong(self, place: str, takes: str, written: syntax.Expression, cure: str = "") -> Broken:
        self.diagnostics.add(
            "E0504",
            f"{place} cannot be {found(written)}",
            written.span,
            label="wrong type",
            help=cure or f"it takes {takes}",
        )
        return BROKEN


def _bare(written: syntax.Expression) -> str | None:
    return written.bare if isinstance(written, syntax.Path) else None


def _dotted(written: syntax.Expression) -> str | None:
    """`within.A` as a path of words."""
    if not isinstance(written, syntax.Path):
        return None
    words = [segment.name for segment in written.segments if isinstance(segment, syntax.Member)]
    return ".".join([written.head.text, *words]) if len(words) == len(written.segments) else None


def _called(kind: Kinds, written: syntax.Expression) -> tuple[type[Record], Assignment] | None:
    """`future(3)`: a call of a record that may be written so, with one argument, which is its `called` field."""
    match written:
        case syntax.Call(
            function=syntax.Path(head=head, segments=()), arguments=(syntax.Argument(value=value, name=None, reducer=None),)
        ):
            schema = kind.of(head.text)
            if schema is not None and schema.called is not None:
                return schema, Assignment((syntax.Name(value.span, schema.called),), value)
    return None


def kinds_in(kind: FieldType) -> Kinds | None:
    """The tagged records among what a field takes."""
    if isinstance(kind, Kinds):
        return kind
    if isinstance(kind, Either):
        return next((choice for choice in kind.choices if isinstance(choice, Kinds)), None)
    return None
