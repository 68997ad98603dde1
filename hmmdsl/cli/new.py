"""`hmmdsl new`: a starter spec."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from hmmdsl.files.door import say
from hmmdsl.files.writing import write_whole
from hmmdsl.runtime.failures import OutputError

command = typer.Typer(rich_markup_mode=None, add_completion=False)


@command.command(epilog="Example: hmmdsl new golden && hmmdsl run golden.hmm")
def new(name: Annotated[str, typer.Argument(metavar="NAME", help="the file to write is NAME.hmm")]) -> None:
    """Write a commented starter spec that runs in seconds."""
    path = write_starter(Path(name))
    say(f"wrote {path}; next: hmmdsl run {path}")


_TEMPLATE = "starter.hmm"


def write_starter(name: Path) -> Path:
    """Write the starter as `name.hmm` and return its path. Raises OutputError if that exists, or can't be written."""
    path = name if name.suffix == ".hmm" else name.with_name(name.name + ".hmm")
    if not re.fullmatch(r"[A-Za-z][\w-]*", path.stem):
        raise OutputError(f"{path.stem!r} is no name for a spec: begin with a letter, then letters, digits, _ and -")
    text = files("hmmdsl.cli").joinpath(_TEMPLATE).read_text(encoding="utf-8").replace("NAME", path.stem)
    try:
        write_whole(path, text, new=True)
    except FileExistsError:
        raise OutputError(f"{path} exists already: give another name") from None
    except OSError as error:
        raise OutputError(f"{path} can't be written ({(error.strerror or str(error)).lower()}): give another place") from error
    return path
