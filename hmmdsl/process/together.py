"""What independent chains do at the same time: which of their places meet, and into which closed classes they fall together.

Chains that run side by side meet only in places that they can be in after the same number of steps. Sets of possible places are
followed for each chain alone until they repeat; a joint place occurs if some number of steps is common to all its parts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import gcd, lcm

from hmmdsl.process.process import Process
from hmmdsl.process.stationary import Transitions, closed_classes, period, successors

MOST_STEPS = 5_000
"""Steps after which sets of places that have not begun to repeat are given up."""

MOST_REPEATED = 300_000
"""Steps after which all chains together repeat, at most."""

MOST_COMBINED = 200_000
"""Pairs of sets of steps that are compared, at most."""


@dataclass(frozen=True)
class Course:
    """The sets of places a chain may be in after 0, 1, … steps; from step `begin` on they repeat every `period` steps. `complete`
    is false if only the first steps are known."""

    places: tuple[frozenset[int], ...]
    begin: int
    period: int
    complete: bool

    def at(self, step: int) -> frozenset[int]:
        """The places that are possible after so many steps."""
        if step < len(self.places) or not self.complete:
            return self.places[step]
        return self.places[self.begin + (step - self.begin) % self.period]


def course(start: Iterable[int], step: Callable[[frozenset[int]], frozenset[int]], most: int = MOST_STEPS) -> Course:
    """Follow the set of possible places until it repeats, for at most so many steps."""
    here = frozenset(start)
    seen: dict[frozenset[int], int] = {}
    places: list[frozenset[int]] = []
    while here not in seen:
        if len(places) > most:
            return Course(tuple(places), len(places), 0, False)
        seen[here] = len(places)
        places.append(here)
        here = step(here)
    return Course(tuple(places), seen[here], len(places) - seen[here], True)


def course_of_states(process: Process) -> Course:
    """The sets of states that a process may be in after 0, 1, … tokens."""
    following = [frozenset(row) for row in successors(process.transitions(), len(process.states))]
    start = [i for i, weight in enumerate(process.start) if weight]
    return course(start, lambda here: frozenset().union(*(following[i] for i in here)))


def steps_of_places(courses: Sequence[Course]) -> tuple[list[dict[int, int]], int] | None:
    """For each chain its places, each with the numbers of steps after which it is possible, as bits of a
    mask; and the number of steps that
    all masks cover, after which everything repeats. None if that would be too many."""
    if not all(each.complete for each in courses):
        return None
    steps = max(each.begin for each in courses) + lcm(*(each.period for each in courses))
    if steps > MOST_REPEATED:
        return None
    return [_masks(each, steps) for each in courses], steps


def _masks(followed: Course, steps: int) -> dict[int, int]:
    """Each place with its steps: those before the repetition, then the repeated pattern as often as it fits."""
    found: dict[int, int] = {}
    repeated = -(-(steps - followed.begin) // followed.period)
    pattern = ((1 << followed.period * repeated) - 1) // ((1 << followed.period) - 1)
    for step, places in enumerate(followed.places):
        mask = 1 << step if step < followed.begin else pattern << step
        for place in places:
            found[place] = found.get(place, 0) | mask
    return found


def joint_masks(parts: Sequence[Mapping[int, int]]) -> Counter[int] | None:
    """How many joint places there are for each set of common steps, which is never empty; None if that is too much work."""
    together: Counter[int] = Counter({-1: 1})
    for masks in parts:
        kinds = Counter(masks.values())
        if len(together) * len(kinds) > MOST_COMBINED:
            return None
        fresh: Counter[int] = Counter()
        for common, many in together.items():
            for mask, count in kinds.items():
                if common & mask:
                    fresh[common & mask] += many * count
        together = fresh
    return together


# ---------------------------------------------------------------- closed classes and their phases


@dataclass(frozen=True)
class Phases:
    """A chain with one closed class, of this `period`: at step t it is (in the long run) in the cyclic class `offset + t` modulo
    the period, with one of these `offsets`."""

    period: int
    offsets: frozenset[int]


def phases(process: Process) -> Phases | None:
    """The phases in which a process may run from its start; None if it may end in several closed classes."""
    T, states = process.transitions(), len(process.states)
    start = [i for i, weight in enumerate(process.start) if weight]
    return chain_phases(T, states, start)


def chain_phases(transitions: Transitions, states: int, start: Sequence[int]) -> Phases | None:
    """The same for a chain started in one of the states `start`."""
    following = successors(transitions, states)
    seen, waiting = set(start), list(start)
    while waiting:
        for j in following[waiting.pop()]:
            if j not in seen:
                seen.add(j)
                waiting.append(j)
    closed = [members for members in closed_classes(transitions, states) if members & seen]
    if len(closed) > 1:
        return None
    cycle = period(transitions, closed[0])
    of_class = _cyclic_classes(following, closed[0], cycle)
    # Pairs of a state and the number of steps modulo the period: all that bears on the phase.
    met = {(i, 0) for i in start}
    queue = list(met)
    while queue:
        i, step = queue.pop()
        if i in of_class:
            continue
        for j in following[i]:
            after = (j, (step + 1) % cycle)
            if after not in met:
                met.add(after)
                queue.append(after)
    return Phases(cycle, frozenset((of_class[i] - step) % cycle for i, step in met if i in of_class))


def _cyclic_classes(following: Sequence[Sequence[int]], members: frozenset[int], cycle: int) -> dict[int, int]:
    root = min(members)
    found = {root: 0}
    waiting = [root]
    for i in waiting:
        for j in following[i]:
            if j not in found:
                found[j] = (found[i] + 1) % cycle
                waiting.append(j)
    return found


def coprime(periods: Sequence[int]) -> bool:
    """Whether no two of the periods have a common divisor: then irreducible chains are irreducible together."""
    return all(gcd(a, b) == 1 for k, a in enumerate(periods) for b in periods[k + 1 :])


def locked(parts: Sequence[Phases]) -> bool:
    """Whether chains of one closed class each fall together into one closed class only.

    Two cyclic phases stay at the same distance for ever, modulo the greatest common divisor of their periods, and these distances
    tell the joint classes apart (the Chinese remainder theorem).
    """
    return all(
        len({(p - q) % gcd(a.period, b.period) for p in a.offsets for q in b.offsets}) == 1
        for k, a in enumerate(parts)
        for b in parts[k + 1 :]
    )
