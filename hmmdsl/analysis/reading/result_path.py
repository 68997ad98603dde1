"""A path to a group of results, as a `result` reference holds it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ResultPath:
    """`beliefs.block[3]` is `name` beliefs and `below` ("block[3]",)."""

    name: str
    below: tuple[str, ...]

    @staticmethod
    def of(text: str) -> ResultPath:
        """Read a path as written."""
        name, *below = text.replace(" ", "").split(".")
        return ResultPath(name, tuple(below))
