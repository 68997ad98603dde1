"""results.json: every number under the name that claims call it by. No times; the same numbers give the same bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hmmdsl.files.json_file import LARGEST
from hmmdsl.files.json_file import read_json as read_json_file
from hmmdsl.files.plain import read_plain
from hmmdsl.files.writing import write_whole
from hmmdsl.runtime.failures import OutputError
from hmmdsl.schema.experiment import Verdict

_VERDICTS = TypeAdapter(tuple[Verdict, ...])


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


def read_json(path: Path, most: int = LARGEST) -> Any:
    """Read a run's file, or any other of at most so many bytes. Raises OutputError if it is not there, is no plain file or no
    JSON, or is nested too deep."""
    try:
        return read_json_file(path, most)
    except OSError as error:
        raise OutputError(f"{path} can't be read: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:
        raise OutputError(f"{path} is not valid JSON: {error}") from error


def read_object(path: Path) -> dict[str, Any]:
    """The same of a file that holds things by name, as results.json and environment.json do."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise OutputError(f"{path} holds nothing by name: it is not what a run writes; get the run anew, or run its spec again")
    return found


def read_claims(path: Path) -> tuple[Verdict, ...]:
    """What became of each claim, from claims.json. Raises OutputError."""
    found = read_json(path)
    try:
        return _VERDICTS.validate_python(found)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise OutputError(f"{path} holds no claims of a run ({where}: {first['msg'].lower()}): run its spec again") from None


def read_text(path: Path, most: int = LARGEST) -> str:
    """The text of a run's file. Raises OutputError if it is not there, is no plain file or not UTF-8."""
    try:
        return read_plain(path, most).decode()
    except OSError as error:
        raise OutputError(f"{path} can't be read: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise OutputError(f"{path} is not UTF-8 at byte {error.start}: get the run anew, or run its spec again") from None


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
