"""The options of `hmmdsl run` that choose an engine."""

from __future__ import annotations

from collections.abc import Mapping

from hmmdsl.runtime.failures import OutputError


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
