"""A sweep of a finished run in Python: its axes, each point's results, and any result as an array over the axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hmmdsl.exchange.columns import taken_point
from hmmdsl.runtime.results_file import numbers
from hmmdsl.spec.confidence import Interval, interval
from hmmdsl.spec.replication import SEED
from hmmdsl.spec.sweep import AxisValue, SweepAxis, cell, places

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64


@dataclass(frozen=True)
class LoadedSweep:
    """One sweep. `results` is what results.json holds of it: nested like one point's results, an array over the axes in the place
    of each number."""

    name: str
    axes: tuple[SweepAxis, ...]
    results: Mapping[str, Any]

    def __repr__(self) -> str:
        lengths = " x ".join(f"{len(axis.values)} of {axis.name}" for axis in self.axes)
        return f"<sweep {self.name}: {lengths}>"

    def __len__(self) -> int:
        return len(self.places)

    @property
    def places(self) -> list[tuple[int, ...]]:
        """The place of each point along the axes, in order, the last axis fastest."""
        return list(places([len(axis.values) for axis in self.axes]))

    def settings(self, point: int) -> dict[str, AxisValue]:
        """What a point, told by its number, changes: its value of each path."""
        at = self.places[point]
        return {
            path: cell(value)
            for axis, place in zip(self.axes, at, strict=True)
            for path, value in zip(axis.paths, axis.values[place], strict=True)
        }

    def point(self, number: int) -> Mapping[str, Any]:
        """The results of one point, nested as those of a run; None in the place of what it lacks."""
        found: Mapping[str, Any] = taken_point(self.results, self.places[number])
        return found

    def array(self, path: str) -> Float64[np.ndarray, ...]:
        """One result, such as `fit.loss` or `beliefs.block[1].r2`, over the axes; NaN where a point has none.

        Raises KeyError if no point has such a result.
        """
        import numpy as np

        by_point = [dict(numbers(self.point(k))) for k in range(len(self))]
        if not any(path in one for one in by_point):
            there = dict.fromkeys(name for one in by_point for name in one)
            raise KeyError(f"the sweep {self.name} has no result {path!r}; there are {', '.join(there) or 'none'}")
        values = [np.nan if one.get(path) is None else one[path] for one in by_point]
        return np.array(values, dtype=np.float64).reshape([len(axis.values) for axis in self.axes])

    def over(self, path: str, axis: str, minus: str | None = None) -> dict[tuple[AxisValue, ...], Interval]:
        """The mean of a result over an axis of seeds with its confidence interval, by the values of the other axes; of the
        difference from the result `minus`, paired by seed, if one is named. Points without the result are left out.

        Raises KeyError if there is no such axis or result.
        """
        import numpy as np

        along = next((k for k, one in enumerate(self.axes) if axis in one.paths), None)
        if along is None:
            raise KeyError(f"the sweep {self.name} has no axis {axis!r}; there are {', '.join(one.name for one in self.axes)}")
        values = self.array(path) - (self.array(minus) if minus is not None else 0.0)
        rest = [one for k, one in enumerate(self.axes) if k != along]
        rows = np.moveaxis(values, along, -1).reshape(-1, values.shape[along])
        found = {}
        for at, row in zip(places([len(one.values) for one in rest]), rows, strict=True):
            known = [float(value) for value in row if np.isfinite(value)]
            if known:
                key = tuple(cell(value) for one, place in zip(rest, at, strict=True) for value in one.values[place])
                found[key] = interval(known)
        return found


@dataclass(frozen=True)
class LoadedSeeds(LoadedSweep):
    """The experiment with each seed that it was replicated with, as a sweep over `seed`; `sweeps` are those of its sweeps that
    the seeds repeat, with `seed` as their first axis."""

    sweeps: Mapping[str, LoadedSweep] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<{len(self)} seeds>"

    def spread(self, path: str) -> Interval:
        """The mean of a result over the seeds, its standard deviation, and its confidence interval.

        Raises KeyError if there is no such result.
        """
        return self.over(path, SEED)[()]


def loaded_seeds(seeds: Sequence[int], found: Mapping[str, Any], sweeps: Mapping[str, tuple[SweepAxis, ...]]) -> LoadedSeeds:
    """What replication.json holds, for these seeds; `sweeps` are the axes of the experiment's own."""
    axis = SweepAxis(paths=(SEED,), values=tuple((seed,) for seed in seeds))
    repeated = {name: LoadedSweep(name, (axis, *sweeps[name]), arrays) for name, arrays in found["sweeps"].items()}
    return LoadedSeeds("replicate", (axis,), found["results"], repeated)
