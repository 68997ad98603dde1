"""Proving a run again: the same experiment, run anew, against what its folder says."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmmdsl.exchange.agreement import Comparison, Difference, Tolerances, compare, tolerances
from hmmdsl.exchange.packing.opening import is_pack, unpacked
from hmmdsl.exchange.reading import read
from hmmdsl.exchange.seed_spreads import by_seed, known_spreads, with_seeds
from hmmdsl.process.notation import number_text
from hmmdsl.runtime.asked import Asked, EngineChoice, Fusion
from hmmdsl.runtime.compute import Computed, compute
from hmmdsl.runtime.environment import differences, environment, place_words
from hmmdsl.runtime.failures import OutputError
from hmmdsl.runtime.log import RunLog
from hmmdsl.runtime.plan import make_plan
from hmmdsl.runtime.replication import REPLICATION, judged, replication_of
from hmmdsl.runtime.results_file import read_claims, read_object
from hmmdsl.runtime.run import all_results
from hmmdsl.runtime.stage import MEASURED, Cache, RunContext
from hmmdsl.runtime.store.store import Store
from hmmdsl.runtime.sweep.planning import plan_sweeps
from hmmdsl.schema.experiment import Verdict

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.runtime.stage import Progress


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
    place: str = "same machine"

    @property
    def holds(self) -> bool:
        """Whether every claim holds and every number agrees. On another machine numbers must be as close as seeds are, where that
        is known; others are only told, unless a tolerance was given."""
        return not self.deciding and all(verdict.holds for verdict in self.verdicts)

    @property
    def deciding(self) -> tuple[Difference, ...]:
        """The differences that fail the verification."""
        if self.comparison is None:
            return ()
        return self.comparison.beyond if self.asked or not self.changed else self.comparison.farther_than_seeds

    def line(self) -> str:
        """What became of the numbers, in a sentence."""
        found = self.comparison
        if found is None:
            return "no earlier run to compare numbers with"
        if not self.changed and found.agree and found.identical == found.count:
            return f"{self.place}: all {found.count:,} numbers identical to the bit"
        within = found.count - found.identical - len(found.beyond)
        told = f"of {found.count:,} numbers {found.identical:,} identical to the bit, {within:,} within tolerance"
        told = f"{told}, {len(found.beyond):,} beyond it"
        if not self.changed or not found.spread:
            return f"{self.place}: {told}"
        farther = len(found.farther_than_seeds)
        as_far = f"numbers as far apart as seeds are (at most {number_text(found.farthest or 0.0, 2)} spreads)"
        if farther:
            as_far = f"{farther:,} number{'s are' if farther > 1 else ' is'} farther apart than seeds are"
        return f"{self.place}: {as_far}; {told}"


@contextmanager
def compiled_for(target: Path, out: Path, seeds: tuple[int, ...] | None = None) -> Iterator[tuple[Compiled, Path | None]]:
    """The experiment to run again, and the folder of the earlier run if there is one: `target` is a run folder, a pack, or a spec
    whose run, with other `seeds` if some are given, is looked for in `out`. Raises OutputError and SpecError."""
    if seeds is not None and (target.is_dir() or is_pack(target)):
        raise OutputError(f"{target} has seeds of its own, and is run again with those: leave `--seeds` out")
    if target.is_dir():
        if not (target / "experiment.yaml").is_file() or not (target / "results.json").is_file():
            raise OutputError(f"{target} is no finished run: it has no experiment.yaml or no results.json")
        yield read(target / "experiment.yaml", max_points=sys.maxsize), target
    elif is_pack(target):
        with unpacked(target) as folder, compiled_for(folder, out) as found:
            yield found
    else:
        compiled = read(target, seeds=seeds)
        folder = out / make_plan(compiled.experiment).folder_name
        yield compiled, folder if (folder / "results.json").is_file() else None


def verify(
    compiled: Compiled,
    earlier: Path | None,
    progress: Progress,
    relative: float | None = None,
    absolute: float | None = None,
    large: bool = False,
) -> Verification:
    """Run every train and analysis again, judge every claim, and compare every number with the earlier run's, to the bit in the
    same environment and else within tolerances; those that are given count everywhere. Elsewhere a number whose spread over seeds
    the run tells may move by three of them: the spread is that of the numbers that are computed here.

    Nothing comes from the store or goes into it; only temporary files are written.
    Raises RunError, and OutputError if the earlier run can't be read or, unless it is `large`, the machine is too small.
    """
    before = read_object(earlier / "results.json") if earlier else None
    claims = read_claims(earlier / "claims.json") if earlier else ()
    about: Mapping[str, Any] = read_object(earlier / "environment.json") if earlier else {}
    points = plan_sweeps(compiled, Fusion.read(about.get("fusion")))  # decided as it was for the earlier run
    plan = make_plan(compiled.experiment)
    with tempfile.TemporaryDirectory(prefix="hmmdsl-verify-") as folder:
        everywhere = Asked(choice=EngineChoice(), large=large)
        context = RunContext(Cache(Store.private(Path(folder))), progress, RunLog(None), everywhere)
        try:
            computed = compute(compiled, plan, context, points, makes=MEASURED)
        finally:
            progress.close()
        verdicts = judged(compiled, computed)
        used = computed.kernels()
    held = {(each.label, each.claim): each.holds for each in claims}
    turned = tuple(v.claim for v in verdicts if held.get((v.label, v.claim), v.holds) != v.holds)
    asked = relative is not None or absolute is not None
    if earlier is None or before is None:
        return Verification(compiled.experiment.name, verdicts, turned, None, (), asked)
    threads = {name: train.threads for name, train in compiled.experiment.trains.items()}
    now = environment(computed.devices(), threads, used)
    changed = tuple(differences(about, now))
    comparison = _compared(compiled, computed, earlier, before, tolerances(bool(changed), relative, absolute), bool(changed))
    return Verification(compiled.experiment.name, verdicts, turned, comparison, changed, asked, place_words(about, now))


def _compared(
    compiled: Compiled, computed: Computed, earlier: Path, before: Mapping[str, Any], within: Tolerances, elsewhere: bool
) -> Comparison:
    """Every number of the earlier run beside that of now, those of each seed included; `elsewhere` by their spread over seeds."""
    axes = {name: sweep.axes for name, sweep in compiled.sweeps.items()}
    results = all_results(computed)
    replication = replication_of(compiled, computed)
    then: dict[int, dict[str, Any]] = {}
    seeds: dict[int, dict[str, Any]] = {}
    if replication is not None:
        then, seeds = by_seed(read_object(earlier / REPLICATION), axes), by_seed(replication.as_json(), axes)
    spread = known_spreads((before, then), (results, seeds), axes) if elsewhere else {}
    return compare(with_seeds(before, then), with_seeds(results, seeds), within, spread)
