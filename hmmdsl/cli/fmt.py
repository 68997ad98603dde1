"""`hmmdsl fmt`: the one layout of specs."""

from __future__ import annotations

import difflib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hmmdsl.cli.group import report
from hmmdsl.files.door import hand_on, say
from hmmdsl.files.writing import write_whole
from hmmdsl.language.diagnostics import Diagnostic, Diagnostics, SpecError
from hmmdsl.language.formatting.formatter import format_file
from hmmdsl.language.parser import parse
from hmmdsl.language.reading import read_source
from hmmdsl.language.source import Source
from hmmdsl.runtime.failures import ExitCode, OutputError

command = typer.Typer(rich_markup_mode=None, add_completion=False)


@command.command(epilog="Example: hmmdsl fmt specs/*.hmm --check")
def fmt(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="specs; - reads stdin and writes stdout", allow_dash=True)
    ],
    check_only: Annotated[bool, typer.Option("--check", help="change nothing; exit with 1 if a file would change")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="change nothing; print what would change")] = False,
) -> None:
    """Put specs into the one layout; comments and meaning stay."""
    if files == [Path("-")]:
        if sys.stdin is None:
            raise OutputError("nothing can be read from stdin, which is closed: name a file, or give it one with `<`")
        hand_on(format_stdin(sys.stdin.buffer.read()))
        return
    formatted = [format_path(path) for path in files]  # all are read before any is written
    for each in formatted:
        report(each.diagnostics)
        if each.changed:
            if diff:
                say(each.diff(), end="")
            if check_only or diff:
                say(f"{each.path} would change", file=sys.stderr)
            else:
                each.write()
                say(f"{each.path} changed", file=sys.stderr)
    if any(each.text is None for each in formatted):
        raise typer.Exit(ExitCode.SPEC_WRONG)
    raise typer.Exit(ExitCode.CLAIM_FAILED if check_only and any(each.changed for each in formatted) else ExitCode.GOOD)


@dataclass(frozen=True)
class Formatted:
    """A spec before and after. `text` is None where the spec has syntax errors: such a file is left alone."""

    path: Path
    before: str
    text: str | None
    diagnostics: list[Diagnostic]

    @property
    def changed(self) -> bool:
        return self.text is not None and self.text != self.before

    def diff(self) -> str:
        """What would change, as a unified diff."""
        after = self.before if self.text is None else self.text
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True), after.splitlines(keepends=True), str(self.path), f"{self.path} (formatted)"
        )
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)

    def write(self) -> None:
        """Replace the file in one step, with its permissions (through a symbolic link: the file it leads to)."""
        if self.text is None:
            return
        try:
            place = self.path.resolve()
            write_whole(place, self.text, mode=place.stat().st_mode & 0o7777)
        except OSError as error:
            raise OutputError(f"{self.path} can't be written ({(error.strerror or str(error)).lower()})") from error


def format_path(path: Path) -> Formatted:
    """Lay out one file, changing nothing yet."""
    diagnostics = Diagnostics()
    source = read_source(path, str(path), diagnostics)
    if source is None:
        return Formatted(path, "", None, diagnostics.found)
    return Formatted(path, source.text, _layout(source, diagnostics), diagnostics.found)


def format_stdin(content: bytes) -> str:
    """Lay out a text that was piped in. Raises SpecError if it is not UTF-8 or has syntax errors."""
    diagnostics = Diagnostics()
    try:
        source = Source("<stdin>", content.decode())
    except UnicodeDecodeError as error:
        raise OutputError(f"the input is not UTF-8 at byte {error.start}: convert it first") from error
    text = _layout(source, diagnostics)
    if text is None:
        raise SpecError(diagnostics.found)
    return text


def _layout(source: Source, diagnostics: Diagnostics) -> str | None:
    tree = parse(source, diagnostics)
    if diagnostics.errors:
        return None
    text = format_file(tree)
    if text != source.text:
        # Parentheses that the layout writes may nest beyond what is read (`-(-(-1))`): such a text stays as it was.
        again = Diagnostics()
        parse(Source(source.name, text), again)
        if again.errors:
            return source.text
    return text
