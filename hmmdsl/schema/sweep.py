"""A sweep, resolved: its axes as they were written, and for each point the fields in which it differs from the experiment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from pydantic import Field, model_validator

from hmmdsl.schema.base import Record
from hmmdsl.schema.exact import exact_number
from hmmdsl.schema.process import ProcessTable

AxisValue: TypeAlias = bool | int | float | str
"""A value of an axis as plain data: a number as it is, an exact one that no decimal says as a fraction in text (`1/3`), anything
else as the language writes it (`mess3(0.05)`, `relu`)."""


class SweepAxis(Record):
    """One axis: a field or a param, or several that change together (`zip`)."""

    paths: tuple[str, ...] = Field(min_length=1, description="the field, as `net.d_model`, or the param; several if zipped")
    values: tuple[tuple[Any, ...], ...] = Field(min_length=1, description="for each place along the axis, the value of each path")

    @model_validator(mode="after")
    def _alike(self) -> SweepAxis:
        if any(len(place) != len(self.paths) for place in self.values):
            raise ValueError("each place of an axis has one value for each of its paths")
        return self

    @property
    def name(self) -> str:
        """The axis in words: its path, or its paths joined."""
        return " & ".join(self.paths)

    def place_text(self, place: int) -> str:
        """A place along the axis: `net.d_model = 8`."""
        return ", ".join(f"{path} = {value_text(value)}" for path, value in zip(self.paths, self.values[place], strict=True))


class SweepPoint(Record):
    """One point: its place along each axis, and what it changes."""

    at: tuple[int, ...] = Field(description="the place along each axis")
    params: dict[str, Any] = Field(default_factory=dict, description="params that have another value here")
    changes: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="by model, train or analysis, the fields that have another value here"
    )


class Sweep(Record):
    """The experiment at every point of a product of axes, the last axis fastest."""

    axes: tuple[SweepAxis, ...] = Field(min_length=1, description="the axes")
    processes: dict[str, ProcessTable] = Field(default_factory=dict, description="processes that only points use")
    points: tuple[SweepPoint, ...] = Field(description="every point, in order")

    @model_validator(mode="after")
    def _complete(self) -> Sweep:
        if [point.at for point in self.points] != list(places([len(axis.values) for axis in self.axes])):
            raise ValueError("the points of a sweep are the product of its axes, in order")
        return self


def places(lengths: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The places of a product of axes in order, the last fastest.

    >>> list(places([2, 2]))
    [(0, 0), (0, 1), (1, 0), (1, 1)]
    """
    if not lengths:
        yield ()
        return
    for first in range(lengths[0]):
        for rest in places(lengths[1:]):
            yield (first, *rest)


def is_seed(axis: SweepAxis) -> bool:
    """Whether an axis only repeats the experiment with other random numbers."""
    return all(path.rpartition(".")[2] == "seed" for path in axis.paths)


def seed_axis(axes: Sequence[SweepAxis]) -> int | None:
    """The one axis of several seeds. None where there is none, or where there are two: their runs share seeds, and are not
    independent."""
    found = [k for k, axis in enumerate(axes) if is_seed(axis) and len(axis.values) > 1]
    return found[0] if len(found) == 1 else None


def over_seeds(axes: Sequence[SweepAxis]) -> bool:
    """Whether a sweep repeats the experiment with several seeds itself."""
    return any(is_seed(axis) and len(axis.values) > 1 for axis in axes)


def value_text(value: AxisValue) -> str:
    """An axis' value as the language writes it.

    >>> value_text(True), value_text(0.05), value_text("1/3"), value_text(8)
    ('true', '0.05', '1/3', '8')
    """
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def cell(value: AxisValue) -> AxisValue:
    """An axis' value as a table holds it: fractions become floats.

    >>> cell("1/4"), cell("relu"), cell(3)
    (0.25, 'relu', 3)
    """
    if isinstance(value, str):
        exact = exact_number(value)
        if exact is not None:
            with suppress(OverflowError):
                return float(exact)
    return value
