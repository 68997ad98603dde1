"""How far every number of a run moves over seeds, as far as the run itself tells: from its replication, and from its sweeps over
seeds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hmmdsl.exchange.agreement import Spread
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.results_file import numbers
from hmmdsl.schema.confidence import interval
from hmmdsl.schema.sweep import SweepAxis, seed_axis

FEWEST = 3
"""Of fewer seeds the standard deviation says too little."""

Axes = Mapping[str, tuple[SweepAxis, ...]]
"""The axes of each sweep."""


def by_seed(replication: Mapping[str, Any], axes: Axes) -> dict[int, dict[str, Any]]:
    """What replication.json holds, for each seed nested as results.json, the sweeps that the seeds repeat included. Raises
    OutputError if it holds something else."""
    try:
        seeds, own, sweeps = replication["seeds"], replication["results"], replication["sweeps"]
        return {
            int(seed): {
                **taken(own, k, 1),
                **{name: taken(arrays, k, 1 + len(axes[name])) for name, arrays in sweeps.items()},
            }
            for k, seed in enumerate(seeds)
        }
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise OutputError(f"the numbers by seed are not those of the experiment ({error!r}): run its spec again") from error


def spreads(results: Mapping[str, Any], seeds: Mapping[int, Mapping[str, Any]], axes: Axes) -> dict[str, float]:
    """The standard deviation over seeds of every number of `results`, by its path, where there are seeds enough: over `seeds`, or
    over the axis of seeds of its own sweep."""
    values: dict[str, list[float]] = {}
    for found in seeds.values():
        for path, value in numbers(found):
            if value is not None:
                values.setdefault(path, []).append(value)
    for name, of in axes.items():
        along = seed_axis(of)
        if along is not None and name in results:
            for paths, along_seeds in _rows(results[name], name, len(of), along):
                known = [value for value in along_seeds if value is not None]
                values |= dict.fromkeys(paths, known)
    return {path: sd for path, known in values.items() if len(known) >= FEWEST and (sd := interval(known).sd) is not None}


def taken(arrays: Any, place: int, depth: int) -> Any:
    """One place along the first of `depth` axes, which are the innermost lists."""
    if isinstance(arrays, Mapping):
        return {name: taken(member, place, depth) for name, member in arrays.items()}
    if not _is_array(arrays, depth):
        return [taken(member, place, depth) for member in arrays] if isinstance(arrays, list) else arrays
    return arrays[place]


def _is_array(value: Any, depth: int) -> bool:
    """Whether nested lists are an array over so many axes, and no series of results, which may be empty."""
    for _ in range(depth):
        if not isinstance(value, list) or not value:
            return False
        value = value[0]
    return not isinstance(value, (list, Mapping))


def _rows(value: Any, path: str, depth: int, along: int) -> Iterator[tuple[list[str], list[float | None]]]:
    """The paths and values along one axis of every array in nested results."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _rows(member, f"{path}.{name}", depth, along)
    elif isinstance(value, list) and not _is_array(value, depth):
        for i, member in enumerate(value):
            yield from _rows(member, f"{path}[{i}]", depth, along)
    elif isinstance(value, list) and value:
        rows: dict[tuple[int, ...], tuple[list[str], list[float | None]]] = {}
        for at, item in _items(value, depth):
            paths, items = rows.setdefault((*at[:along], *at[along + 1 :]), ([], []))
            paths.append(path + "".join(f"[{i}]" for i in at))
            items.append(float(item) if isinstance(item, (int, float)) else None)
        yield from rows.values()


def _items(value: Any, depth: int) -> Iterator[tuple[tuple[int, ...], Any]]:
    if depth == 0:
        yield (), value
        return
    for i, item in enumerate(value):
        yield from (((i, *at), found) for at, found in _items(item, depth - 1))


def with_seeds(results: Mapping[str, Any], seeds: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """The results and those of each seed beside them, under a name of their own: `seed 3.fit.loss`."""
    return {**results, **{f"seed {seed}": found for seed, found in seeds.items()}}


def known_spreads(
    then: tuple[Mapping[str, Any], Mapping[int, Mapping[str, Any]]],
    now: tuple[Mapping[str, Any], Mapping[int, Mapping[str, Any]]],
    axes: Axes,
) -> dict[str, Spread]:
    """The spreads of the numbers of `with_seeds`, by their paths, from the results and the numbers by seed of both runs."""
    before, after = spreads(*then, axes), spreads(*now, axes)
    found: dict[str, Spread] = {}
    for path, sd in after.items():
        wide = max(sd, before.get(path, 0.0))
        if not wide:
            continue
        head = _HEAD.match(path)
        depth = len(axes.get(head[0] if head is not None else "", ()))
        place = "".join(_INDEX.findall(path)[-depth:]) if depth and head is not None else ""
        network = f"{head[0]}{place}" if place and head is not None else ""
        found[path] = Spread(sd or wide, wide, network)
        found |= {f"seed {seed}.{path}": Spread(sd or wide, wide, f"seed {seed}.{network}") for seed in now[1]}
    return found


_HEAD = re.compile(r"\w+")
_INDEX = re.compile(r"\[\d+\]")
