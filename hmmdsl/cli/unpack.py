"""`hmmdsl unpack`: a pack as a folder again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hmmdsl.files.door import say

command = typer.Typer(rich_markup_mode=None, add_completion=False)


@command.command(epilog="Example: hmmdsl unpack rrxor.hmmz")
def unpack(
    file: Annotated[Path, typer.Argument(metavar="PACK", help="a pack, x.hmmz")],
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="a new folder; the pack's name without .hmmz, here, if not given")
    ] = None,
) -> None:
    """Unpack a run into a new folder, every file compared with its checksum; nothing is ever written outside the folder."""
    from hmmdsl.exchange.packing.opening import unpack as unpack_into

    place = folder or Path(file.stem)
    done = unpack_into(file, place)
    say(f"{place}  {len(done.manifest.files)} files")
