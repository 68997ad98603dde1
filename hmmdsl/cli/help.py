"""`hmmdsl help`: the fields of records."""

from __future__ import annotations

from typing import Annotated

import typer

from hmmdsl.cli.manual import kind_text, records_page
from hmmdsl.files.door import say

command = typer.Typer(rich_markup_mode=None, add_completion=False)


@command.command(name="help", epilog="Example: hmmdsl help transformer")
def help_(
    kind: Annotated[
        str | None,
        typer.Argument(metavar="KIND", help="a kind of record, `functions` or `facts`; none lists all kinds"),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="print the whole reference as a page of Markdown")] = False,
) -> None:
    """Tell the fields of a record: types, defaults, meaning."""
    say(records_page() if markdown else kind_text(kind), end="" if markdown else "\n")
