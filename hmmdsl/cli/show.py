"""`hmmdsl show`: what processes are, and the phases of the compiler."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from hmmdsl.cli.options import (
    ArgumentOption,
    FuseOption,
    JsonOption,
    NoStoreOption,
    ProfileOption,
    SeedsOption,
    StoreOption,
    asked_seeds,
    print_json,
    settings_of,
)
from hmmdsl.files.door import say
from hmmdsl.runtime.asked import fusion_of

command = typer.Typer(rich_markup_mode=None, add_completion=False)


@command.command(epilog="Examples: hmmdsl show std.processes rrxor even; hmmdsl show 'std.processes.mess3(x = 0.1)'")
def show(
    targets: Annotated[
        list[str],
        typer.Argument(metavar="FILE|std.processes[.NAME] [NAME]...", help="specs or the library, and processes of each"),
    ],
    phase: Annotated[Literal["tree", "experiment", "plan"] | None, typer.Option("--phase", help="print a phase instead")] = None,
    settings: ArgumentOption = None,
    profile: ProfileOption = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="draw the process into this folder")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="write a page with everything")] = None,
    dot: Annotated[bool, typer.Option("--dot", help="print the plan as a Graphviz graph")] = False,
    effort: Annotated[float, typer.Option("--effort", metavar="N", min=0, help="take N times as long over a large process")] = 1,
    store: StoreOption = None,
    no_store: NoStoreOption = False,
    as_json: JsonOption = False,
    fuse: FuseOption = None,
    seeds: SeedsOption = None,
) -> None:
    """Tell what processes are, side by side if several are named, and draw them; or print a phase of the compiler."""
    if phase is not None:
        from hmmdsl.cli.phases import phase_text

        form: Literal["text", "json", "dot"] = "json" if as_json else "dot" if dot else "text"
        fusion = fusion_of(fuse)
        given = settings_of(settings), profile
        say(phase_text(Path(targets[0]), phase, *given, form, store, no_store, fusion, asked_seeds(seeds)))
        return
    from hmmdsl.exchange.portrait import draw, portraits, print_portraits, write_page
    from hmmdsl.runtime.environment import check_instructions

    check_instructions()
    found = portraits(targets, settings_of(settings), profile, effort)
    if as_json:
        named = len(found) == 1 or len(targets) > 1  # the numbers of a whole library are enough
        print_json(found[0].as_json(named) if len(found) == 1 else {each.name: each.as_json(named) for each in found})
    else:
        print_portraits(found, beside=len(targets) > 1)
    for path in draw(found, out) if out is not None else ():
        say(path, file=sys.stderr if as_json else sys.stdout)
    if html is not None:
        write_page(found, html)
        say(html, file=sys.stderr if as_json else sys.stdout)
