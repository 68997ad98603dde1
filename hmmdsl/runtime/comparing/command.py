"""The command `hmmdsl compare`."""

from __future__ import annotations

from typing import Annotated

import typer


def compare(
    targets: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="run folders; of a sweep RUN:SWEEP for its points, RUN:SWEEP:3 for one of them"),
    ],
    only: Annotated[str | None, typer.Option("--only", metavar="TEXT", help="results whose path has this text")] = None,
    every: Annotated[bool, typer.Option("--all", help="also results that are the same everywhere")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON, for programs")] = False,
) -> None:
    """Put the results of runs, or of points of a sweep, side by side, with their differences from the first."""
    from hmmdsl.runtime.comparing.columns import columns_of
    from hmmdsl.runtime.comparing.side_by_side import compared, comparison_json, print_comparison

    columns = [column for target in targets for column in columns_of(target)]
    rows = compared(columns, only or "", every)
    if as_json:
        print(comparison_json(columns, rows))
    else:
        print_comparison(columns, rows)
