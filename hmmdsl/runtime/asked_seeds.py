"""`--seeds`: with how many seeds a spec is to be run, or with which."""

from __future__ import annotations

from typing import Annotated

import typer

from hmmdsl.runtime.failures import OutputError

SeedsOption = Annotated[
    str | None,
    typer.Option("--seeds", metavar="N", help="with so many seeds, or with these: 8, 0..8 or 0,3,5; claims are judged with each"),
]


def asked_seeds(text: str | None) -> tuple[int, ...] | None:
    """The seeds that it names; None where it is not given. Raises OutputError if it names none."""
    from hmmdsl.language.replication import seeds_of

    if text is None:
        return None
    try:
        return seeds_of(text)
    except ValueError as error:
        raise OutputError(str(error)) from None
