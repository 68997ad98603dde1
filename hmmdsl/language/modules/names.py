"""The names that a file declares, of whatever sort: one space for all, so that a path means one thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostics, Note
from hmmdsl.language.source import Span
from hmmdsl.schema.experiment import LONGEST_NAME


@dataclass(frozen=True)
class Declared:
    """A name, what it was declared as (`model`, `train`, `process`, `param`, `import`, …) and where."""

    name: str
    sort: str
    span: Span


@dataclass
class Names:
    """All names of a file. `lost` are those whose statement could not be read, or not wholly: what
    they lack is no new mistake."""

    declared: dict[str, Declared] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()

    def of_sort(self, *sorts: str) -> list[str]:
        """The names declared as one of these, in order."""
        return [d.name for d in self.declared.values() if d.sort in sorts]

    def sorts(self) -> Mapping[str, str]:
        """Name → what it was declared as."""
        return {d.name: d.sort for d in self.declared.values()}

    def is_first(self, name: syntax.Name) -> bool:
        """Whether this place is where the name was declared, not a second declaration of it."""
        first = self.declared.get(name.text)
        return first is not None and first.span == name.span


def collect(file: syntax.File, sorts: Iterable[str], diagnostics: Diagnostics) -> Names:
    """The names of a file's statements. A record whose name is taken is an error (E0202); processes, params and imports that
    share a name among themselves are reported where they are declared."""
    names = Names(lost=file.damaged)
    records = frozenset(sorts)
    for name, sort in _names(file):
        first = names.declared.get(name.text)
        if len(name.text) > LONGEST_NAME:
            message = f"this name has {len(name.text):,} characters"
            cure = f"a name may have {LONGEST_NAME}: files of a run are called after it"
            diagnostics.add("E0225", message, name.span, label="too long", help=cure)
        if first is None:
            names.declared[name.text] = Declared(name.text, sort, name.span)
        elif (sort in records or first.sort in records) and first.span != name.span:
            diagnostics.add(
                "E0202",
                f"`{name.text}` is declared twice",
                name.span,
                label="declared again",
                help=f"choose another name: the first is a {first.sort}" if sort != first.sort else "choose another name",
                notes=(Note("the first declaration is here", first.span),),
            )
    return names


def _names(file: syntax.File) -> Iterator[tuple[syntax.Name, str]]:
    for statement in file.statements:
        match statement:
            case syntax.Declaration(keyword=keyword, name=name) if name is not None and keyword.text != "profile":
                yield name, keyword.text
            case syntax.Hmm(name=name) | syntax.ProcessDefinition(name=name):
                yield name, "process"
            case syntax.Param(name=name):
                yield name, "param"
            case syntax.Import(names=names, alias=alias):
                yield from ((name, "import") for name in names or ())
                if alias is not None:
                    yield alias, "import"
