"""From a record as written to the validated object of its schema."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Note
from hmmdsl.language.messages.hints import ADVICE, nearest, suggestion
from hmmdsl.language.records.shapes import found
from hmmdsl.language.records.validation import Given, report
from hmmdsl.language.records.values import BROKEN, Assignment, Broken, ValueReader, assignments, kinds_in
from hmmdsl.language.source import Span
from hmmdsl.schema.base import Record
from hmmdsl.schema.fields import RecordField, describe, fields_of, kind_word


class RecordReader(ValueReader):
    """Reads records by their schemas. Every mistake becomes a diagnostic at its place; one does not hide another."""

    def read(
        self,
        schema: type[Record],
        called: str,
        given: Sequence[Assignment],
        span: Span,
        base: Record | None = None,
        complete: bool = True,
    ) -> Record | Broken:
        """The record itself. `called` names it in messages, `span` is its name's or tag's place, and `base` gives the fields
        that `given` leaves out in place of the schema's defaults. Of a record that is not `complete`, since some of it could
        not be read, only what is there is checked."""
        fields = fields_of(schema)
        grouped: dict[str, list[Assignment]] = {}
        whole = True
        for assignment in given:
            name = assignment.path[0].text
            if name in fields:
                grouped.setdefault(name, []).append(assignment)
            else:
                self._unknown_field(schema, called, assignment)
                whole = False
        values: dict[str, object] = {}
        if base is not None:
            values.update({name: getattr(base, name) for name in base.model_fields_set if name in fields})
        places: dict[str, Given] = {}
        for name, of_field in grouped.items():
            default = schema.model_fields[name].get_default(call_default_factory=True, validated_data={})
            value = self._field(called, fields[name], of_field, getattr(base, name) if base is not None else default)
            if isinstance(value, Broken):
                whole = False
                values.pop(name, None)
            else:
                values[name] = value
                places[name] = Given(of_field[-1].value, of_field[-1].span)
        missing = [field for name, field in fields.items() if field.required and name not in values and name not in grouped]
        whole = whole and complete
        for field in missing if complete else ():
            self.diagnostics.add(
                "E0503",
                f"{called} needs `{field.name}`",
                span,
                label=f"`{field.name}` is missing",
                help=f"it is {_lower(field.description)}: {describe(field.type)}",
            )
        try:
            record = schema.model_validate(values)
        except ValidationError as error:
            report(error, fields, called, places, span, self.diagnostics, whole and not missing)
            return BROKEN
        return record if whole else BROKEN

    def _unknown_field(self, schema: type[Record], called: str, assignment: Assignment) -> None:
        name = assignment.path[0]
        known = list(fields_of(schema))
        if name.text == "kind":
            word = kind_word(schema) or "the kind"
            cure = f"leave it out: it is said by `{word}` itself, after the colon or before the brace"
        elif nearest(name.text, known) is None and name.text in ADVICE and name.text not in known:
            cure = ADVICE[name.text]
        else:
            cure = suggestion(name.text, known, "its fields are")
        self.diagnostics.add("E0501", f"{called} has no field `{name.text}`", name.span, label="unknown field", help=cure)

    # ------------------------------------------------------------ one field

    def _field(self, called: str, field: RecordField, given: Sequence[Assignment], default: object) -> object:
        """A field's value from all that is said of it; a later layer replaces or completes an earlier one."""
        self._duplicates(field, given)
        last = max((i for i, a in enumerate(given) if len(a.path) == 1), default=None)
        inner = [a.below() for a in given[(last or 0) :] if len(a.path) > 1]
        place = f"`{field.name}`"
        if not inner:
            return self.value(field.type, given[-1].value if last is None else given[last].value, place)
        kinds = kinds_in(field.type)
        if last is not None:
            return self._tagged_with(field, given[last].value, inner, place)
        word = kind_word(type(default)) if isinstance(default, Record) else None
        if kinds is None or word is None or not isinstance(default, Record):
            outer = next(a for a in given if len(a.path) > 1)
            known = f"write `{field.name} = …`: it is {describe(field.type)}"
            self.diagnostics.add("E0521", f"{place} has no fields of its own", outer.path[1].span, help=known)
            return BROKEN
        return self.read(type(default), f"`{word}`", inner, inner[0].span, default)

    def _tagged_with(self, field: RecordField, value: syntax.Expression, inner: Sequence[Assignment], place: str) -> object:
        """A tagged record, completed by assignments to fields inside it."""
        kinds = kinds_in(field.type)
        match value:
            case syntax.Tagged(tag=tag, record=record) if kinds is not None and (schema := kinds.of(tag.text)) is not None:
                return self.read(schema, f"`{tag.text}`", [*assignments(record, self.diagnostics), *inner], tag.span)
            case syntax.Path(head=head, segments=()) if kinds is not None and (schema := kinds.of(head.text)) is not None:
                return self.read(schema, f"`{head.text}`", inner, head.span)
        if not isinstance(self.value(field.type, value, place), Broken):
            message = f"{place} is {found(value)}, which has no fields of its own"
            self.diagnostics.add("E0521", message, inner[0].span, help=f"write `{field.name} = …`")
        return BROKEN

    def _duplicates(self, field: RecordField, given: Sequence[Assignment]) -> None:
        first: dict[tuple[int, tuple[str, ...]], Assignment] = {}
        for assignment in given:
            key = assignment.layer, tuple(name.text for name in assignment.path)
            if key in first:
                written = ".".join(name.text for name in assignment.path)
                self.diagnostics.add(
                    "E0509",
                    f"`{written}` is given twice",
                    assignment.span,
                    label="given again",
                    help="keep one of the two",
                    notes=(Note("the first is here", first[key].span),),
                )
            else:
                first[key] = assignment


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text
