"""Proving a run again: the same experiment, run anew, against what its folder says."""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.runtime.compute import compute
from hmmdsl.runtime.environment import differences, environment
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.log import RunLog
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.reading import read
from hmmdsl.runtime.results_file import numbers, read_json
from hmmdsl.runtime.run import all_results, judged
from hmmdsl.runtime.store.store import Store
from hmmdsl.runtime.sweep.planning import plan_sweeps
from hmmdsl.runtime.sweep.running import run_sweeps
from hmmdsl.spec.experiment import Verdict

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.runtime.progress import Progress

RELATIVE = 1e-6
"""Two numbers agree if they differ by no more than this share of the larger …"""

ABSOLUTE = 1e-9
"""… or by no more than this."""


@dataclass(frozen=True)
class Difference:
    """A number that came out otherwise; None where it is undefined or missing."""

    path: str
    before: float | None
    now: float | None


@dataclass(frozen=True)
class Comparison:
    """All numbers of two results: how many there are, how many agree to the bit, and those beyond the tolerance."""

    count: int
    identical: int
    beyond: tuple[Difference, ...]

    @property
    def agree(self) -> bool:
        return not self.beyond


@dataclass(frozen=True)
class Verification:
    """What running again showed. `comparison` is None where there was no earlier run to compare with; `changed` says in words how
    this machine and its versions differ from the run's."""

    name: str
    verdicts: tuple[Verdict, ...]
    turned: tuple[str, ...]
    comparison: Comparison | None
    changed: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether every claim holds and, where versions and machine are the same, every number agrees."""
        same = self.comparison is None or self.comparison.agree or bool(self.changed)
        return same and all(verdict.holds for verdict in self.verdicts)


def close(before: float | None, now: float | None, relative: float, absolute: float) -> bool:
    """Whether two numbers agree within a tolerance; undefined agrees with undefined only."""
    if before is None or now is None:
        return before is now
    return math.isclose(before, now, rel_tol=relative, abs_tol=absolute)


def compare(before: Any, now: Any, relative: float = RELATIVE, absolute: float = ABSOLUTE) -> Comparison:
    """Compare two nested results number by number; one that only one of them has is a difference."""
    old, new = dict(numbers(before)), dict(numbers(now))
    paths = list(dict.fromkeys([*old, *new]))
    shared = [path for path in paths if path in old and path in new]
    beyond = [
        Difference(path, old.get(path), new.get(path))
        for path in paths
        if path not in old or path not in new or not close(old[path], new[path], relative, absolute)
    ]
    return Comparison(len(paths), sum(old[path] == new[path] for path in shared), tuple(beyond))


def compiled_for(target: Path, out: Path) -> tuple[Compiled, Path | None]:
    """The experiment to run again, and the folder of the earlier run if there is one: `target` is a run folder, or a spec whose
    run is looked for in `out`. Raises OutputError and SpecError."""
    if target.is_dir():
        if not (target / "experiment.yaml").is_file() or not (target / "results.json").is_file():
            raise OutputError(f"{target} is no finished run: it has no experiment.yaml or no results.json")
        return read(target / "experiment.yaml", max_points=sys.maxsize), target
    compiled = read(target)
    folder = out / make_plan(compiled.experiment).folder_name
    return compiled, folder if (folder / "results.json").is_file() else None


def verify(
    compiled: Compiled, earlier: Path | None, progress: Progress, relative: float = RELATIVE, absolute: float = ABSOLUTE
) -> Verification:
    """Run every train and analysis again, judge every claim, and compare every number with the earlier run's.

    Nothing comes from the store or goes into it; only temporary files are written.
    Raises RunError, and OutputError if the earlier run can't be read.
    """
    before = read_json(earlier / "results.json") if earlier else None
    claims: list[Mapping[str, Any]] = read_json(earlier / "claims.json") if earlier else []
    plan = make_plan(compiled.experiment)
    with tempfile.TemporaryDirectory(prefix="hmmdsl-verify-") as folder:
        progress.begin(plan)
        try:
            store = Store.private(Path(folder))
            computed = compute(compiled, plan, store, progress, RunLog(None), kinds=("train", "analysis"))
            sweeps = run_sweeps(compiled, plan_sweeps(compiled), computed.shelf, progress, RunLog(None))
        finally:
            progress.close()
    verdicts = judged(compiled, computed, sweeps)
    held = {str(each["claim"]): bool(each["holds"]) for each in claims}
    turned = tuple(v.claim for v in verdicts if v.claim in held and held[v.claim] != v.holds)
    changed: tuple[str, ...] = ()
    if earlier:
        now = environment(
            devices=computed.devices,
            threads={name: train.threads for name, train in compiled.experiment.trains.items()},
        )
        changed = tuple(differences(read_json(earlier / "environment.json"), now))
    comparison = compare(before, all_results(computed, sweeps), relative, absolute) if earlier else None
    return Verification(compiled.experiment.name, verdicts, turned, comparison, changed)
