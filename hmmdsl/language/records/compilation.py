"""The records of one file, read in the order in which they need one another: networks, training runs, analyses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostics, Note
from hmmdsl.language.messages.hints import listing, suggestion
from hmmdsl.language.modules.names import Names
from hmmdsl.language.records.checks import check_analysis
from hmmdsl.language.records.elaboration import RecordReader
from hmmdsl.language.records.meanings import FileMeanings
from hmmdsl.language.records.settings import Overrides
from hmmdsl.language.records.starts import check_chains
from hmmdsl.language.records.values import Assignment, Broken, assignments
from hmmdsl.language.source import Span
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.mentions import mentions
from hmmdsl.language.values.scope import Scope
from hmmdsl.schema.analysis import Analysis, Surroundings
from hmmdsl.schema.base import Record
from hmmdsl.schema.declarations import RecordSort
from hmmdsl.schema.experiment import About
from hmmdsl.schema.fields import article
from hmmdsl.schema.models.base import Model
from hmmdsl.schema.replication import Replicate
from hmmdsl.schema.results import Group
from hmmdsl.schema.train import Train

NESTED = 16
"""How many analyses are read within one another, at most, unless they refer to one another in a circle."""

R = TypeVar("R", bound=Record)


@dataclass
class Records:
    """What a file's records came to. Those that are wrong, or refer to one that is, are in `unsound`."""

    about: About = field(default_factory=About)
    replicate: Replicate | None = None
    models: dict[str, Model] = field(default_factory=dict)
    trains: dict[str, Train] = field(default_factory=dict)
    analyses: dict[str, Analysis] = field(default_factory=dict)
    schemas: dict[str, Group] = field(default_factory=dict)
    unsound: set[str] = field(default_factory=set)


class Compilation:
    """Reads the records of one file. `records` is complete after `read_all`; mistakes are in `diagnostics`."""

    def __init__(
        self,
        file: syntax.File,
        sorts: Mapping[str, RecordSort],
        names: Names,
        scope: Scope,
        budget: Budget,
        overrides: Overrides,
        diagnostics: Diagnostics,
    ) -> None:
        self.sorts = sorts
        self.names = names
        self.overrides = overrides
        self.diagnostics = diagnostics
        self.records = Records()
        self.meanings = FileMeanings(scope, names, budget, diagnostics, self._schema_of)
        self.reader = RecordReader(self.meanings, diagnostics)
        self.declarations = [s for s in file.statements if isinstance(s, syntax.Declaration)]
        self._called: dict[str, list[syntax.Declaration]] = {}
        for declaration in self.declarations:
            self._called.setdefault((declaration.name or declaration.keyword).text, []).append(declaration)
        self.given: dict[str, list[Assignment]] = {}
        self.places: dict[str, Span] = {}
        self._pending: dict[str, syntax.Declaration] = {}
        self._open: list[str] = []

    def read_all(self) -> None:
        """Read every record declaration."""
        known = [d for d in self.declarations if self._known(d)]
        self.records.about = self._nameless(known, "experiment", About) or About()
        self.records.replicate = self._nameless(known, "replicate", Replicate)
        by_sort: dict[str, list[syntax.Declaration]] = {}
        for declaration in known:
            if declaration.name is not None:
                by_sort.setdefault(declaration.keyword.text, []).append(declaration)
        for declaration in by_sort.get("model", []):
            self._keep(declaration, self._record(declaration), self.records.models, Model)  # type: ignore[type-abstract]
        for declaration in by_sort.get("train", []):
            self._keep(declaration, self._record(declaration), self.records.trains, Train)
        for name, train in self.records.trains.items():
            if not set(train.models()) <= self.records.models.keys() or train.process not in self.meanings.used:
                self.records.unsound.add(name)
        if check_chains(self.records.trains, self.place_of, self.diagnostics):
            self.diagnostics.raise_if_errors()  # each step along such a chain would take longer
        following: dict[str | None, list[str]] = {}
        for name, train in self.records.trains.items():
            following.setdefault(train.start_from, []).append(name)
        waiting = list(self.records.unsound)
        while waiting:
            after = [name for name in following.pop(waiting.pop(), []) if name not in self.records.unsound]
            self.records.unsound.update(after)
            waiting += after
        analyses = by_sort.get("analysis", [])
        self._pending = {d.name.text: d for d in analyses if d.name is not None and self.names.is_first(d.name)}
        for name in self._deep():
            self._analysis(name)
        for declaration in analyses:
            if declaration.name is not None and declaration.name.text in self._pending and self.names.is_first(declaration.name):
                self._analysis(declaration.name.text)
            elif declaration.name is not None and not self.names.is_first(declaration.name):
                self._record(declaration)

    def surroundings(self) -> Surroundings:
        """What is declared and sound, as the analyses see it."""
        records = self.records
        return Surroundings(
            dict(self.meanings.used),
            dict(records.models),
            {name: train for name, train in records.trains.items() if name not in records.unsound},
            {name: analysis for name, analysis in records.analyses.items() if name not in records.unsound},
        )

    def place_of(self, name: str, path: Sequence[str | int]) -> Span | None:
        """Where a field of a declared record was written, or its name where it was not."""
        return place_of(self.given.get(name, []), path) or self.places.get(name)

    def try_overrides(self, overrides: Overrides, diagnostics: Diagnostics) -> None:
        """Read the declarations that `overrides` are about once more, with them, to report their mistakes; nothing is kept."""
        meanings = replace(self.meanings, diagnostics=diagnostics, used=dict(self.meanings.used))
        reader = RecordReader(meanings, diagnostics)
        for declaration in (each for name in overrides.fields for each in self._called.get(name, [])):
            name = declaration.name or declaration.keyword
            first = declaration.name is None or self.names.is_first(declaration.name)
            given = overrides.of(name.text) if first else []
            schema = self._schema(declaration) if given and declaration.keyword.text in self.sorts else None
            if schema is not None:
                called = f"{declaration.keyword.text} `{name.text}`"
                reader.read(schema, called, [*assignments(declaration.record, Diagnostics(limit=None)), *given], name.span)

    # ------------------------------------------------------------ declarations

    def _known(self, declaration: syntax.Declaration) -> bool:
        """Whether a declaration's keyword, name and kind are such that its record can be read."""
        word = declaration.keyword.text
        if word in ("profile", "sweep"):
            return False
        sort = self.sorts.get(word)
        if sort is None:
            self._unknown_keyword(declaration)
            return False
        if sort.named and declaration.name is None:
            self.diagnostics.add(
                "E0221",
                f"this {word} has no name",
                declaration.keyword.span,
                label="a name is missing",
                help=f"write `{sort.example}`",
            )
        elif not sort.named and declaration.name is not None:
            self.diagnostics.add(
                "E0221", f"`{word}` takes no name", declaration.name.span, label="not here", help=f"write `{sort.example}`"
            )
        return self._schema(declaration) is not None

    def _unknown_keyword(self, declaration: syntax.Declaration) -> None:
        word = declaration.keyword
        known = [*self.sorts, "sweep", "profile", "hmm", "process", "param", "import", "expect"]
        cure = suggestion(word.text, known, "declarations begin with")
        self.diagnostics.add("E0220", f"there is no declaration `{word.text}`", word.span, label="unknown", help=cure)

    def _schema(self, declaration: syntax.Declaration) -> type[Record] | None:
        word, kind = declaration.keyword.text, declaration.kind
        sort = self.sorts[word]
        called = f"{word} {declaration.name.text}" if declaration.name is not None else word
        if kind is None:
            if "" in sort.schemas:
                return sort.schemas[""]
            place = declaration.name.span if declaration.name is not None else declaration.keyword.span
            cure = (
                f"write `{called}: {sort.kinds[0]} {{ … }}`; kinds are {listing(sort.kinds)}"
                if sort.kinds
                else "there is no kind"
            )
            self.diagnostics.add("E0222", f"{article(word)} {word} needs a kind", place, label="a kind is missing", help=cure)
            return None
        if kind.text in sort.schemas:
            return sort.schemas[kind.text]
        if not sort.kinds:
            self.diagnostics.add("E0222", f"`{word}` takes no kind", kind.span, label="not here", help=f"write `{sort.example}`")
            return None
        cure = suggestion(kind.text, sort.kinds, f"kinds of {word} are")
        self.diagnostics.add("E0502", f"there is no {word} of kind `{kind.text}`", kind.span, label="unknown kind", help=cure)
        return None

    def _record(self, declaration: syntax.Declaration) -> Record | Broken:
        """Read a declaration's record, with what profile and settings say of it."""
        schema = self._schema(declaration)
        assert schema is not None, "only declarations whose schema is known are read"
        name = declaration.name or declaration.keyword
        given = assignments(declaration.record, self.diagnostics)
        if declaration.name is None or self.names.is_first(declaration.name):
            given += self.overrides.of(name.text)
        self.given.setdefault(name.text, given)
        self.places.setdefault(name.text, name.span)
        called = f"{declaration.keyword.text} `{name.text}`" if declaration.name is not None else f"`{name.text}`"
        return self.reader.read(schema, called, given, name.span, complete=name.text not in self.names.lost)

    def _keep(self, declaration: syntax.Declaration, record: Record | Broken, into: dict[str, R], sort: type[R]) -> None:
        name = declaration.name
        if name is None or not self.names.is_first(name):
            return
        if isinstance(record, sort):
            into[name.text] = record
        else:
            self.records.unsound.add(name.text)

    def _nameless(self, known: Sequence[syntax.Declaration], word: str, sort: type[R]) -> R | None:
        """The one record of a sort that has no names: as declared, or as profile and settings make it."""
        declarations = [declaration for declaration in known if declaration.keyword.text == word]
        found: Record | Broken | None = None
        for at, declaration in enumerate(declarations):
            record = self._record(declaration)
            if at:
                self.diagnostics.add(
                    "E0223",
                    f"`{word}` is given twice",
                    declaration.keyword.span,
                    label="given again",
                    help="say all in one",
                    notes=(Note("the first is here", declarations[0].keyword.span),),
                )
            else:
                found = record
        if not declarations and self.overrides.of(word):
            given = self.overrides.of(word)
            found = self.reader.read(sort, f"`{word}`", given, given[0].span)
        return found if isinstance(found, sort) else None

    # ------------------------------------------------------------ analyses

    def _deep(self) -> list[str]:
        """Analyses to be read before the others, so that reading what each refers to first is never deep: of a chain of
        references every sixteenth from its end."""
        heights: dict[str, int] = {}
        for start in self._pending:
            waiting = [(start, False)]
            while waiting:
                name, below = waiting.pop()
                if name in heights and not below:
                    continue
                declaration = self._pending[name]
                values = [assignment.value for assignment in self.overrides.of(name)]
                others = mentions(declaration.record, *values) & self._pending.keys()
                if below:
                    heights[name] = 1 + max((heights[other] for other in others), default=-1)
                else:
                    heights[name] = 0  # on the way: a circle ends here
                    waiting += [(name, True), *((other, False) for other in others if other not in heights)]
        deep = [name for name, height in heights.items() if height and height % NESTED == 0]
        return sorted(deep, key=heights.__getitem__)

    def _analysis(self, name: str) -> None:
        """Read an analysis once; those that it refers to are read first."""
        declaration = self._pending.get(name)
        if declaration is None or name in self.records.analyses or name in self.records.unsound:
            return
        self._open.append(name)
        record = self._record(declaration)
        self._open.pop()
        if not isinstance(record, Analysis):
            self.records.unsound.add(name)
            return
        self.records.analyses[name] = record
        around = self.surroundings()
        if any(need not in around.trains and need not in around.analyses for need in record.needs()):
            self.records.unsound.add(name)
            return
        schema = check_analysis(name, record, around, self.place_of, self.diagnostics)
        if schema is None:
            self.records.unsound.add(name)
        else:
            self.records.schemas[name] = schema

    def _schema_of(self, name: str, expression: syntax.Expression) -> Group | None:
        if name in self._open or len(self._open) > 4 * NESTED:  # so deep leads a circle alone
            circle = [*self._open[self._open.index(name) if name in self._open else 0 :], name]
            self.diagnostics.add(
                "E0517",
                "these analyses refer to one another in a circle: " + " → ".join(f"`{each}`" for each in circle),
                expression.span,
                label="refers back",
                help="let one of them refer to a train",
            )
            return None
        self._analysis(name)
        return self.records.schemas.get(name)


def place_of(given: Iterable[Assignment], path: Sequence[str | int]) -> Span | None:
    """The place of the value that a path of fields and list indices leads to, as deep as it was written."""
    if not path:
        return None
    found: Span | None = None
    for assignment in given:
        names = [name.text for name in assignment.path]
        if names != list(path[: len(names)]):
            continue
        value, rest = assignment.value, list(path[len(names) :])
        found = value.span
        while rest:
            step = rest.pop(0)
            if isinstance(value, syntax.List) and isinstance(step, int) and step < len(value.items):
                value = value.items[step]
                found = value.span
            elif isinstance(value, syntax.Tagged) and isinstance(step, str):
                inner = place_of(assignments(value.record, Diagnostics(limit=None)), [step, *rest])
                found, rest = inner or found, []
            else:
                break
    return found
