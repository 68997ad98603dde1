"""Records as plain data in which nothing is called by its name: a reference stands there as the hash of what it names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from hmmdsl.schema.base import Reference

if TYPE_CHECKING:
    from hmmdsl.schema.process import ProcessTable

_NAME = re.compile(r"[^.\[]*")

Resolve = Callable[[str, str], str | None]
"""From a reference's sort (`train`, `process`, …) and a name to the hash of what it names; None if it names nothing."""


def content_hash(content: Any) -> str:
    """SHA-256 of the canonical JSON of plain data, in hexadecimal digits."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return sha256(text.encode()).hexdigest()


def nameless(record: BaseModel, resolve: Resolve) -> dict[str, Any]:
    """A record's fields as plain data, each name in a reference field replaced by the hash of what it names; what stands behind
    the name (`beliefs.concat`) stays."""
    plain: dict[str, Any] = record.model_dump(mode="json")
    for name in type(record).model_fields:
        sorts = _references(type(record), name)
        value = getattr(record, name)
        if isinstance(value, BaseModel):
            plain[name] = nameless(value, resolve)
        elif isinstance(value, (tuple, list)):
            plain[name] = [
                nameless(item, resolve) if isinstance(item, BaseModel) else _replaced(given, sorts, resolve)
                for item, given in zip(value, plain[name], strict=True)
            ]
        elif sorts:
            plain[name] = _replaced(plain[name], sorts, resolve)
    return plain


def references(record: BaseModel) -> Iterator[tuple[str, str]]:
    """The sort and the name of everything that a record's reference fields may name."""
    for name in type(record).model_fields:
        sorts = _references(type(record), name)
        value = getattr(record, name)
        for item in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(item, BaseModel):
                yield from references(item)
            elif isinstance(item, str):
                yield from ((sort, _head(item, sort)) for sort in sorts)


def process_content(table: ProcessTable) -> Mapping[str, Any]:
    """A process without its own name."""
    plain: dict[str, Any] = table.model_dump(mode="json", exclude={"name"})
    return plain


def _replaced(value: Any, sorts: tuple[str, ...], resolve: Resolve) -> Any:
    if isinstance(value, list):
        return [_replaced(item, sorts, resolve) for item in value]
    if not isinstance(value, str):
        return value
    for sort in sorts:
        head = _head(value, sort)
        found = resolve(sort, head)
        if found is not None:
            return found + value[len(head) :]
    return value


def _head(path: str, sort: str) -> str:
    """The declaration's name in a path of results. A process' name may have dots of its own: `mess3(x=0.4)`."""
    if sort == "process":
        return path
    match = _NAME.match(path)
    return match[0] if match is not None else path


@cache
def _references(record: type[BaseModel], name: str) -> tuple[str, ...]:
    """The sorts of declarations that a field may name."""
    field = record.model_fields[name]
    found = [item.to for item in field.metadata if isinstance(item, Reference)]
    waiting: list[Any] = [field.annotation]
    while waiting:
        annotation = waiting.pop()
        found += [item.to for item in getattr(annotation, "__metadata__", ()) if isinstance(item, Reference)]
        waiting += get_args(annotation) if not hasattr(annotation, "__metadata__") else [annotation.__origin__]
    return tuple(dict.fromkeys("analysis" if to == "result" else to for to in found))
