"""`hmmdsl lock`: the claims of a spec, before it is run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hmmdsl.cli.group import report
from hmmdsl.cli.options import (
    JsonOption,
    print_json,
)
from hmmdsl.files.door import say
from hmmdsl.runtime.failures import ExitCode, OutputError

command = typer.Typer(rich_markup_mode=None, add_completion=False)


@command.command(epilog="Examples: hmmdsl lock rrxor.hmm; hmmdsl lock rrxor.hmm --check")
def lock(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a .hmm spec")],
    renew: Annotated[bool, typer.Option("--renew", help="lock the claims of today; the date of the lock before is kept")] = False,
    check_only: Annotated[bool, typer.Option("--check", help="write nothing; exit with 1 if the claims are others")] = False,
    as_json: JsonOption = False,
) -> None:
    """Lock the claims of a spec and their bounds before it is run: the day and the claims go into FILE.lock, and runs and reports
    say whether they still stand as they were."""
    from hmmdsl.exchange.reading import read
    from hmmdsl.runtime.lock import compare_lock, lock_place, write_lock

    if file.suffix != ".hmm":
        raise OutputError(f"{file} is no spec: lock the claims of a .hmm file")
    compiled = read(file)
    report(compiled.diagnostics)
    if not check_only:
        write_lock(file, compiled, renew)
    compared = compare_lock(file, compiled)
    if compared is None:
        raise OutputError(f"{file} has no lock: `hmmdsl lock {file}` writes one")
    if as_json:
        print_json(compared.as_json())
    elif check_only:
        say("\n".join([f"{file}: {compared.line()}", *compared.told()]))
    else:
        say(f"{lock_place(file)}: {len(compiled.claims)} claims {compared.since()}; put it under version control")
    raise typer.Exit(ExitCode.GOOD if compared.same else ExitCode.CLAIM_FAILED)
