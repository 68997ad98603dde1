"""`hmmdsl sample`: words of a process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from hmmdsl.cli.options import (
    ArgumentOption,
    NameArgument,
    ProcessArgument,
    settings_of,
)

command = typer.Typer(rich_markup_mode=None, add_completion=False)


@command.command(
    epilog="Examples: hmmdsl sample std.processes.rrxor --words 5; hmmdsl sample specs/mess3.hmm mess3 --out words.npz"
)
def sample(
    target: ProcessArgument,
    name: NameArgument = None,
    words: Annotated[int, typer.Option("--words", "-n", min=1, help="how many words")] = 10,
    length: Annotated[int, typer.Option("--length", "-l", min=1, help="tokens of each word")] = 20,
    seed: Annotated[int, typer.Option("--seed", min=0, help="the same seed gives the same words")] = 0,
    form: Annotated[
        Literal["txt", "npz", "parquet", "json"] | None, typer.Option("--format", help="as the file's name ends, else txt")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="write here, not to stdout")] = None,
    states: Annotated[bool, typer.Option("--states", help="the hidden states too, before each token and after the last")] = False,
    settings: ArgumentOption = None,
) -> None:
    """Draw words from a process, any number of them, in constant memory."""
    from hmmdsl.exchange.finding import find_process
    from hmmdsl.exchange.sample import Sample, sample_format, write_sample

    _, process = find_process(target, name, settings_of(settings))
    write_sample(Sample(process, words, length, seed, states), sample_format(form, out), out)
