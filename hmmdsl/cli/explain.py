"""`hmmdsl explain`: what a message means."""

from __future__ import annotations

from typing import Annotated

import typer

from hmmdsl.cli.manual import explanation_text
from hmmdsl.files.door import say

command = typer.Typer(rich_markup_mode=None, add_completion=False)


@command.command(epilog="Example: hmmdsl explain E0301")
def explain(
    code: Annotated[str | None, typer.Argument(metavar="CODE", help="a message's code; all are listed without one")] = None,
) -> None:
    """Explain a message, with a wrong and a right example."""
    say(explanation_text(code))
