"""What is compared: a run's results, or those of points of its sweeps, read from the run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmmdsl.exchange.reading import read
from hmmdsl.language.sweeps.compiled import CompiledSweep, point_words
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.replication import REPLICATION
from hmmdsl.runtime.results_file import numbers, read_json, read_object, read_text
from hmmdsl.schema.sweep import seed_axis, value_text


@dataclass(frozen=True)
class Column:
    """Results by path under a name."""

    name: str
    numbers: Mapping[str, float | None]


def columns_of(target: str) -> list[Column]:
    """The columns that a target names: `RUN` is one, `RUN:SWEEP` one for each point, `RUN:SWEEP:3` the point of that number,
    counted from 0. Raises OutputError if there is no such run, sweep or point."""
    folder, sweep, number = _parts(target)
    results = _results(folder)
    swept = _sweeps(folder)
    if sweep is None:
        return [Column(folder.name, dict(numbers({name: each for name, each in results.items() if name not in swept})))]
    if sweep not in swept:
        known = f"it has {', '.join(swept)}" if swept else "it has none"
        raise OutputError(f"{folder} has no sweep {sweep}: {known}")
    points = swept[sweep].points
    if number is not None and not 0 <= number < len(points):
        raise OutputError(f"the sweep {sweep} has {len(points):,} points, counted from 0: there is no point {number}")
    wanted = range(len(points)) if number is None else [number]
    return [_point(f"{sweep}:{k}", points[k].at, results[sweep]) for k in wanted]


@dataclass(frozen=True)
class SeedColumns:
    """One setting of a sweep: results by path of each seed, told by the seed's values."""

    name: str
    runs: Mapping[str, Column]


def seed_columns_of(target: str) -> list[SeedColumns]:
    """A column for each setting of the sweep that a target names, `RUN:SWEEP`, or for the run `RUN` itself, with the seeds that
    it was replicated with. Raises OutputError if there is no such sweep, or there are no seeds."""
    folder, sweep, number = _parts(target)
    if sweep is None and (folder / REPLICATION).is_file():
        found = read_json(folder / REPLICATION)
        runs = {str(seed): _point(str(seed), (k,), found["results"]) for k, seed in enumerate(found["seeds"])}
        return [SeedColumns(folder.name, runs)]
    swept = _sweeps(folder)
    if sweep is None or number is not None or sweep not in swept:
        known = (
            f"write {', '.join(f'{folder}:{name}' for name in swept)}"
            if swept
            else f"{folder} has no sweep and was run with one seed: `hmmdsl run … --seeds 8`"
        )
        raise OutputError(f"over seeds whole sweeps are compared, or runs with several seeds, and {target} is none: {known}")
    compiled = swept[sweep]
    over = seed_axis(compiled.axes)
    if over is None:
        raise OutputError(f"the sweep {sweep} has no axis of several seeds, or more than one: there are no means to compare")
    axes = (*compiled.axes[:over], *compiled.axes[over + 1 :])
    settings: dict[str, dict[str, Column]] = {}
    for k, point in enumerate(compiled.points):
        setting = point_words(axes, (*point.at[:over], *point.at[over + 1 :])) or sweep
        seed = ", ".join(value_text(value) for value in compiled.axes[over].values[point.at[over]])
        settings.setdefault(setting, {})[seed] = _point(f"{sweep}:{k}", point.at, _results(folder)[sweep])
    return [SeedColumns(name, runs) for name, runs in settings.items()]


def _parts(target: str) -> tuple[Path, str | None, int | None]:
    """The folder, and the sweep and the point's number if they are given."""
    if Path(target).is_dir():
        return Path(target), None, None
    folder, _, rest = target.rpartition(":")
    if folder and Path(folder).is_dir():
        return Path(folder), rest, None
    head, _, sweep = folder.rpartition(":")
    if head and Path(head).is_dir() and rest.isdecimal():
        return Path(head), sweep, int(rest)
    raise OutputError(f"{target} is no run folder: give one, such as runs/rrxor-…, or RUN:SWEEP:NUMBER for a point of a sweep")


def _results(folder: Path) -> Mapping[str, Any]:
    if not (folder / "results.json").is_file():
        raise OutputError(f"{folder} is no finished run: it has no results.json")
    return read_object(folder / "results.json")


def _sweeps(folder: Path) -> Mapping[str, CompiledSweep]:
    """The sweeps of the run's experiment."""
    if not (folder / "experiment.yaml").is_file():
        return {}
    if "\nsweeps: {}" in read_text(folder / "experiment.yaml"):
        return {}
    return read(folder / "experiment.yaml", max_points=10**9).sweeps


def _point(name: str, at: Sequence[int], arrays: Any) -> Column:
    return Column(name, dict(numbers(taken_point(arrays, at))))


def taken_point(arrays: Any, at: Sequence[int]) -> Any:
    """One point of arrays over axes. A list that stands for a series is told from one over axes by its depth: the axes are the
    innermost."""
    if isinstance(arrays, Mapping):
        return {name: taken_point(member, at) for name, member in arrays.items()}
    depth, inner = 0, arrays
    while isinstance(inner, list) and inner:
        depth, inner = depth + 1, inner[0]
    if isinstance(inner, Mapping) or depth > len(at):
        return [taken_point(member, at) for member in arrays]
    for place in at:
        arrays = arrays[place]
    return arrays
