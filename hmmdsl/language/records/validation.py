"""What the schemas refuse, as diagnostics at the exact field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.source import Span
from hmmdsl.schema.fields import RecordField, describe

OWN_CODES: Mapping[str, str] = MappingProxyType({"heads": "E0801", "rotary": "E0802", "window": "E0832"})
"""Codes of the schemas' own errors, by pydantic's name for them; any other is E0519."""

_RANGE = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number"})
_LENGTH = frozenset({"too_short", "too_long", "string_too_short", "string_too_long"})


@dataclass(frozen=True)
class Given:
    """Where a field's value stands."""

    value: syntax.Expression
    key: Span

    def place(self, location: tuple[int | str, ...]) -> Span:
        """The place of an item inside the value, or of the value."""
        value: syntax.Expression = self.value
        for step in location:
            if isinstance(step, int) and isinstance(value, (syntax.List, syntax.Tuple)) and step < len(value.items):
                value = value.items[step]
        return value.span


def report(
    error: ValidationError,
    fields: Mapping[str, RecordField],
    called: str,
    given: Mapping[str, Given],
    span: Span,
    diagnostics: Diagnostics,
    whole: bool,
) -> None:
    """Turn what pydantic found into diagnostics. `whole` is false where fields were left out because they are wrong already:
    then only what is said of single fields counts."""
    by_place: dict[tuple[int | str, ...], list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        location = detail["loc"]
        own = isinstance(detail.get("ctx"), dict) and "field" in detail.get("ctx", {})
        if not location or own:
            if whole:
                _across(detail, called, given, span, diagnostics)
            continue
        by_place.setdefault((location[0], *(step for step in location[1:] if isinstance(step, int))), []).append(detail)
    for location, details in by_place.items():
        name = str(location[0])
        if name not in fields or name not in given:
            continue  # a missing field, or one that is wrong already
        _single(_telling(details), fields[name], given[name].place(location[1:]), diagnostics)


def _telling(details: list[ErrorDetails]) -> ErrorDetails:
    """Of a union's errors the one that says most: a range before a type."""
    return min(
        details, key=lambda d: (d["type"] not in _RANGE, d["type"] not in _LENGTH, d["type"].endswith(("_type", "literal_error")))
    )


def _single(detail: ErrorDetails, field: RecordField, span: Span, diagnostics: Diagnostics) -> None:
    takes = f"it takes {describe(field.type)}"
    if detail["type"] in _RANGE:
        value = detail["input"]
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        diagnostics.add("E0505", f"`{field.name}` cannot be {shown}", span, label="out of range", help=takes)
    elif detail["type"] in _LENGTH:
        diagnostics.add("E0513", f"`{field.name}` has the wrong number of items", span, help=takes)
    elif detail["type"] in ("value_error", "assertion_error"):
        diagnostics.add("E0519", _said(detail), span, help=takes)
    else:
        diagnostics.add("E0504", f"`{field.name}` takes {describe(field.type)}", span, label="wrong type", help=takes)


def _across(detail: ErrorDetails, called: str, given: Mapping[str, Given], span: Span, diagnostics: Diagnostics) -> None:
    """What a schema says of several fields together."""
    context = detail.get("ctx") or {}
    name = str(context.get("field", "")).partition(".")[0]
    place = given[name].value.span if name in given else span
    if name not in given:
        place = next((g.value.span for other, g in given.items() if str(other) in detail["msg"]), span)
    diagnostics.add(
        OWN_CODES.get(detail["type"], "E0519"),
        _said(detail),
        place,
        label=str(context.get("label", "")),
        help=str(context.get("help", "")) or f"change the fields of {called} so that they go together",
    )


def _said(detail: ErrorDetails) -> str:
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return message[:1].lower() + message[1:] if message[1:2].islower() else message
