"""One verdict from those with each seed: with how many it must hold, how far it spreads, whether other seeds may turn it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hmmdsl.language.claims.resolution import ResolvedClaim
from hmmdsl.spec.experiment import Margin, Verdict
from hmmdsl.spec.replication import OverSeeds, Replicated


def counted(claim: ResolvedClaim, once: Verdict, by_seed: Mapping[int, Verdict]) -> Verdict:
    """The verdict of a claim that was judged with each seed. `once` is that of the run itself, whose numbers it keeps.

    The margin is the mean over seeds, its spread their standard deviation. A claim that must hold with all is fragile where the
    mean lies within three of them. One that must hold with fewer is so if besides as many other seeds would turn it with a
    chance of 5 % or more.
    """
    verdicts = tuple(by_seed.values())
    required = claim.often[0] if claim.often is not None else len(verdicts)
    margins = OverSeeds.of([None if each.margin is None else each.margin.value for each in verdicts])
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
