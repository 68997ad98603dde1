"""Proving a run again: the same experiment, run anew, against what its folder says."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.runtime.agreement import Comparison, compare, tolerances
from hmmdsl.runtime.compute import compute
from hmmdsl.runtime.environment import differences, environment
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.log import RunLog
from hmmdsl.runtime.packing.opening import is_pack, unpacked
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.reading import read
from hmmdsl.runtime.replication import judged
from hmmdsl.runtime.results_file import read_json
from hmmdsl.runtime.run import all_results
from hmmdsl.runtime.store.store import Store
from hmmdsl.runtime.sweep.batching import Fusion
from hmmdsl.runtime.sweep.planning import plan_sweeps
from hmmdsl.spec.experiment import Verdict

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.runtime.progress import Progress


@dataclass(frozen=True)
class Verification:
    """What running again showed. `comparison` is None where there was no earlier run to compare with; `changed` says in words how
    this machine and its versions differ from the run's; `asked` whether a tolerance was given."""

    name: str
    verdicts: tuple[Verdict, ...]
    turned: tuple[str, ...]
    comparison: Comparison | None
    changed: tuple[str, ...]
    asked: bool = False

    @property
    def holds(self) -> bool:
        """Whether every claim holds and every number agrees; on another machine the claims decide, and its numbers are only told,
        unless a tolerance was given."""
        same = self.comparison is None or self.comparison.agree or (bool(self.changed) and not self.asked)
        return same and all(verdict.holds for verdict in self.verdicts)


@contextmanager
def compiled_for(target: Path, out: Path) -> Iterator[tuple[Compiled, Path | None]]:
    """The experiment to run again, and the folder of the earlier run if there is one: `target` is a run folder, a pack, or a spec
    whose run is looked for in `out`. Raises OutputError and SpecError."""
    if target.is_dir():
        if not (target / "experiment.yaml").is_file() or not (target / "results.json").is_file():
            raise OutputError(f"{target} is no finished run: it has no experiment.yaml or no results.json")
        yield read(target / "experiment.yaml", max_points=sys.maxsize), target
    elif is_pack(target):
        with unpacked(target) as folder, compiled_for(folder, out) as found:
            yield found
    else:
        compiled = read(target)
        folder = out / make_plan(compiled.experiment).folder_name
        yield compiled, folder if (folder / "results.json").is_file() else None


def verify(
    compiled: Compiled,
    earlier: Path | None,
    progress: Progress,
    relative: float | None = None,
    absolute: float | None = None,
) -> Verification:
    """Run every train and analysis again, judge every claim, and compare every number with the earlier run's, to the bit in the
    same environment and else within tolerances; those that are given count everywhere.

    Nothing comes from the store or goes into it; only temporary files are written.
    Raises RunError, and OutputError if the earlier run can't be read.
    """
    before = read_json(earlier / "results.json") if earlier else None
    claims: list[Mapping[str, Any]] = read_json(earlier / "claims.json") if earlier else []
    about: Mapping[str, Any] = read_json(earlier / "environment.json") if earlier else {}
    points = plan_sweeps(compiled, Fusion.read(about.get("fusion")))  # decided as it was for the earlier run
    plan = make_plan(compiled.experiment)
    with tempfile.TemporaryDirectory(prefix="hmmdsl-verify-") as folder:
        progress.begin(plan)
        try:
            store = Store.private(Path(folder))
            computed = compute(compiled, plan, store, progress, RunLog(None), kinds=("train", "analysis"), planned=points)
        finally:
            progress.close()
    verdicts = judged(compiled, computed)
    held = {str(each["claim"]): bool(each["holds"]) for each in claims}
    turned = tuple(v.claim for v in verdicts if v.claim in held and held[v.claim] != v.holds)
    changed: tuple[str, ...] = ()
    if earlier:
        now = environment(
            devices=computed.devices,
            threads={name: train.threads for name, train in compiled.experiment.trains.items()},
        )
        changed = tuple(differences(about, now))
    comparison = compare(before, all_results(computed), tolerances(bool(changed), relative, absolute)) if earlier else None
    asked = relative is not None or absolute is not None
    return Verification(compiled.experiment.name, verdicts, turned, comparison, changed, asked)
