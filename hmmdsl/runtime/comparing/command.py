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
    seeds: Annotated[
        bool,
        typer.Option(
            "--seeds",
            help="means over the seeds of RUN:SWEEP, or of RUN if it has several, with 95 % intervals, differences paired",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON, for programs")] = False,
) -> None:
    """Put the results of runs, or of points of a sweep, side by side, with their differences from the first."""
    from hmmdsl.runtime.comparing.columns import columns_of, seed_columns_of
    from hmmdsl.runtime.comparing.over_seeds import compared_over_seeds, print_seeds, seeds_json
    from hmmdsl.runtime.comparing.side_by_side import compared, comparison_json, print_comparison

    if seeds:
        settings = [setting for target in targets for setting in seed_columns_of(target)]
        means = compared_over_seeds(settings, only or "", every)
        if as_json:
            print(seeds_json(settings, means))
        else:
            print_seeds(settings, means)
        return
    columns = [column for target in targets for column in columns_of(target)]
    rows = compared(columns, only or "", every)
    if as_json:
        print(comparison_json(columns, rows))
    else:
        print_comparison(columns, rows)
