"""Which names a piece of the syntax tree mentions."""

from __future__ import annotations

from dataclasses import fields
from functools import cache

from hmmdsl.language import syntax


@cache
def _parts(sort: type[syntax.Node]) -> tuple[str, ...]:
    return tuple(part.name for part in fields(sort) if part.name != "span")


def mentions(*nodes: object) -> set[str]:
    """The names at the heads of all paths in these nodes, at any depth."""
    found: set[str] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend(node)
        elif isinstance(node, syntax.Node):
            if isinstance(node, syntax.Path):
                found.add(node.head.text)
                waiting.extend(node.segments)
            elif not isinstance(node, syntax.Name):
                waiting.extend(getattr(node, part) for part in _parts(type(node)))  # type: ignore[arg-type]
    return found
