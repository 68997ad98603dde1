"""The reference of the records, read off their schemas, for `hmmdsl help KIND`, docs and editors: plain data and markdown."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hmmdsl.schema.analysis import AnalysisKinds
from hmmdsl.schema.base import Record
from hmmdsl.schema.declarations import RecordSort, record_sorts
from hmmdsl.schema.fields import Either, FieldType, Kinds, Many, describe, fields_of, kind_word


@dataclass(frozen=True)
class FieldHelp:
    """One field: what it takes in words, its default as the language writes it (None: it must be given), and what it is."""

    name: str
    takes: str
    default: str | None
    description: str


@dataclass(frozen=True)
class RecordHelp:
    """One record: `word` is what `hmmdsl help` knows it by, `header` how it begins in a spec, `belongs` which field of which
    record takes it (empty for declarations), and `fields` in order."""

    word: str
    header: str
    summary: str
    belongs: tuple[str, ...]
    fields: tuple[FieldHelp, ...]

    @property
    def example(self) -> str:
        """A skeleton: the fields that must be given, or the header with empty braces."""
        required = [f"{field.name} = …" for field in self.fields if field.default is None]
        return self.header.replace("…", ", ".join(required) if required else "…")


SWEEP = RecordHelp(
    "sweep",
    "sweep NAME { … }",
    "The experiment at every point of a product of axes. Its results are arrays over the axes, called after the sweep: "
    "`NAME.fit.loss`.",
    (),
    (
        FieldHelp(
            "PATH",
            "a list or a range of values, such as `[8, 16]` or `0..5`",
            None,
            "an axis: a field of a model, train or analysis, such as `net.d_model`, or a param; several axes are a product",
        ),
        FieldHelp(
            "zip(PATH = …, PATH = …)",
            "paths with equally many values",
            "none",
            "one axis along which several paths change together",
        ),
    ),
)
"""A sweep has no schema of its own: its fields are the paths of the file."""


def reference(kinds: AnalysisKinds) -> Mapping[str, RecordHelp]:
    """Every record there is, declarations first, then the tagged records inside them, by the word that names it. Where one word
    names several records (`exact` is data and histories), each later one is called `field.word`."""
    found: dict[str, RecordHelp] = {}
    schemas: dict[type[Record], str] = {}
    for sort in record_sorts(kinds).values():
        for kind, schema in sort.schemas.items():
            word = kind or sort.word
            found[word] = _record(schema, word, _header(sort, kind), ())
            schemas[schema] = word
    found["sweep"] = SWEEP
    inside: dict[type[Record], list[tuple[str, str]]] = {}
    for schema in list(schemas):
        _collect(schema, inside)
    for schema, belongs in inside.items():
        tag = kind_word(schema) or ""
        word = tag if tag not in found else f"{belongs[0][1]}.{tag}"
        places = tuple(dict.fromkeys(f"`{field}` of `{owner}`" for owner, field in belongs))
        found[word] = _record(schema, word, f"{tag} {{ … }}", places)
    return found


def lookup(word: str, kinds: AnalysisKinds) -> tuple[RecordHelp, ...]:
    """The records that a word names: itself, all kinds of a keyword (`analysis`), or every record with that tag (`exact`)."""
    found = reference(kinds)
    sort = record_sorts(kinds).get(word)
    if sort is not None and sort.kinds:
        return tuple(found[kind] for kind in sort.kinds)
    return tuple(record for name, record in found.items() if name == word or name.endswith(f".{word}"))


def as_markdown(record: RecordHelp, level: int = 3) -> str:
    """A record's reference as markdown, with a table of its fields."""
    lines = [f"{'#' * level} `{record.word}`", "", f"{record.summary}", ""]
    if record.belongs:
        lines += [f"A value of {_listed(record.belongs)}.", ""]
    lines += ["```text", record.example, "```", ""]
    if record.fields:
        lines += ["| field | takes | default | |", "|---|---|---|---|"]
        for field in record.fields:
            default = f"`{_cell(field.default)}`" if field.default is not None else "required"
            lines.append(f"| `{field.name}` | {_cell(field.takes)} | {default} | {_cell(field.description)} |")
        lines.append("")
    return "\n".join(lines)


def all_markdown(kinds: AnalysisKinds, level: int = 3) -> str:
    """The whole reference of the records as markdown."""
    return "\n".join(as_markdown(record, level) for record in reference(kinds).values())


# ---------------------------------------------------------------- reading the schemas


def _record(schema: type[Record], word: str, header: str, belongs: tuple[str, ...]) -> RecordHelp:
    fields = tuple(
        FieldHelp(field.name, describe(field.type), field.default, field.description) for field in fields_of(schema).values()
    )
    return RecordHelp(word, header, _summary(schema), belongs, fields)


def _summary(schema: type[Record]) -> str:
    """The schema's docstring on one line."""
    return " ".join((inspect.getdoc(schema) or "").split())


def _header(sort: RecordSort, kind: str) -> str:
    name = " NAME" if sort.named else ""
    return f"{sort.word}{name}{': ' + kind if kind else ''} {{ … }}"


def _collect(schema: type[Record], inside: dict[type[Record], list[tuple[str, str]]]) -> None:
    """Find all tagged records inside a schema, and where they belong."""
    owner = kind_word(schema) or schema.__name__.lower()
    for field in fields_of(schema).values():
        for tagged in _tagged(field.type):
            known = tagged in inside
            inside.setdefault(tagged, []).append((owner, field.name))
            if not known:
                _collect(tagged, inside)


def _tagged(kind: FieldType) -> Iterator[type[Record]]:
    match kind:
        case Kinds(kinds):
            yield from (schema for _, schema in kinds)
        case Either(choices):
            for choice in choices:
                yield from _tagged(choice)
        case Many(elements):
            for element in elements:
                yield from _tagged(element)


def _listed(places: tuple[str, ...]) -> str:
    return places[0] if len(places) == 1 else ", ".join(places[:-1]) + " and " + places[-1]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
