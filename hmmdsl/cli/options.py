"""Options that several commands have, and how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from hmmdsl.files.door import json_text, say
from hmmdsl.runtime.asked import EngineChoice, EngineName
from hmmdsl.runtime.failures import OutputError

SpecArgument = Annotated[Path, typer.Argument(metavar="FILE", help="a .hmm spec, a run's experiment.yaml, or a pack")]
ProcessArgument = Annotated[
    str, typer.Argument(metavar="FILE|std.processes.NAME", help="a spec, a process of the library, or a call")
]
NameArgument = Annotated[str | None, typer.Argument(metavar="NAME", help="one process of the file")]
SpecsArgument = Annotated[list[Path], typer.Argument(metavar="FILE...", help="specs")]
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON, for programs")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="no progress; only the summary")]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="folder of runs")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="override a field or a param; repeatable")
]
ArgumentOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="an argument of the process, or a param; repeatable")
]
StoreOption = Annotated[
    str | None, typer.Option("--store", metavar="DIR|URL", help="where results are kept; else $HMMDSL_STORE or the cache folder")
]
NoStoreOption = Annotated[bool, typer.Option("--no-store", help="compute everything, keep nothing but the run folder")]
ForceOption = Annotated[bool, typer.Option("--force", "--recompute", help="compute everything again, and store that")]
TrackOption = Annotated[
    list[str] | None,
    typer.Option("--track", metavar="TOOL[:PLACE]", help="also to tensorboard[:DIR] or mlflow[:DIR|URI]; repeatable"),
]
ProfileOption = Annotated[str | None, typer.Option("--profile", metavar="P", help="apply a `profile` of the spec")]
PointsOption = Annotated[int, typer.Option("--max-points", metavar="N", min=1, help="points that one sweep may have")]
FuseOption = Annotated[
    bool | None,
    typer.Option("--fuse/--no-fuse", help="train a sweep's runs that are alike as one batch, or never; else where it pays"),
]
LargeOption = Annotated[bool, typer.Option("--allow-large", help="run what seems to need more memory or disk than there is")]
DeviceOption = Annotated[Literal["auto", "cpu", "cuda", "mps"] | None, typer.Option("--device", help="train on this device")]


def settings_of(given: list[str] | None) -> dict[str, str]:
    settings: dict[str, str] = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise OutputError(f"`--set {text}` is not NAME=VALUE: write it like `--set fit.steps=50`")
        settings[name.strip()] = value.strip()
    return settings


def print_json(content: Any) -> None:
    """Print it; characters that a terminal would obey or hide are escaped, and mean the same to a program."""
    say(json_text(content))


EngineOption = Annotated[Literal["local", "ray", "slurm"], typer.Option("--engine", help="where stages are made")]


WorkersOption = Annotated[
    int | None, typer.Option("--workers", metavar="N", min=1, help="stages side by side on this machine; else as many as pay")
]


AddressOption = Annotated[
    str | None, typer.Option("--address", metavar="HOST:PORT", help="with --engine ray: the cluster; else one on this machine")
]


EngineOptions = Annotated[
    list[str] | None, typer.Option("--engine-option", metavar="KEY=VALUE", help="an option of the engine; repeatable")
]


def engine_choice(name: EngineName, workers: int | None, address: str | None, given: list[str] | None) -> EngineChoice:
    """What the options say. Raises OutputError if one is not KEY=VALUE."""
    options = {}
    for text in given or []:
        key, equals, value = text.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise OutputError(f"`--engine-option {text}` is not KEY=VALUE: write it like `--engine-option partition=short`")
        options[key.strip()] = value.strip()
    return EngineChoice(name, workers, address, options)


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
