"""What can be wrong with the points that an analysis reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hmmdsl.analysis.options.points import AnyPoint, missing_block
from hmmdsl.analysis.options.regression_problems import repeated
from hmmdsl.spec.base import Problem, Record

if TYPE_CHECKING:
    from hmmdsl.spec.model import Transformer


def point_problems(at: AnyPoint | Sequence[AnyPoint], model: Transformer) -> Iterator[Problem]:
    """A problem for each block that the network lacks (E0821), and for each point that is named twice (E0822)."""
    for i, point in enumerate((at,) if isinstance(at, Record) else at):
        index = missing_block(point, model)
        if index is not None:
            yield Problem(
                ("at",) if isinstance(at, Record) else ("at", i),
                "E0821",
                f"the network has no block {index}: blocks are counted from 0, and it has {model.layers}",
                label=f"its last block is {model.layers - 1}",
                help=f"write an index {'from 0 to ' if model.layers > 1 else ''}{model.layers - 1}, or `blocks` for all of them",
            )
    if not isinstance(at, Record):
        yield from repeated("at", [point.kind if point.kind != "block" else f"block {point.index}" for point in at])
