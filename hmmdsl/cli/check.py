"""`hmmdsl check`: every mistake of a spec, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from hmmdsl.cli.group import report
from hmmdsl.cli.options import (
    JsonOption,
    PointsOption,
    SeedsOption,
    SpecsArgument,
    asked_seeds,
    print_json,
)
from hmmdsl.exchange.reading import read
from hmmdsl.files.door import say
from hmmdsl.language.diagnostics import Diagnostic, SpecError
from hmmdsl.language.sweeps.limits import MAX_POINTS
from hmmdsl.process.allowance import OverspentError, theory_within
from hmmdsl.process.counting import count_histories
from hmmdsl.runtime.failures import ExitCode
from hmmdsl.runtime.lock import compare_lock
from hmmdsl.schema.base import AUTO_HISTORY_LIMIT

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled

command = typer.Typer(rich_markup_mode=None, add_completion=False)


@command.command(epilog="Example: hmmdsl check specs/*.hmm")
def check(
    files: SpecsArgument, as_json: JsonOption = False, max_points: PointsOption = MAX_POINTS, seeds: SeedsOption = None
) -> None:
    """Report every mistake in specs, at its place, with a cure, before anything runs."""
    asked = asked_seeds(seeds)
    checked = [check_file(path, max_points, asked) for path in files]
    if as_json:
        print_json([each.as_json() for each in checked])
    for each in checked if not as_json else ():
        report(each.diagnostics)
        if each.ok:
            say(each.line())
    raise typer.Exit(ExitCode.GOOD if all(each.ok for each in checked) else ExitCode.SPEC_WRONG)


@dataclass(frozen=True)
class Checked:
    """One checked file. `processes` are those that are trained on or read; in a file that runs nothing, all that it names.
    `histories` counts those of each train's process to its context; None where there are more than are enumerated by default;
    `sweeps` counts the points of each, `seeds` those of `replicate`; `locked` says how the claims stand to those that were
    locked, if any were. All counts are empty if the spec is wrong."""

    path: Path
    diagnostics: list[Diagnostic]
    processes: tuple[str, ...] = ()
    trains: tuple[str, ...] = ()
    analyses: tuple[str, ...] = ()
    claims: int = 0
    histories: Mapping[str, int | None] | None = None
    sweeps: Mapping[str, int] = field(default_factory=dict)
    seeds: int = 1
    locked: str = ""

    @property
    def ok(self) -> bool:
        return not any(diagnostic.severity == "error" for diagnostic in self.diagnostics)

    def line(self) -> str:
        """`ok: specs/rrxor.hmm: 1 process, 1 train on 1,046 histories, 3 analyses, 5 claims`."""
        parts = [_count(len(self.processes), "process", "processes")]
        counts = sorted({count for count in (self.histories or {}).values() if count is not None})
        trains = _count(len(self.trains), "train")
        parts.append(f"{trains} on {' and '.join(f'{count:,}' for count in counts)} histories" if counts else trains)
        parts += [_count(len(self.analyses), "analysis", "analyses"), _count(self.claims, "claim")]
        if self.sweeps:
            counted = f"{_count(len(self.sweeps), 'sweep')} of {' and '.join(f'{n:,}' for n in self.sweeps.values())} points"
            parts.insert(-1, counted)
        if self.seeds > 1:
            parts.append(f"each with {_count(self.seeds, 'seed')}")
        if self.locked:
            parts.append(self.locked)
        return f"ok: {self.path}: {', '.join(parts)}"

    def as_json(self) -> dict[str, Any]:
        """For programs: the same, with every message."""
        from hmmdsl.language.messages.render import as_json

        found: dict[str, Any] = {"file": str(self.path), "ok": self.ok, "diagnostics": [as_json(d) for d in self.diagnostics]}
        if self.ok:
            found |= {"processes": list(self.processes), "trains": list(self.trains), "analyses": list(self.analyses)}
            found |= {
                "sweeps": dict(self.sweeps),
                "seeds": self.seeds,
                "claims": self.claims,
                "histories": dict(self.histories or {}),
            }
        return found


def check_file(path: Path, max_points: int = MAX_POINTS, seeds: tuple[int, ...] | None = None) -> Checked:
    """Check one spec or experiment file, to be run with other `seeds` if some are given; nothing is run and nothing written."""
    try:
        compiled = read(path, max_points=max_points, seeds=seeds)
        lock = compare_lock(path, compiled)
    except SpecError as error:
        return Checked(path, error.diagnostics)
    experiment = compiled.experiment
    return Checked(
        path,
        compiled.diagnostics,
        processes=tuple(compiled.processes or compiled.declared),
        trains=tuple(experiment.trains),
        analyses=tuple(experiment.analyses),
        claims=len(compiled.claims),
        sweeps={name: len(sweep.points) for name, sweep in compiled.sweeps.items()},
        seeds=len(experiment.replicate.seeds) if experiment.replicate is not None else 1,
        locked="" if lock is None else f"claims {'as' if lock.same else 'not as'} {lock.since()}",
        histories=_histories(compiled),
    )


def _histories(compiled: Compiled) -> dict[str, int | None]:
    """How many histories each train's process has to the network's context; None too where counting all takes long."""
    found: dict[str, int | None] = dict.fromkeys(compiled.experiment.trains)
    with suppress(OverspentError), theory_within():
        for name, train in compiled.experiment.trains.items():
            model = compiled.experiment.models[train.model]
            counts = count_histories(compiled.processes[train.process], model.context, bos=model.bos)
            if counts.exact and counts.total <= AUTO_HISTORY_LIMIT:
                found[name] = counts.total
    return found


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
