"""What is known of independent processes together from each of them alone: beliefs, complexity, the stationary distribution.

An observer's belief about independent factors is the tuple of the beliefs about each, so two joint beliefs are equal if and
only if all their parts are, and one occurs if its parts occur after the same number of tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hmmdsl.process.algebra.failure import TooLargeError
from hmmdsl.process.algebra.product import in_full
from hmmdsl.process.complexity import Complexity
from hmmdsl.process.entropies import followed_beliefs
from hmmdsl.process.measure import Measure
from hmmdsl.process.process import Joint, Process, Scalar, each_once, joint_weights
from hmmdsl.process.structure import long_run
from hmmdsl.process.together import Course, coprime, course, joint_masks, steps_of_places

if TYPE_CHECKING:
    from hmmdsl.process.mixed_states import MixedStates

MOST_SOLVED_TOGETHER = 250
"""States of a product that is taken as a whole where nothing can be said of its factors alone."""


@dataclass(frozen=True)
class JointBeliefs:
    """The mixed states of a product. `sizes` is how many there are within each depth; `count` their number, None where the mixed
    states of a factor do not close; `recurrent` how many are met for ever. With neither `count` nor `sizes` they could not be
    counted."""

    sizes: tuple[int, ...]
    count: int | None
    recurrent: int | None
    numerical: bool


def joint_beliefs(process: Process) -> JointBeliefs:
    """Count the mixed states of a product from those of its factors, without making one of them.

    After d tokens every tuple of beliefs occurs whose parts each occur after d tokens of their factor, so the joint beliefs are a
    union of such boxes over all d.
    """
    presentations = each_once(process.factors, followed_beliefs)
    numerical = any(presentation.numerical for presentation in presentations)
    closed = all(presentation.closed for presentation in presentations)
    courses = [_course_of_beliefs(presentation) for presentation in presentations]
    if closed:
        found = steps_of_places(courses)
        if found is None:
            return JointBeliefs((), None, None, numerical)
        masks = found[0]
    else:
        depth = min(len(each.places) if not each.complete else len(process.factors) * 10**6 for each in courses)
        masks = [_first_steps(each, depth) for each in courses]
    together = joint_masks(masks)
    if together is None:
        return JointBeliefs((), None, None, numerical)
    sizes = _by_first_step(together)
    if not closed:
        return JointBeliefs(sizes, None, None, numerical)
    lasting = joint_masks(
        [
            {k: mask for k, mask in known.items() if presentation.recurrent is not None and presentation.recurrent[k]}
            for known, presentation in zip(masks, presentations, strict=True)
        ]
    )
    return JointBeliefs(sizes, sizes[-1], None if lasting is None else sum(lasting.values()), numerical)


def _course_of_beliefs(presentation: MixedStates) -> Course:
    following: list[set[int]] = [set() for _ in range(len(presentation))]
    for source, target in zip(presentation.source.tolist(), presentation.target.tolist(), strict=True):
        following[source].add(target)

    def step(here: frozenset[int]) -> frozenset[int]:
        return frozenset().union(*(following[k] for k in here))

    if presentation.closed:
        return course([0], step)
    # Beliefs of the last depth have not been followed.
    places = [frozenset([0])]
    for _ in range(len(presentation.sizes) - 1):
        places.append(step(places[-1]))
    return Course(tuple(places), len(places), 0, False)


def _first_steps(followed: Course, steps: int) -> dict[int, int]:
    """Each place with the numbers of steps, below `steps`, after which it is possible."""
    found: dict[int, int] = {}
    for step in range(steps):
        for place in followed.at(step):
            found[place] = found.get(place, 0) | 1 << step
    return found


def _by_first_step(together: Counter[int]) -> tuple[int, ...]:
    """How many places there are within each number of steps, from 0 until there are no more."""
    first: Counter[int] = Counter()
    for mask, count in together.items():
        first[(mask & -mask).bit_length() - 1] += count
    sizes, total = [], 0
    for step in range(max(first) + 1):
        total += first[step]
        sizes.append(total)
    return tuple(sizes)


def complexity_of_factors(process: Process, of_one: Callable[[Process], Complexity]) -> Complexity:
    """C_mu, E and T of a product, by `of_one` of its factors.

    Both add if the factors are stationary: given its own past each factor's future is independent of the others', so a pair of
    pasts predicts as another pair if and only if both parts do, and I[past; future] is the sum. Factors of a common period are no
    exception. The product is then not ergodic, and the sums are those of the whole process, whose past tells the phase of
    each factor. Factors with starts of their own fall into one of these classes: then the sums hold only if no two
    periods have a common divisor, else a small product is taken as a whole.
    """
    running = [long_run(factor) for factor in process.factors]
    known = [each for each in running if each is not None]
    stationary = all(factor.start_kind == "stationary" for factor in process.factors)
    if not stationary and not (len(known) == len(running) and coprime([each.period for each in known])):
        return _as_a_whole(process, of_one)
    parts = each_once(process.factors, of_one)
    states = 1
    for part in parts:
        states *= part.causal_states or 0
    return Complexity(
        _sum([part.statistical_complexity for part in parts], process.factors),
        _sum([part.excess_entropy for part in parts], process.factors),
        _sum([part.transient_information for part in parts], process.factors),
        states or None,
    )


def _as_a_whole(process: Process, of_one: Callable[[Process], Complexity]) -> Complexity:
    reason = "the factors have starts of their own and periods with a common divisor"
    unknown = Complexity(Measure(None, reason=reason), Measure(None, reason=reason), Measure(None, reason=reason), None)
    if len(process.states) > MOST_SOLVED_TOGETHER:
        return unknown
    try:
        return of_one(in_full(process))
    except TooLargeError:
        return unknown


def _sum(measures: Sequence[Measure], factors: Sequence[Process]) -> Measure:
    for measure, factor in zip(measures, factors, strict=True):
        if measure.bits is None:
            return Measure(None, reason=f"of the factor {factor.name}: {measure.reason}")
    return Measure(
        sum(measure.bits or 0.0 for measure in measures),
        all(measure.exact for measure in measures),
        sum(measure.error_bits for measure in measures),
        lower_bits=_sum_of([measure.lower_bits for measure in measures]),
        upper_bits=_sum_of([measure.upper_bits for measure in measures]),
        numerical=any(measure.numerical for measure in measures),
    )


def _sum_of(bounds: Sequence[float | None]) -> float | None:
    known = [bound for bound in bounds if bound is not None]
    return sum(known) if len(known) == len(bounds) else None


def joint_stationary(
    process: Process, of_one: Callable[[Process], Sequence[Scalar] | None], periods: Sequence[int]
) -> Joint[Scalar] | None:
    """The product of the factors' stationary distributions, None unless it is the only one: a factor has several, or two of the
    `periods` have a common divisor."""
    found = each_once(process.factors, of_one)
    known = [each for each in found if each is not None]
    if len(known) < len(found) or not coprime(periods):
        return None
    return joint_weights("stationary", process.factors, known)
