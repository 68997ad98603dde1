"""One verdict from those with each seed: with how many it must hold, how far it spreads, whether other seeds may turn it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hmmdsl.language.claims.judging import ResolvedClaim
from hmmdsl.language.claims.margins import Margins
from hmmdsl.language.claims.measured import UndefinedError
from hmmdsl.language.claims.reading import Reading
from hmmdsl.schema.experiment import Margin, Verdict
from hmmdsl.schema.replication import OverSeeds, Replicated


def counted(
    claim: ResolvedClaim, once: Verdict, by_seed: Mapping[int, Verdict], results: Mapping[int, Mapping[str, object]]
) -> Verdict:
    """The verdict of a claim that was judged with each seed on its `results`. `once` is that of the run itself, whose numbers it
    keeps.

    The margin is the mean over seeds, its spread their standard deviation: of what decides with each seed, or of one part of the
    claim where that is nearer to its bound in spreads, as it may be where parts have other units. A claim that must hold with all
    is fragile where the mean lies within three spreads. One that must hold with fewer is so if besides as many other seeds would
    turn it with a chance of 5 % or more.
    """
    verdicts = tuple(by_seed.values())
    required = claim.often[0] if claim.often is not None else len(verdicts)
    margins = _nearest(
        OverSeeds.of([None if each.margin is None else each.margin.value for each in verdicts]),
        OverSeeds.of(_of_one_part(claim, by_seed, results)),
    )
    found = Replicated(
        seeds=tuple(by_seed),
        holds=tuple(each.holds for each in verdicts),
        required=required,
        margin=margins if margins.mean is not None else None,
        numbers={name: OverSeeds.of([_numbers(each).get(name) for each in verdicts]) for name in _numbers(once)},
    )
    chance = chance_of_turning(found.held, required, len(verdicts)) if required < len(verdicts) else None
    margin = Margin(value=margins.mean, spread=margins.sd, source="replication" if margins.sd is not None else "", chance=chance)
    return once.model_copy(
        update={
            "holds": found.enough,
            "reason": "" if found.enough else _reason(by_seed),
            "margin": margin,
            "replicated": found,
        }
    )


def _of_one_part(
    claim: ResolvedClaim, by_seed: Mapping[int, Verdict], results: Mapping[int, Mapping[str, object]]
) -> list[float | None]:
    """The margins by seed of the part of a claim that is fewest spreads from its bound; None with seeds where it has no value."""
    known = [seed for seed, verdict in by_seed.items() if verdict.margin is not None and verdict.margin.value is not None]
    readings = [Reading(results[seed], claim.constants) for seed in known]
    try:
        margins = dict(zip(known, Margins.by_seed(claim.expression, readings, claim.theory), strict=True)) if known else {}
    except UndefinedError:
        margins = {}
    return [found if (found := margins.get(seed)) is not None and math.isfinite(found) else None for seed in by_seed]


def _nearest(first: OverSeeds, second: OverSeeds) -> OverSeeds:
    """What is fewer of its spreads from its bound; the first where that is not known."""
    far = [math.inf if each.sd == 0 else None if each.spreads is None else abs(each.spreads) for each in (first, second)]
    return second if far[0] is not None and far[1] is not None and far[1] < far[0] else first


def chance_of_turning(held: int, required: int, seeds: int) -> float:
    """The chance that as many other seeds give the other verdict, when a claim held with `held` of them: Laplace's rule of
    succession, every share of seeds being as likely beforehand.

    >>> round(chance_of_turning(2, 1, 2), 4), round(chance_of_turning(8, 6, 8), 4)
    (0.1, 0.0824)
    """
    turns = range(required) if held >= required else range(required, seeds + 1)
    scale = math.log((seeds + 1) / (2 * seeds + 1)) + _choose(seeds, held)
    return math.fsum(math.exp(scale + _choose(seeds, j) - _choose(2 * seeds, held + j)) for j in turns)


def _choose(n: int, k: int) -> float:
    """The logarithm of a binomial coefficient."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _numbers(verdict: Verdict) -> dict[str, float | None]:
    """The single numbers of a verdict: the terms that were compared, and the results that it reads."""
    terms = {term.expression: term.numbers[0] for term in verdict.judged if not term.axes}
    return terms | {path: value for path, value in verdict.measured.items() if not isinstance(value, tuple)}


def _reason(by_seed: Mapping[int, Verdict]) -> str:
    """Why it failed with the first seed with which it did."""
    seed, verdict = next((seed, verdict) for seed, verdict in by_seed.items() if not verdict.holds)
    return f"with seed {seed}: {verdict.reason}"
