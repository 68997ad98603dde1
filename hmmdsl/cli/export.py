"""`hmmdsl export`: processes and networks for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from hmmdsl.cli.options import (
    ArgumentOption,
    settings_of,
)
from hmmdsl.exchange.exporting import export as export_process
from hmmdsl.files.door import say

command = typer.Typer(rich_markup_mode=None, add_completion=False)


@command.command(
    epilog="Examples: hmmdsl export std.processes.rrxor --format hmmlearn --out rrxor.npz; hmmdsl export runs/rrxor-… --to onnx"
)
def export(
    target: Annotated[
        str, typer.Argument(metavar="FILE|std.processes.NAME|RUN", help="a spec, a process of the library, or a run folder")
    ],
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="one process of the file, or one train of the run")] = None,
    form: Annotated[
        Literal["json", "npz", "dot", "hmmlearn"] | None, typer.Option("--format", help="as the file's name ends, else json")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="write here, not to stdout")] = None,
    settings: ArgumentOption = None,
    to: Annotated[
        Literal["transformer_lens", "safetensors", "onnx"] | None, typer.Option("--to", help="a run's network, for these")
    ] = None,
    step: Annotated[int | None, typer.Option("--step", min=0, help="with --to: which checkpoint; the last if not given")] = None,
) -> None:
    """Write a process for other programs (labelled matrices, Graphviz dot, hmmlearn's parameters), or a run's network."""
    if to is not None:
        from hmmdsl.exchange.network_export.writing import export_network

        say(export_network(Path(target), name, to, step, out), end="")
        return
    from hmmdsl.exchange.finding import find_process

    say(export_process(find_process(target, name, settings_of(settings))[1], form, out) or "", end="")
