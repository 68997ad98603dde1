"""The values that claims compute with: single numbers, lists of them for each `[..]`, and arrays over the axes of a sweep.

An array over axes is told by its axes, not by their order: two arrays go together along the axes that they share, and each is
repeated along those that only the other has. A cell of a point that failed raises when it is used, and not before, so that a
claim about other points still holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

from hmmdsl.schema.sweep import SweepAxis, places

Single: TypeAlias = Fraction | float | bool

Cell: TypeAlias = "Single | tuple[Cell, ...]"
"""A value, or nested tuples of values, one level for each `[..]`."""


class UndefinedError(Exception):
    """A part of a claim has no value: a result is undefined, or an operation has none at these numbers."""


@dataclass(frozen=True)
class FailedCell:
    """A point without a result, and why."""

    reason: str


@dataclass(frozen=True)
class Dimension:
    """One axis of one sweep."""

    sweep: str
    number: int
    axis: SweepAxis = field(compare=False)

    def __len__(self) -> int:
        return len(self.axis.values)


@dataclass(frozen=True)
class Swept:
    """One cell for each place of the product of `dimensions`, the last fastest."""

    dimensions: tuple[Dimension, ...]
    cells: tuple[Cell | FailedCell, ...]

    def at(self, chosen: Mapping[Dimension, int]) -> Cell:
        """The cell at a place, which must be chosen along every dimension. Raises UndefinedError where the point failed."""
        index = 0
        for dimension in self.dimensions:
            index = index * len(dimension) + chosen[dimension]
        cell = self.cells[index]
        if isinstance(cell, FailedCell):
            raise UndefinedError(cell.reason)
        return cell


Measured: TypeAlias = "Single | tuple[Cell, ...] | Swept"


@dataclass(frozen=True)
class SweepResults:
    """The results of a sweep as claims read them: its axes, and for each point in order its results, nested as results.json, or
    in words why it has none."""

    axes: tuple[SweepAxis, ...]
    points: Sequence[Mapping[str, Any] | str]

    def without(self, number: int, gone: Collection[int]) -> SweepResults:
        """The same without these places along one axis."""
        axis = self.axes[number]
        fewer = axis.model_copy(update={"values": tuple(each for k, each in enumerate(axis.values) if k not in gone)})
        at = places([len(axis.values) for axis in self.axes])
        left = [point for place, point in zip(at, self.points, strict=True) if place[number] not in gone]
        return SweepResults((*self.axes[:number], fewer, *self.axes[number + 1 :]), left)


def each(compute: Callable[..., Single], *values: Measured) -> Measured:
    """Elementwise: single values go with every element, arrays along the axes that they share. Raises UndefinedError if lists
    differ in length, or where a point failed."""
    swept = [value for value in values if isinstance(value, Swept)]
    if not swept:
        single: Cell = _each_cell(compute, values)
        return single
    dimensions = tuple(dict.fromkeys(dimension for value in swept for dimension in value.dimensions))
    return Swept(
        dimensions,
        tuple(
            _each_cell(compute, [value.at(chosen) if isinstance(value, Swept) else value for value in values])
            for chosen in chosen_places(dimensions)
        ),
    )


def reduced(value: Swept, over: Sequence[Dimension], compute: Callable[[Sequence[Single]], Single]) -> Measured:
    """The array without the dimensions in `over`; `compute` makes one of the values along them, in order."""
    left = tuple(dimension for dimension in value.dimensions if dimension not in over)
    gone = tuple(dimension for dimension in value.dimensions if dimension in over)
    cells = tuple(
        _each_cell(lambda *along: compute(along), [value.at({**chosen, **inner}) for inner in chosen_places(gone)])
        for chosen in chosen_places(left)
    )
    return Swept(left, cells) if left else cells[0]


def taken(value: Swept, at: Mapping[Dimension, int]) -> Measured:
    """The slice at these places. Raises UndefinedError if one cell is left, and its point failed."""
    left = tuple(dimension for dimension in value.dimensions if dimension not in at)
    if not left:
        return value.at(at)
    strides = _strides(value.dimensions)
    return Swept(
        left,
        tuple(value.cells[sum(strides[d] * place for d, place in {**at, **chosen}.items())] for chosen in chosen_places(left)),
    )


def chosen_places(dimensions: Sequence[Dimension]) -> Iterator[dict[Dimension, int]]:
    """Every place of a product of dimensions, the last fastest."""
    for at in places([len(dimension) for dimension in dimensions]):
        yield dict(zip(dimensions, at, strict=True))


def place_words(chosen: Mapping[Dimension, int]) -> str:
    """A place in words: `net.d_model = 8, fit.seed = 0`."""
    return ", ".join(dimension.axis.place_text(place) for dimension, place in chosen.items())


def leaves(value: object) -> Iterator[Any]:
    """Every single value, in order. Raises UndefinedError where a point failed."""
    if isinstance(value, Swept):
        for chosen in chosen_places(value.dimensions):
            yield from leaves(value.at(chosen))
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def _strides(dimensions: Sequence[Dimension]) -> dict[Dimension, int]:
    strides: dict[Dimension, int] = {}
    step = 1
    for dimension in reversed(dimensions):
        strides[dimension] = step
        step *= len(dimension)
    return strides


def _each_cell(compute: Callable[..., Single], values: Sequence[Any]) -> Any:
    lengths = {len(value) for value in values if isinstance(value, tuple)}
    if not lengths:
        return compute(*values)
    if len(lengths) > 1:
        raise UndefinedError(f"lists of {' and '.join(str(n) for n in sorted(lengths))} results do not go together")
    return tuple(
        _each_cell(compute, [value[i] if isinstance(value, tuple) else value for value in values]) for i in range(lengths.pop())
    )
