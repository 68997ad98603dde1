"""What became of a claim, in words: by how much it holds, what it compared, what other seeds would change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hmmdsl.process.notation import number_text
from hmmdsl.schema.experiment import Judged, Margin, Verdict
from hmmdsl.schema.replication import OverSeeds
from hmmdsl.schema.sweep import places, value_text

MOST_PLACES = 12
"""Numbers of one term that are shown each with its place; of more, the least and the greatest."""

ONE_SEED = "one seed"
"""What is said of a margin whose spread is not known."""

MORE_SEEDS = "one seed: `--seeds 5` tells how far it moves"
"""And once for all of them, how to know it."""


def state_text(verdict: Verdict) -> str:
    """`holds`, `fails`, and whether it is fragile."""
    return ("holds" if verdict.holds else "fails") + (", fragile" if is_fragile(verdict) else "")


def is_fragile(verdict: Verdict) -> bool:
    return verdict.margin is not None and verdict.margin.fragile is True


def unrepeated(verdict: Verdict) -> bool:
    """Whether it is not known how far other seeds would move a claim that has a margin."""
    return verdict.margin is not None and verdict.margin.value is not None and verdict.margin.spread is None


def margin_text(verdict: Verdict) -> str:
    """By how much, in the unit of the claim's numbers and in spreads; empty where there is no margin.

    >>> near = Margin(value=0.5, spread=0.25, source="seeds")
    >>> margin_text(Verdict(label="", claim="x > 1", holds=True, measured={}, margin=near))
    'holds by 0.5, 2 spreads over seeds: fragile, another seed may turn it'
    """
    margin = verdict.margin
    if margin is None or margin.value is None:
        return ""
    if verdict.replicated is not None:  # the mean may be on another side than as many seeds as are required
        said = f"{'holds' if margin.value > 0 else 'fails'} by {number_text(abs(margin.value), 3)} on average"
    else:
        said = f"{'holds' if verdict.holds else 'fails'} by {number_text(abs(margin.value), 3)}"
    return f"{said}, {_spreads(margin) if margin.spread is not None else ONE_SEED}"


def _spreads(margin: Margin) -> str:
    if margin.source == "theory":
        return "whatever the seed"
    if margin.spreads is None:
        return "and no seed changes it"
    fragile = ": fragile, another seed may turn it" if margin.fragile else ""
    return f"{number_text(abs(margin.spreads), 2)} spreads over seeds{fragile}"


def seeds_text(verdict: Verdict) -> str:
    """With how many seeds it held, and over them each number that it compares: mean, spread, 95 % interval. Empty where it
    was judged once.

    >>> from hmmdsl.schema.replication import Replicated
    >>> gap = OverSeeds.of([0.1, 0.3])
    >>> found = Replicated(seeds=(0, 4), holds=(True, False), required=1, numbers={"fit.gap": gap})
    >>> seeds_text(Verdict(label="", claim="fit.gap < 0.2", holds=True, measured={}, replicated=found))
    'held with 1 of 2 seeds, 1 required, not with 4; fit.gap 0.2 ± 0.1414 [−1.071, 1.471]'
    """
    found = verdict.replicated
    if found is None:
        return ""
    seeds = len(found.seeds)
    said = f"held with {found.held} of {seeds} seed{'s' if seeds > 1 else ''}"
    if found.required < seeds:
        said += f", {found.required} required"
    failed = [str(seed) for seed, holds in zip(found.seeds, found.holds, strict=True) if not holds]
    if found.held and failed:
        told = ", ".join(failed[:MOST_PLACES])
        said += f", not with {told}" + (f" and {len(failed) - MOST_PLACES:,} more" if len(failed) > MOST_PLACES else "")
    compared = {term.expression for term in verdict.judged}
    shown = {name: number for name, number in found.numbers.items() if number.mean is not None and name in (compared or {name})}
    return "; ".join([said, *(f"{name} {_over_seeds(number)}" for name, number in shown.items())])


def _over_seeds(number: OverSeeds) -> str:
    """`0.2 ± 0.14 [0.1, 0.3]`: the mean, the standard deviation, the interval."""
    if number.sd is None:
        return number_text(number.mean)
    return f"{number_text(number.mean)} ± {number_text(number.sd)} [{number_text(number.lower)}, {number_text(number.upper)}]"


@dataclass(frozen=True)
class Term:
    """A term of a claim in words: the axes that are left of it (empty: none), and its numbers, each with its place."""

    expression: str
    axes: str
    numbers: tuple[str, ...]

    @property
    def text(self) -> str:
        """`x = 0.5`, or `x by net.d_model: 8 → 0.61; 32 → 0.83`."""
        return f"{self.expression}{f' by {self.axes}: ' if self.axes else ' = '}{'; '.join(self.numbers)}"


def terms(verdict: Verdict) -> list[Term]:
    """What was compared.

    >>> from hmmdsl.schema.sweep import SweepAxis
    >>> wide = SweepAxis(paths=("net.d_model",), values=((8,), (32,)))
    >>> term = Judged(expression="mean(s.fit.r2)", axes=(wide,), numbers=(0.61, 0.83), lower=(0.55, 0.8), upper=(0.67, 0.86))
    >>> terms(Verdict(label="", claim="", holds=True, measured={}, judged=(term,)))[0].text
    'mean(s.fit.r2) by net.d_model: 8 → 0.61 [0.55, 0.67]; 32 → 0.83 [0.8, 0.86]'
    """
    return [_term(term) for term in verdict.judged]


def _term(term: Judged) -> Term:
    if not term.axes:
        return Term(term.expression, "", (_with_ends(term, 0),))
    lists = term.axes[-1].paths == ("[..]",)
    axes = term.axes[:-1] if lists else term.axes
    names = ", ".join(axis.name for axis in axes)
    shown = _listed(term, len(term.axes[-1].values)) if lists else [_with_ends(term, k) for k in range(len(term.numbers))]
    at = list(places([len(axis.values) for axis in axes]))
    if len(at) <= MOST_PLACES:
        arrows = (f"{_place(term, place)} → {text}" if names else text for place, text in zip(at, shown, strict=True))
        return Term(term.expression, names, tuple(arrows))
    known = [k for k, number in enumerate(term.numbers) if number is not None]
    if lists or not known:
        what = "lists" if lists else "numbers, all undefined"
        return Term(term.expression, names, (f"{len(at):,} {what}",))
    ends = [pick(known, key=lambda k: term.numbers[k] or 0.0) for pick in (min, max)]
    low, high = (f"{shown[k]} ({_place(term, at[k])})" for k in ends)
    return Term(term.expression, names, (f"{len(at):,} numbers, from {low} to {high}",))


def _listed(term: Judged, length: int) -> list[str]:
    """The numbers of a `[..]` together, at each place along the other axes."""
    found = []
    for start in range(0, len(term.numbers), length):
        numbers = ", ".join(number_text(number) for number in term.numbers[start : start + min(length, MOST_PLACES)])
        found.append(f"[{numbers}]" if length <= MOST_PLACES else f"[{numbers}, … {length:,} numbers]")
    return found


def _place(term: Judged, place: Sequence[int]) -> str:
    return ", ".join(value_text(value) for axis, at in zip(term.axes, place, strict=False) for value in axis.values[at])


def _with_ends(term: Judged, k: int) -> str:
    lower, upper = (ends[k] if ends is not None else None for ends in (term.lower, term.upper))
    number = number_text(term.numbers[k])
    return number if lower is None or upper is None else f"{number} [{number_text(lower, 3)}, {number_text(upper, 3)}]"


def fragile_names(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """The fragile claims, by label, else by their words."""
    for verdict in verdicts:
        if is_fragile(verdict):
            yield verdict.label or verdict.claim
