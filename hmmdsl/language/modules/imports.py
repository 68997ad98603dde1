"""Imports: the standard library, and files beside the spec."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from hmmdsl.language import syntax
from hmmdsl.language.diagnostics import Diagnostics, Note
from hmmdsl.language.messages.hints import suggestion
from hmmdsl.language.modules.declarations import declare, exported
from hmmdsl.language.parser import parse
from hmmdsl.language.reading import read_source
from hmmdsl.language.source import Source, Span
from hmmdsl.language.values.budget import Budget
from hmmdsl.language.values.failure import ConstantError, Reported
from hmmdsl.language.values.scope import Module

LIBRARY = Path(__file__).parents[2] / "library"
"""Where `std.*` lies: `std.processes` is `processes.hmm`."""

FILES = 64
"""Files in one spec."""

CHARACTERS = 4 * 2**20
"""Characters in all imported files together."""


@cache
def std_module_names() -> tuple[str, ...]:
    """The modules of the standard library: `std.processes`, …"""
    return tuple(sorted(f"std.{path.stem}" for path in LIBRARY.glob("*.hmm")))


@dataclass
class ImportedDiagnostics(Diagnostics):
    """The messages of an imported file: handed on with the way that leads there, and kept."""

    target: Diagnostics = field(default_factory=Diagnostics)
    way: tuple[Note, ...] = ()

    def add(
        self, code: str, message: str, span: Span | None, *, label: str = "", help: str = "", notes: tuple[Note, ...] = ()
    ) -> None:
        super().add(code, message, span, label=label, help=help, notes=notes)
        self.target.add(code, message, span, label=label, help=help, notes=notes + self.way)


@dataclass
class Modules:
    """The files of one compilation, each read once. `root` is the folder of the spec: no import leads out of it; None where the
    spec is a text without a folder. `main` is the spec's own file, if it has one."""

    root: Path | None
    diagnostics: Diagnostics
    budget: Budget
    main: Path | None = None
    loaded: dict[str, Module | None] = field(default_factory=dict)
    reading: list[str] = field(default_factory=list)
    sources: tuple[Source, ...] = ()

    def load(self, statement: syntax.Import, importer: Path | None, diagnostics: Diagnostics) -> Module:
        """The module that an import names; `importer` is the file it stands in, None for the standard library or a bare text.

        Raises ConstantError with a code E06xx, Reported if the file was tried before and could not be read.
        """
        module = statement.module
        if isinstance(module, syntax.String):
            return self._file(module, importer, diagnostics)
        return self.standard(".".join(name.text for name in module), module[0].span.to(module[-1].span), diagnostics)

    def standard(self, name: str, span: Span, diagnostics: Diagnostics) -> Module:
        """A module of the standard library, such as `std.processes`. Raises ConstantError (E0604) if there is none."""
        if name not in std_module_names():
            raise ConstantError(
                "E0604",
                f"there is no module `{name}`",
                span,
                label="unknown",
                help=suggestion(name, std_module_names(), "there is"),
            )
        return self._read(LIBRARY / f"{name.removeprefix('std.')}.hmm", name, name, span, diagnostics)

    def _file(self, written: syntax.String, importer: Path | None, diagnostics: Diagnostics) -> Module:
        text, span = written.value, written.span
        if not text or "\0" in text or "\n" in text:
            raise ConstantError("E0601", "an import names a file", span, help='write `import "mine.hmm" as mine`')
        if text.startswith(("/", "\\", "~")) or Path(text).is_absolute():
            raise _leads_out(text, span)
        if self.root is None:
            raise ConstantError(
                "E0601",
                f"`{text}` cannot be found: this text lies in no folder",
                span,
                help="save it as a file beside the other, or import std modules",
            )
        root = self.root.resolve()
        folder = importer.parent if importer is not None else self.root
        try:
            path = (folder / text).resolve()
            if not path.is_relative_to(root):
                raise _leads_out(text, span)
            if not path.is_file():
                raise ConstantError("E0601", f"there is no file `{text}`", span, label="not found", help=self._near(path, root))
        except (OSError, RuntimeError, ValueError):
            raise ConstantError("E0601", f"`{text}` cannot be found", span, help="check the path") from None
        return self._read(path, str(path), path.relative_to(root).as_posix(), span, diagnostics)

    def _near(self, path: Path, root: Path) -> str:
        """A hint for a file that is not there."""
        try:
            beside = sorted(other.name for other in path.parent.glob("*.hmm")) if path.parent.is_dir() else []
        except OSError:
            beside = []
        beside = [name for name in beside if self.main is None or path.parent / name != self.main.resolve()]
        return suggestion(path.name, beside, "beside it are") if beside else "paths begin at the file that imports"

    def _read(self, path: Path, key: str, name: str, span: Span, diagnostics: Diagnostics) -> Module:
        """Read, parse and declare a file, once."""
        if key in self.reading or (self.main is not None and path == self.main.resolve()):
            raise self._cycle(key, name, span)
        if key in self.loaded:
            known = self.loaded[key]
            if known is None:
                raise Reported
            return known
        if len(self.loaded) >= FILES:
            raise ConstantError("E0606", f"more than {FILES} files are imported", span, help="join some of them into one")
        self.loaded[key] = None
        inner = ImportedDiagnostics(target=diagnostics, way=() if path.parent == LIBRARY else (Note("imported here", span),))
        ours = _of_the_library(path, name) if path.parent == LIBRARY else None
        source = ours[0] if ours is not None else read_source(path, name, inner)
        if source is None:
            raise Reported
        if sum(len(other.text) for other in self.sources) + len(source.text) > CHARACTERS:
            raise ConstantError(
                "E0606", f"the imported files have more than {CHARACTERS:,} characters together", span, help="import less"
            )
        self.sources = (*self.sources, source)
        self.reading.append(key)
        try:
            file = ours[1] if ours is not None else parse(source, inner)
            failed = bool(inner.errors)
            own = path if path.parent != LIBRARY else None
            scope = declare(file, self.load, self.budget, inner, path=own)
        finally:
            self.reading.pop()
        module = Module(f"`{name}`", exported(file, scope), failed)
        self.loaded[key] = module
        return module

    def _cycle(self, key: str, name: str, span: Span) -> ConstantError:
        way = self.reading[self.reading.index(key) :] if key in self.reading else [key, *self.reading]
        names = [Path(step).name for step in way]
        return ConstantError(
            "E0602",
            f"`{name}` imports itself: {' → '.join([*names, names[0]])}",
            span,
            label="this closes the circle",
            help="move what both need into a third file",
        )


@cache
def _of_the_library(path: Path, name: str) -> tuple[Source, syntax.File]:
    """A module of the library, parsed once in a process: half of the time of a check that is not the first went there."""
    diagnostics = Diagnostics()
    source = read_source(path, name, diagnostics)
    assert source is not None
    file = parse(source, diagnostics)
    diagnostics.raise_if_errors()
    return source, file


def _leads_out(text: str, span: Span) -> ConstantError:
    return ConstantError(
        "E0603",
        f"`{text}` leads out of the spec's folder",
        span,
        help="copy the file beside the spec, and write its path from there",
    )
