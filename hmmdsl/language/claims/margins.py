"""By how much a claim holds or fails, and how far other seeds would move that.

A comparison's margin is its signed distance to its bound, positive where it holds, in the unit of its numbers. `not` turns the
sign; `and` and `all` are decided by the part that is nearest to failing, `or` and `any` by the one that is nearest to holding.
Parts may be in units of their own, so that those with a spread are compared in spreads; what no network determines is certain,
and decides only where it alone does.

Where all that a claim reads of networks is repeated over the seeds of a sweep, the spread is the jackknife's standard error
(Efron & Stein 1981) in the form that leaves out half of the seeds at a time (Shao & Wu 1989): the claim's margin is taken again
without each half in turn. For a mean that is sd / √n exactly, and it holds where a claim is decided by the least of its seeds,
or by their median: without single seeds these hardly move, or by accident.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, pairwise
from statistics import stdev
from typing import Any

from hmmdsl.language import syntax
from hmmdsl.language.claims.axes import dimension_of, reduction_of
from hmmdsl.language.claims.measured import (
    Dimension,
    Measured,
    Single,
    SweepResults,
    Swept,
    UndefinedError,
    each,
    leaves,
    reduced,
    taken,
)
from hmmdsl.language.claims.reading import Reading
from hmmdsl.language.values.arithmetic import COMPARE
from hmmdsl.schema.experiment import Margin

MOST_GROUPS = 10
"""More seeds are left out in so many groups."""

MOST_WORK = 100_000
"""Points of sweeps that are read again for one claim, all halves together: where points are many, groups are fewer."""

FEWEST_GROUPS = 4
"""But no fewer than these."""


@dataclass(frozen=True, order=True)
class Distance:
    """A truth value with its margin. `certain` where no network determines it."""

    margin: Fraction | float
    holds: bool
    certain: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class LeftOut:
    """A reading of the results without half of the seeds: which of all seeds that repeat together, and how many are left for each
    that is left out; by sweep and number of its axis the share that is left."""

    repeated: int
    left: float
    shares: Mapping[tuple[str, int], Fraction] = field(default_factory=dict, compare=False)


Others = Sequence[tuple[LeftOut, Fraction | float]]


def jackknife(others: Others) -> float | None:
    """The standard error of a number that comes to `others` without each half of the seeds, √((n - d) / d · mean of (x_k - mean
    of x)²) with d of n left out at a time; None where nothing was. What independent seeds contribute adds up in squares."""
    if not others:
        return None
    variance = 0.0
    for repeated in dict.fromkeys(left_out.repeated for left_out, _ in others):
        along = [(left_out.left, _float(value)) for left_out, value in others if left_out.repeated == repeated]
        centre = math.fsum(value for _, value in along) / len(along)
        variance += along[0][0] * math.fsum((value - centre) ** 2 for _, value in along) / len(along)
    return math.sqrt(variance)


def without_seeds(results: Mapping[str, object], repeated: Mapping[str, int]) -> list[tuple[LeftOut, Mapping[str, object]]]:
    """The results without each half of the seeds in turn, or of `MOST_GROUPS` groups of them. `repeated` has the number of the
    axis of seeds for each sweep; sweeps over the same seeds are of one set of runs, and lose them together."""
    together: dict[object, dict[str, tuple[SweepResults, int]]] = {}
    for name, number in repeated.items():
        swept = results.get(name)
        if isinstance(swept, SweepResults):
            axis = swept.axes[number]
            together.setdefault((axis.paths, axis.values), {})[name] = swept, number
    found: list[tuple[LeftOut, Mapping[str, object]]] = []
    for k, sweeps in enumerate(together.values()):
        first, along = next(iter(sweeps.values()))
        count = len(first.axes[along].values)
        groups = _groups(count, sum(len(swept.points) for swept, _ in sweeps.values()))
        out = groups // 2
        for half in combinations(range(groups), out):
            gone = {seed for seed in range(count) if seed % groups in half}
            fewer = {name: swept.without(number, gone) for name, (swept, number) in sweeps.items()}
            shares = {(name, number): Fraction(count - len(gone), count) for name, (_, number) in sweeps.items()}
            found.append((LeftOut(k, (groups - out) / out, shares), {**results, **fewer}))
    return found


def _groups(seeds: int, points: int) -> int:
    """Into how many groups seeds are divided: each its own, as long as that is not too much work."""
    groups = min(seeds, MOST_GROUPS)
    while groups > FEWEST_GROUPS and math.comb(groups, groups // 2) * points > MOST_WORK:
        groups -= 1
    return groups


class Margins:
    """Takes the margin of a claim in all results and without each half of the seeds, side by side: each method returns one value
    for each of the readings, the first of them of all results."""

    def __init__(
        self, whole: Reading, others: Sequence[tuple[LeftOut, Reading]], theory: Iterable[str], repeated: Mapping[str, int]
    ) -> None:
        self.readings = (whole, *(reading for _, reading in others))
        self.left_out = [left_out for left_out, _ in others]
        self.theory = frozenset(theory)
        self.seeds = set(repeated.items())

    @staticmethod
    def by_seed(claim: syntax.Expression, readings: Sequence[Reading], theory: Iterable[str]) -> list[float]:
        """The margin in each of several runs with other seeds, of the part that is fewest of their standard deviations from its
        bound on average. Raises UndefinedError where a part has no value in one of them."""
        margins = _OverSeeds(readings[0], [(LeftOut(0, 1.0), reading) for reading in readings[1:]], theory, {})
        part = margins._stacked(margins._distances(claim))
        return [_float(distance.margin) for distance in part.distances]

    def of(self, claim: syntax.Expression) -> Margin:
        """Raises UndefinedError where a part has no value."""
        part = self._stacked(self._distances(claim))
        whole = part[0]
        if not math.isfinite(_float(whole.margin)):
            return Margin(value=None, spread=None, source="")
        if whole.certain:
            return Margin(value=_float(whole.margin), spread=0.0, source="theory")
        spread = self._spread(part)
        return Margin(value=_float(whole.margin), spread=spread, source="" if spread is None else "seeds")

    # ------------------------------------------------------------ parts

    def _distances(self, expression: syntax.Expression) -> list[Any]:
        match expression:
            case syntax.Boolean() | syntax.Path():
                truth = bool(self.readings[0].value(expression))
                return [_constant(truth)] * len(self.readings)
            case syntax.Unary(operand=operand):
                return [each(_negated, value) for value in self._distances(operand)]
            case syntax.Comparison(operands=operands, operators=operators):
                numbers = [self._numbers(operand) for operand in operands]
                certain = self._certain(expression)
                links = [
                    [each(_link(operator, certain), a, b) for a, b in zip(left, right, strict=True)]
                    for operator, (left, right) in zip(operators, pairwise(numbers), strict=True)
                ]
                return self._joined(links, min)
            case syntax.Approximately(value=value, target=target, tolerance=tolerance):
                parts = [self._numbers(part) for part in (value, target, tolerance)]
                compute = _within(self._certain(expression))
                return [each(compute, *numbers) for numbers in zip(*parts, strict=True)]
            case syntax.Binary(operator=operator, left=left, right=right):
                return self._joined([self._distances(left), self._distances(right)], min if operator == "and" else max)
            case syntax.Choice(condition=condition, yes=yes, no=no):
                return self._distances(yes if self.readings[0].value(condition) else no)
            case syntax.Call(function=function):
                name = function.head.text
                return self._steps(expression, name) if name in ("increasing", "decreasing") else self._every(expression, name)
        raise UndefinedError("this part has no margin")

    def _numbers(self, expression: syntax.Expression) -> list[Measured]:
        return [reading.value(expression) for reading in self.readings]

    def _certain(self, *expressions: syntax.Expression) -> bool:
        """Whether no network determines what these read."""
        whole = self.readings[0]
        whole.touched.clear()
        for expression in expressions:
            whole.value(expression)
        return whole.touched <= self.theory

    def _every(self, call: syntax.Call, name: str) -> list[Any]:
        """`all` and `any`, over axes or over everything."""
        decides = min if name == "all" else max
        reduction = reduction_of(call)
        if reduction is not None:
            values = self._distances(reduction.value)
            over = _named(reduction.axes, values[0])
            return self._reduced(values, over, decides)
        arguments = [self._distances(argument.value) for argument in call.arguments]
        return self._joined([self._reduced(values, None, decides) for values in arguments], decides)

    def _steps(self, call: syntax.Call, name: str) -> list[Any]:
        """`increasing` and `decreasing`: every step goes in the right direction."""
        reduction = reduction_of(call)
        argument = call.arguments[0].value if reduction is None else reduction.value
        step = _link("<" if name == "increasing" else ">", self._certain(argument))
        chains: list[list[Any]] = []
        for value in self._numbers(argument):
            if reduction is None:
                along: list[Any] = list(leaves(value))
            else:
                assert isinstance(value, Swept), "only what runs along axes is reduced"
                (axis,) = _named(reduction.axes, value)
                along = [taken(value, {axis: place}) for place in range(len(axis))]
            chains.append([each(step, a, b) for a, b in pairwise(along)] or [_constant(True)])
        if len({len(chain) for chain in chains}) > 1:  # along the seeds themselves, of which some are left out
            return [each(min, *chain) if len(chain) > 1 else chain[0] for chain in chains]
        return self._joined([list(link) for link in zip(*chains, strict=True)], min)

    # ------------------------------------------------------------ which part decides

    def _joined(self, parts: Sequence[Sequence[Any]], decides: Callable[..., Any]) -> list[Any]:
        """Elementwise, the part that decides."""
        if len(parts) == 1:
            return list(parts[0])
        if any(self._has_seeds(values[0]) for values in parts):
            return [each(decides, *values) for values in zip(*parts, strict=True)]
        return self._unstacked(each(self._choice(decides), *(self._stacked(values) for values in parts)))

    def _reduced(self, values: Sequence[Any], over: Sequence[Dimension] | None, decides: Callable[..., Any]) -> list[Any]:
        """What decides over these axes, or over everything: over the seeds by the margin alone, since each reading has its own of
        them; then over the rest, whose places all readings share, in spreads."""
        first = values[0]
        axes = over if over is not None else first.dimensions if isinstance(first, Swept) else ()
        seeds = [axis for axis in axes if (axis.sweep, axis.number) in self.seeds]
        if seeds:
            values = [reduced(value, seeds, decides) for value in values]
        rest = [axis for axis in axes if axis not in seeds]
        if self._has_seeds(values[0]):
            return [reduced(value, rest, decides) if rest else value for value in values]
        stacked, choice = self._stacked(values), self._choice(decides)
        if over is None:
            return self._unstacked(choice(*leaves(stacked)))
        return self._unstacked(reduced(stacked, rest, lambda parts: choice(*parts)) if rest else stacked)

    def _choice(self, decides: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *parts: (
            decides(parts, key=self._standing) if parts else _Stack((_constant(decides is min),) * len(self.readings))
        )

    def _standing(self, part: _Stack) -> tuple[int, float | Fraction, bool]:
        """How far a part is from its bound, for comparison with others: what is certain is farthest."""
        whole = part[0]
        if whole.certain:
            return (1 if whole.holds else -1), 0, whole.holds
        spread = self._spread(part)
        if spread is None:
            return 0, whole.margin, whole.holds
        if spread == 0:
            return 0, math.inf if whole.holds else -math.inf, whole.holds
        return 0, self._value(part) / spread, whole.holds

    def _value(self, part: _Stack) -> float:
        return _float(part[0].margin)

    def _spread(self, part: _Stack) -> float | None:
        others = zip(self.left_out, (distance.margin for distance in part.distances[1:]), strict=True)
        return jackknife(list(others))

    def _has_seeds(self, value: object) -> bool:
        return isinstance(value, Swept) and any((axis.sweep, axis.number) in self.seeds for axis in value.dimensions)

    def _stacked(self, values: Sequence[Any]) -> Any:
        """One value whose elements have those of every reading."""
        first = values[0]
        if isinstance(first, Swept):
            cells = zip(*(value.cells for value in values), strict=True)
            return Swept(first.dimensions, tuple(self._stacked(each) for each in cells))
        if isinstance(first, tuple):
            return tuple(self._stacked(items) for items in zip(*values, strict=True))
        return _Stack(tuple(values))

    def _unstacked(self, value: Any) -> list[Any]:
        return [_layer(value, k) for k in range(len(self.readings))]


class _OverSeeds(Margins):
    """The readings are of runs of their own, one for each seed."""

    def _value(self, part: _Stack) -> float:
        return math.fsum(_float(distance.margin) for distance in part.distances) / len(part.distances)

    def _spread(self, part: _Stack) -> float | None:
        margins = [_float(distance.margin) for distance in part.distances]
        return stdev(margins) if len(margins) > 1 and all(map(math.isfinite, margins)) else None


@dataclass(frozen=True)
class _Stack:
    """One truth value in every reading."""

    distances: tuple[Distance, ...]

    def __getitem__(self, reading: int) -> Distance:
        return self.distances[reading]


def _link(operator: str, certain: bool) -> Callable[[Any, Any], Any]:
    """Two numbers compared."""

    def compute(a: Single, b: Single) -> Distance:
        above: Any = _minus(a, b)
        if operator in ("==", "!="):
            margin = -abs(above) if operator == "==" else abs(above)
        else:
            margin = above if operator in (">", ">=") else -above
        return Distance(margin, COMPARE[operator](a, b), certain)

    return compute


def _within(certain: bool) -> Callable[..., Any]:
    """`value ~= target ± tolerance`."""

    def compute(value: Single, target: Single, tolerance: Single) -> Distance:
        off: Any = abs(_minus(value, target))
        return Distance(_minus(tolerance, off), bool(off <= tolerance), certain)

    return compute


def _negated(distance: Distance) -> Any:
    return Distance(-distance.margin, not distance.holds, distance.certain)


def _constant(truth: bool) -> Distance:
    """What no number decides."""
    return Distance(math.inf if truth else -math.inf, truth, certain=True)


def _minus(a: Single, b: Single) -> Fraction | float:
    try:
        difference: Fraction | float = a - b
        return difference
    except OverflowError:  # a rational beyond the floats
        return Fraction(a) - Fraction(b)


def _float(value: Fraction | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return sys.float_info.max if value > 0 else -sys.float_info.max


def _layer(value: Any, reading: int) -> Any:
    if isinstance(value, Swept):
        return Swept(value.dimensions, tuple(_layer(cell, reading) for cell in value.cells))
    if isinstance(value, tuple):
        return tuple(_layer(item, reading) for item in value)
    return value[reading]


def _named(axes: Sequence[syntax.Path], value: object) -> list[Dimension]:
    """The dimensions of an array that these paths name."""
    dimensions = value.dimensions if isinstance(value, Swept) else ()
    return [found for path in axes if (found := dimension_of(path, dimensions)) is not None]
