"""`hmmdsl pack`: a run as one file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hmmdsl.exchange.packing.limits import SUFFIX, Part
from hmmdsl.files.door import json_text, say

command = typer.Typer(rich_markup_mode=None, add_completion=False)

_UNITS = ("B", "kB", "MB", "GB")


@command.command(epilog="Example: hmmdsl pack runs/rrxor-… -o rrxor.hmmz && hmmdsl verify rrxor.hmmz")
def pack(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="the folder of a finished run")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="the pack; RUN's name with .hmmz, here, if not given")
    ] = None,
    without: Annotated[list[Part] | None, typer.Option("--without", help="leave these out; repeatable")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON, for programs")] = False,
) -> None:
    """Pack a finished run into one file: spec and imports, resolved experiment, environment, results, claims, figures, report,
    checkpoints, arrays, and a manifest with checksums.

    It is a plain zip that any tool opens. Packing the same folder again gives the same bytes. Times and the log are left out.
    """
    from hmmdsl.exchange.packing.writing import pack as write_pack

    packed = write_pack(run, out or Path(run.resolve().name + SUFFIX), without or ())
    for name in packed.left_out:
        say(f"left out: {name} is no file of a run", file=sys.stderr)
    if as_json:
        files = [file.path for file in packed.manifest.files]
        say(json_text({"pack": str(packed.path), "bytes": packed.bytes, "files": files, "left_out": packed.left_out}))
        return
    say(f"{packed.path}  {len(packed.manifest.files)} files, {_size(packed.bytes)}; next: hmmdsl verify {packed.path}")


def _size(count: float) -> str:
    for unit in _UNITS[:-1]:
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} {_UNITS[-1]}"
