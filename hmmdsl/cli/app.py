"""The program `hmmdsl`: it begins here, and finds the command that is asked for."""

from __future__ import annotations

import gc
import os
from typing import Annotated

import typer

from hmmdsl.cli.group import Commands, end_of
from hmmdsl.files.door import say
from hmmdsl.files.streams import fill_standard_streams
from hmmdsl.version import __version__

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="A declarative language for experiments on what sequence models learn.",
    epilog="Exit codes: 0 good, 1 an expectation failed, 2 the spec is wrong, 3 the run failed, 130 interrupted.",
)


def main() -> None:
    """The console script."""
    # A compiler makes many small objects and hardly a cycle: with the usual threshold a fifth of `check` goes into looking.
    gc.set_threshold(100_000, 20, 20)
    # Plugins of pydantic are for services that log every validation; looking for some among all installed packages takes .05 s.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    fill_standard_streams()
    end_of(app)


@app.callback(invoke_without_command=True)
def hmmdsl(version: Annotated[bool, typer.Option("--version", help="print the version")] = False) -> None:
    if version:
        say(f"hmmdsl {__version__}")
        raise typer.Exit
