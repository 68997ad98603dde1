"""Which names a piece of the syntax tree mentions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from functools import cache

from hmmdsl.language import syntax


@cache
def _parts(sort: type[syntax.Node]) -> tuple[str, ...]:
    return tuple(part.name for part in fields(sort) if part.name != "span")


def _heads(nodes: tuple[object, ...]) -> Iterator[str]:
    """The names at the heads of all paths in these nodes, at any depth."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend(node)
        elif isinstance(node, syntax.Path):
            yield node.head.text
            waiting.extend(node.segments)
        elif isinstance(node, syntax.Node) and not isinstance(node, syntax.Name):
            waiting.extend([getattr(node, part) for part in _parts(type(node))])  # type: ignore[arg-type]


def mentions(*nodes: object) -> set[str]:
    """The names that these nodes mention."""
    return set(_heads(nodes))


def unmentioned(names: Iterable[str], *nodes: object) -> set[str]:
    """Those of `names` that the nodes do not mention; looks no further than it must."""
    left = set(names)
    for head in _heads(nodes):
        left.discard(head)
        if not left:
            break
    return left
