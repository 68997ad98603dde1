"""The options of `hmmdsl run` that choose an engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hmmdsl.runtime.failures import OutputError

if TYPE_CHECKING:
    from hmmdsl.runtime.asked import EngineChoice, EngineName

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
    from hmmdsl.runtime.asked import EngineChoice

    options = {}
    for text in given or []:
        key, equals, value = text.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise OutputError(f"`--engine-option {text}` is not KEY=VALUE: write it like `--engine-option partition=short`")
        options[key.strip()] = value.strip()
    return EngineChoice(name, workers, address, options)


def only_known(engine: str, options: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Raises OutputError for an option that an engine does not have; `known` says what each is."""
    for key in options:
        if key not in known:
            all_known = ", ".join(f"{name} ({what})" for name, what in known.items())
            raise OutputError(f"`--engine {engine}` has no option {key}: it has {all_known}")


def number(engine: str, options: Mapping[str, str], key: str, default: float) -> float:
    """An option that is a number. Raises OutputError if it is none, or negative."""
    text = options.get(key)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise OutputError(f"the option {key}={text} of `--engine {engine}` is not a number: write it like `{key}=1`")
    return value
