"""What a run found with each of its seeds: the verdict on every claim, and every number as an array over the seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hmmdsl.language.claims.counting import counted
from hmmdsl.language.claims.judging import ResolvedClaim
from hmmdsl.language.claims.resolution import judge
from hmmdsl.runtime.sweep.arrays import arrays
from hmmdsl.runtime.sweep.running import MemberOutcome, PointOutcome
from hmmdsl.schema.sweep import over_seeds

if TYPE_CHECKING:
    from hmmdsl.language.compiled import Compiled
    from hmmdsl.runtime.compute import Computed
    from hmmdsl.schema.experiment import Verdict

REPLICATION = "replication.json"
"""The file of a run folder with every number by seed."""


@dataclass(frozen=True)
class Replication:
    """The experiment with each of its seeds, in their order."""

    members: tuple[MemberOutcome, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(member.seed for member in self.members)

    @property
    def failed(self) -> tuple[tuple[int, str], ...]:
        """The seeds with which the experiment itself has no results, and why."""
        return tuple((member.seed, member.own.failure) for member in self.members if member.own.failure)

    def as_json(self) -> dict[str, Any]:
        """The seeds; nested as results.json, a list over them in the place of each number; and the same of each sweep that they
        repeat, whose arrays have the seeds as their first axis."""
        lengths = [len(self.members)]
        own = arrays([member.own.results if not member.own.failure else None for member in self.members], lengths)
        swept = {}
        for name, outcome in self.members[0].sweeps.items():
            points = [
                each.results if not each.failure else None for member in self.members for each in member.sweeps[name].outcomes
            ]
            swept[name] = arrays(points, [*lengths, *(len(axis.values) for axis in outcome.sweep.axes)])
        return {"seeds": list(self.seeds), "results": own, "sweeps": swept}


def replication_of(compiled: Compiled, computed: Computed) -> Replication | None:
    """The outcomes with every seed, the run's own among them if 0 is one; None where it was run with its own alone."""
    replicate = compiled.experiment.replicate
    if replicate is None:
        return None
    repeated = {name: outcome for name, outcome in computed.sweeps.items() if not over_seeds(outcome.sweep.axes)}
    known = {member.seed: member for member in computed.members}
    known[0] = MemberOutcome(0, PointOutcome(computed.results), repeated)
    return Replication(tuple(known[seed] for seed in replicate.seeds))


def judged(compiled: Compiled, computed: Computed) -> tuple[Verdict, ...]:
    """What became of each claim: judged once, and with each seed where that changes what it reads."""
    sweeps = {name: outcome.as_results() for name, outcome in computed.sweeps.items()}
    results: Mapping[str, object] = {**computed.results, **sweeps}
    replication = replication_of(compiled, computed)
    verdicts = []
    for claim in compiled.claims:
        once = judge(claim, results)
        if replication is not None and claim.reseeded:
            found = {member.seed: _results_of(member, sweeps) for member in replication.members}
            by_seed = {member.seed: _with(claim, member, found[member.seed]) for member in replication.members}
            once = counted(claim, once, by_seed, found)
        verdicts.append(once)
    return tuple(verdicts)


def _results_of(member: MemberOutcome, sweeps: Mapping[str, object]) -> Mapping[str, object]:
    """What claims read with one seed: its own results, those of the sweeps that it repeats, and of the others as they are."""
    return {**sweeps, **member.own.results, **{name: outcome.as_results() for name, outcome in member.sweeps.items()}}


def _with(claim: ResolvedClaim, member: MemberOutcome, results: Mapping[str, object]) -> Verdict:
    """The verdict with one seed; where the experiment failed with it, that is why."""
    verdict = judge(claim, results)
    if member.own.failure and not verdict.holds:
        return verdict.model_copy(update={"reason": member.own.failure})
    return verdict
