"""`hmmdsl import`: a process from another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hmmdsl.files.door import hand_on

command = typer.Typer(rich_markup_mode=None, add_completion=False)


@command.command(name="import", epilog="Example: hmmdsl import fitted.npz --out fitted.hmm")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON or npz: labelled matrices, or hmmlearn's parameters")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="write here, not to stdout")] = None,
) -> None:
    """Make a spec of a process from another program."""
    from hmmdsl.exchange.importing import imported, write_spec

    text = imported(file)
    if out is None:
        hand_on(text)
    else:
        write_spec(text, out)
