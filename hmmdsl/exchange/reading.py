"""A spec or an experiment file, read and compiled with the kinds of analysis there are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hmmdsl.analysis import kinds
from hmmdsl.language.elaborate import compile_file
from hmmdsl.language.sweeps.limits import MAX_POINTS

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled


def read(
    path: Path,
    settings: Mapping[str, str] | None = None,
    profile: str | None = None,
    max_points: int = MAX_POINTS,
    seeds: tuple[int, ...] | None = None,
) -> Compiled:
    """Compile a `.hmm` spec, an `experiment.yaml`, or the spec of a pack.

    `settings` are `--set name=value` pairs, their values in the language; `max_points` limits each sweep; `seeds` stand for those
    of the spec. Raises SpecError with every message, and OutputError if a pack can't be trusted.
    """
    if path.suffix.lower() == ".hmmz":
        from hmmdsl.exchange.packing.opening import compile_pack

        return compile_pack(path, settings or {}, profile, max_points, seeds)
    if path.suffix in (".yaml", ".yml"):
        from hmmdsl.language.experiment_file import compile_experiment_file

        return compile_experiment_file(
            path, kinds(), settings=settings or {}, profile=profile, max_points=max_points, seeds=seeds
        )
    return compile_file(path, kinds(), settings=settings or {}, profile=profile, max_points=max_points, seeds=seeds)
