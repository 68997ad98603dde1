"""results.json: every number under the name that claims call it by. No times; the same numbers give the same bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hmmdsl.files.writing import write_whole
from hmmdsl.runtime.failures import OutputError


def plain(value: Any) -> Any:
    """Results as JSON can hold them: mappings, lists, floats, integers, booleans, text; NaN, infinities and undefined are None.

    numpy's numbers and arrays become Python's (they all have `tolist`).
    """
    match value:
        case None | bool() | str() | int():
            return value
        case float():
            return float(value) if math.isfinite(value) else None
        case Mapping():
            return {str(key): plain(member) for key, member in value.items()}
        case Sequence():
            return [plain(member) for member in value]
        case _ if hasattr(value, "tolist"):
            return plain(value.tolist())
    raise TypeError(f"results hold numbers by name, not {type(value).__name__}")


def write_json(path: Path, content: Any) -> None:
    """Write plain data as JSON: floats in their shortest exact form, keys in order of computation."""
    write_whole(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", durable=False)


def read_json(path: Path) -> Any:
    """Read a run's file. Raises OutputError if it is not there or is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OutputError(f"{path} can't be read: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:
        raise OutputError(f"{path} is not valid JSON: {error}") from error


def numbers(results: Any, path: str = "") -> Iterator[tuple[str, float | None]]:
    """Every number of nested results with its path, as claims write it: `beliefs.block[3].r2`."""
    for place, value in leaves(results, path):
        if value is None or isinstance(value, (int, float)):
            yield place, None if value is None else float(value)


def leaves(results: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in nested results that is neither a mapping nor a list, with its path."""
    if isinstance(results, Mapping):
        for name, member in results.items():
            yield from leaves(member, f"{path}.{name}" if path else str(name))
    elif isinstance(results, (list, tuple)):
        for i, member in enumerate(results):
            yield from leaves(member, f"{path}[{i}]")
    else:
        yield path, results
