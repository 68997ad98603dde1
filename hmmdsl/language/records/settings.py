"""What is said outside a record about its fields: `profile NAME { fit.steps = 50 }` and `--set fit.steps=50`.

The file speaks first, the profile overrides it, and settings override both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostic, Diagnostics, Note
from hmmdsl.language.messages.hints import listing, nearest
from hmmdsl.language.modules.names import Names
from hmmdsl.language.parser import parse_expression
from hmmdsl.language.records.values import Assignment, assignments
from hmmdsl.language.source import Source, Span
from hmmdsl.schema.fields import article

PROFILE, SETTING = 1, 2
"""Layers of an assignment; the file's own is 0."""

REPLICATE_ELSEWHERE = "`hmmdsl run FILE --seeds 2` says with how many seeds it is run this time"
"""What to do where `replicate` cannot be changed."""

LONGEST_SETTING = 10_000
"""Characters of one `--set`."""


@dataclass
class Overrides:
    """Assignments sorted by what they set: params by name, fields by their declaration's name."""

    params: dict[str, Assignment] = field(default_factory=dict)
    fields: dict[str, list[Assignment]] = field(default_factory=dict)

    def of(self, declaration: str) -> list[Assignment]:
        """What is said of one declaration's fields, later layers last."""
        return sorted(self.fields.get(declaration, []), key=lambda assignment: assignment.layer)


def read_settings(settings: Mapping[str, str], diagnostics: Diagnostics) -> list[Assignment]:
    """The assignments of `--set name=value`; values are expressions of the language. Mistakes are reported in a source of the
    name `--set`."""
    found = []
    for name, value in settings.items():
        source = Source("--set", f"{name}={value}")
        if len(source.text) > LONGEST_SETTING:
            diagnostics.add("E0520", "this setting is too long to be read", None, help="write it into the file")
            continue
        path = _path(name, source)
        if path is None:
            place = Span(source, 0, len(name))
            diagnostics.add(
                "E0520", f"`{name}` is no path to a field", place, help="write `--set NAME.FIELD=VALUE`, or `--set PARAM=VALUE`"
            )
            continue
        inner = Diagnostics()
        expression = parse_expression(Source("--set", value), inner)
        for diagnostic in inner.found:
            placed = _moved_diagnostic(diagnostic, source, len(name) + 1)
            if placed not in diagnostics.found:
                diagnostics.found.append(placed)
        if expression is not None and not inner.errors:
            found.append(Assignment(path, moved(expression, source, len(name) + 1), SETTING))
    return found


def profile_assignments(declaration: syntax.Declaration, diagnostics: Diagnostics) -> list[Assignment]:
    """The assignments of a profile."""
    return assignments(declaration.record, diagnostics, PROFILE)


def sort_out(given: Iterable[Assignment], names: Names, records: Collection[str], diagnostics: Diagnostics) -> Overrides:
    """Which declaration or param each assignment is about. One that leads nowhere is reported with the nearest that does."""
    overrides = Overrides()
    settable = [*names.of_sort(*records), *names.of_sort("param")]
    for assignment in given:
        head = assignment.path[0]
        declared = names.declared.get(head.text)
        sort = declared.sort if declared is not None else None
        if head.text in names.lost:
            continue
        if sort == "param" and len(assignment.path) == 1:
            first = overrides.params.get(head.text)
            if first is not None and first.layer == assignment.layer:
                notes = (Note("the first is here", first.span),)
                diagnostics.add(
                    "E0509", f"`{head.text}` is given twice", assignment.span, help="keep one of the two", notes=notes
                )
            overrides.params[head.text] = assignment
        elif (sort is not None and sort in records) or (head.text == "experiment" and sort is None):
            if len(assignment.path) == 1:
                known = f"`{head.text}.steps = …`, for example" if sort == "train" else f"`{head.text}.FIELD = …`"
                diagnostics.add(
                    "E0520",
                    f"`{head.text}` is {article(sort or '')} {sort or 'record'}; a setting names one of its fields",
                    assignment.span,
                    help=f"write {known}",
                )
                continue
            overrides.fields.setdefault(head.text, []).append(assignment.below())
        else:
            _nowhere(assignment, sort, settable, diagnostics)
    return overrides


def _nowhere(assignment: Assignment, sort: str | None, settable: list[str], diagnostics: Diagnostics) -> None:
    head = assignment.path[0]
    if head.text == "replicate" and sort is None:
        message = "`replicate` belongs to the whole file: neither a profile nor a setting changes it"
        diagnostics.add("E0224", message, head.span, label="not here", help=REPLICATE_ELSEWHERE)
        return
    if sort == "param":
        message, cure = f"`{head.text}` is a param and has no fields", f"write `{head.text} = VALUE`"
    elif sort is not None:
        message = f"`{head.text}` is {article(sort)} {sort}, which has no fields to set"
        cure = "make the number a `param` of the file, and set that"
    else:
        near = nearest(head.text, settable)
        message = f"nothing here is called `{head.text}`"
        cure = (
            f"did you mean `{near}`?"
            if near
            else f"settings name one of {listing(settable)}"
            if settable
            else "the file has nothing to set"
        )
    diagnostics.add("E0520", message, head.span, label="leads nowhere", help=cure)


def _path(name: str, source: Source) -> tuple[syntax.Name, ...] | None:
    words, at = [], 0
    for word in name.split("."):
        stripped = word.strip()
        if not stripped.isidentifier():
            return None
        start = at + word.index(stripped)
        words.append(syntax.Name(Span(source, start, start + len(stripped)), stripped))
        at += len(word) + 1
    return tuple(words)


T = TypeVar("T")


def moved(node: T, source: Source, by: int) -> T:
    """The same tree with its places in another source, `by` characters on."""
    if isinstance(node, Span):
        return Span(source, node.start + by, node.end + by)  # type: ignore[return-value]
    if isinstance(node, tuple):
        return tuple(moved(item, source, by) for item in node)  # type: ignore[return-value]
    if is_dataclass(node) and not isinstance(node, type):
        changes: dict[str, Any] = {f.name: moved(getattr(node, f.name), source, by) for f in fields(node)}
        return replace(node, **changes)
    return node


def _moved_diagnostic(diagnostic: Diagnostic, source: Source, by: int) -> Diagnostic:
    span = diagnostic.span
    return replace(diagnostic, span=Span(source, span.start + by, span.end + by) if span is not None else None)
