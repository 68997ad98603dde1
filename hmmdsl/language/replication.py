"""The experiment with other seeds: which seeds, which of its results they change, and what is checked of it.

Seed k is added to the seed of every train, so that 0 is the experiment itself and trains of different seeds stay different. A
sweep that ranges over several seeds is repeated already: it is run once, as declared, and so is what no train comes into.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import ValidationError

from hmmdsl.language.claims.judging import ResolvedClaim
from hmmdsl.language.diagnostics import Diagnostics
from hmmdsl.language.source import Span
from hmmdsl.language.sweeps.compiled import CompiledSweep
from hmmdsl.schema.experiment import Experiment
from hmmdsl.schema.replication import MOST_SEEDS, SEEDS, Replicate
from hmmdsl.schema.sweep import over_seeds

_COUNT = re.compile(r"\d{1,19}")
_RANGE = re.compile(r"(\d{1,19})\.\.(=?)(\d{1,19})")

SEEDS_EXAMPLES = "write how many, `--seeds 8`, or which: `--seeds 0..8`, `--seeds 0,3,5`"


@dataclass(frozen=True)
class Member:
    """The experiment with a seed added to those of its trains, and its sweeps that this repeats."""

    seed: int
    experiment: Experiment
    sweeps: Mapping[str, CompiledSweep]


def seeds_of(text: str) -> tuple[int, ...]:
    """The seeds that `--seeds` asks for: how many, a range, or a list. Raises ValueError with what is wrong and a cure.

    >>> seeds_of("3"), seeds_of("2..4"), seeds_of("2..=4"), seeds_of("0, 5")
    ((0, 1, 2), (2, 3), (2, 3, 4), (0, 5))
    """
    plain = text.replace(" ", "").replace("_", "")
    ranged = _RANGE.fullmatch(plain)
    if ranged is not None:
        start, stop = int(ranged[1]), int(ranged[3]) + bool(ranged[2])
    elif _COUNT.fullmatch(plain):
        start, stop = 0, int(plain)
    elif all(map(_COUNT.fullmatch, plain.split(","))):
        return _valid(tuple(map(int, plain.split(","))))
    else:
        raise ValueError(f"`--seeds {text}` names no seeds: {SEEDS_EXAMPLES}")
    if stop <= start:
        raise ValueError(f"`--seeds {text}` is no seed at all: one is the least")
    if stop - start > MOST_SEEDS:
        raise ValueError(f"`--seeds {text}` are {stop - start:,} seeds, and {MOST_SEEDS:,} are the most")
    return _valid(tuple(range(start, stop)))


def _valid(seeds: tuple[int, ...]) -> tuple[int, ...]:
    try:
        return Replicate(seeds=seeds).seeds
    except ValidationError as error:
        raise ValueError(f"`--seeds` takes seeds below 2^63, each once: {error.errors(include_url=False)[0]['msg']}") from error


def replicate_of(seeds: tuple[int, ...]) -> Replicate | None:
    """The replication of these seeds; that of seed 0 alone is the experiment as it is."""
    return None if seeds == (0,) else Replicate(seeds=seeds)


# ---------------------------------------------------------------- the members


def member(experiment: Experiment, sweeps: Mapping[str, CompiledSweep], seed: int) -> Member:
    """The experiment with a seed added to each train's, and every point of the sweeps that are not over seeds. Records that the
    seed does not touch are shared, and so are trains that points share."""
    moved: dict[int, Experiment] = {}
    trains: dict[int, object] = {}

    def at(there: Experiment) -> Experiment:
        if id(there) not in moved:
            changed = {}
            for name, train in there.trains.items():
                if id(train) not in trains:
                    trains[id(train)] = train.model_copy(update={"seed": train.seed + seed})
                changed[name] = trains[id(train)]
            moved[id(there)] = there.model_copy(update={"trains": changed})
        return moved[id(there)]

    repeated = {
        name: replace(sweep, points=tuple(replace(point, experiment=at(point.experiment)) for point in sweep.points))
        for name, sweep in sweeps.items()
        if not over_seeds(sweep.axes)
    }
    return Member(seed, at(experiment), repeated)


# ---------------------------------------------------------------- checks


def check_replicate(
    replicate: Replicate,
    experiment: Experiment,
    sweeps: Mapping[str, CompiledSweep],
    max_points: int,
    place: Span | None,
    diagnostics: Diagnostics,
) -> None:
    """Whether there is something to repeat, whether it is not too much, and whether every seed is one."""
    if not experiment.trains:
        message = "nothing here is trained, so that no seed changes a number"
        cure = "leave `replicate` and `--seeds` out: claims about processes hold or fail once"
        diagnostics.add("E0556", message, place, label="nothing to repeat", help=cure)
        return
    repeated = [sweep for sweep in sweeps.values() if not over_seeds(sweep.axes)]
    points = len(replicate.seeds) * (1 + sum(len(sweep.points) for sweep in repeated))
    if points > max_points:
        each = f" of the experiment and {points // len(replicate.seeds) - 1:,} points" if repeated else ""
        told = f"{len(replicate.seeds):,} seeds{each}"
        diagnostics.add(
            "E0555",
            f"{told} are {points:,} experiments, and {max_points:,} are allowed",
            place,
            label="too many",
            help=f"take fewer seeds, or say that you mean it: `--max-points {points}`",
        )
    largest = max(replicate.seeds)
    there = [experiment, *(point.experiment for sweep in repeated for point in sweep.points)]
    highest = max(train.seed for each in there for train in each.trains.values())
    if highest + largest >= SEEDS:
        message = f"the seed {largest} cannot be added to {highest}: seeds are below 2^63"
        diagnostics.add("E0505", message, place, label="out of range", help="begin with smaller seeds")


def check_often(claim: ResolvedClaim, replicate: Replicate | None, place: Span | None, diagnostics: Diagnostics) -> None:
    """Whether `in k of n` can be judged: some of n, n the seeds that there are, and of a claim that seeds change."""
    if claim.often is None:
        return
    holds, of = claim.often
    seeds = 1 if replicate is None else len(replicate.seeds)
    written = f"`in {holds} of {of}`"
    if not 1 <= holds <= of:
        message = f"{written} can never fail" if holds < 1 else f"{written} can never hold"
        cure = f"write a number from 1 to {of}" if of else f"write `in {seeds} of {seeds}`"
        diagnostics.add("E0727", message, place, label="impossible", help=f"{cure}; without it, a claim must hold with all seeds")
    elif not claim.reseeded and of > 1:
        message = f"{written}: another seed changes nothing that this claim reads, so that it is judged once"
        cure = "leave it out; over the seeds of a sweep, count in the claim itself: `mean(… over fit.seed)`"
        diagnostics.add("E0729", message, place, label="counts once", help=cure)
    elif of != seeds and replicate is None:
        message = f"{written} needs {of:,} seeds, and the experiment is run with one"
        cure = f"write `replicate {{ seeds = 0..{of} }}`, or run it with `--seeds {of}`"
        diagnostics.add("E0728", message, place, label="too few seeds", help=cure)
    elif of != seeds:
        message = f"{written} is about {of:,} seeds, and the experiment is run with {seeds:,}"
        cure = f"write `in … of {seeds}`, or give `replicate` or `--seeds` {of:,} of them"
        diagnostics.add("E0728", message, place, label="another number of seeds", help=cure)
