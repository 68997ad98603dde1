"""The eigenvalues of T = sum_x T[x]: those that last, one for each ergodic component and its phases, and those that fade.

A chain of states has the eigenvalue 1 once for each of its closed classes, and with it the d-th roots of unity for one of period
d: these are known from the chain's graph, exactly. All others are smaller than 1, and by their powers the past is forgotten.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from math import gcd, lcm
from typing import TYPE_CHECKING

from hmmdsl.process.generalized import TOLERANCE, unit_circle
from hmmdsl.process.process import Process
from hmmdsl.process.stationary import closed_classes, period, reachable
from hmmdsl.process.structure import support

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Complex128


@dataclass(frozen=True)
class Lasting:
    """What lasts: `classes` counts the closed classes that the start leads to by their periods; `states` is the number of states
    that it leads to at all. Of a generalized HMM a class is an eigenvalue 1 with the roots of unity that belong to it."""

    classes: Counter[int]
    states: int

    @property
    def ones(self) -> int:
        """How often 1 is an eigenvalue."""
        return self.classes.total()

    @property
    def others(self) -> int:
        """The number of eigenvalues other than 1."""
        return self.states - self.ones

    def beside(self, other: Lasting) -> Lasting:
        """Both side by side. Classes of periods c and d fall into gcd(c, d) joint ones of period lcm(c, d), one for each distance
        of their phases."""
        joint: Counter[int] = Counter()
        for c, count in self.classes.items():
            for d, more in other.classes.items():
                joint[lcm(c, d)] += count * more * gcd(c, d)
        return Lasting(joint, self.states * other.states)

    def roots(self, most: int, first: int = 0) -> Complex128[np.ndarray, " eigenvalue"]:
        """The eigenvalues of absolute value 1, at most so many: the powers of each class' root of unity from `first` on."""
        import numpy as np

        powers = (k / d for d, count in self.classes.items() for k in range(first, d) for _ in range(count))
        return np.asarray(np.exp(2j * np.pi * np.array(list(islice(powers, most)), dtype=np.float64)))


def lasting(process: Process) -> Lasting:
    """What lasts of a process."""
    found = Lasting(Counter({1: 1}), 1)
    for factor in process.factors:
        found = found.beside(_of_generalized(factor) if factor.generalized else _of_states(factor))
    return found


def eigenvalues_but_one(process: Process, most: int) -> Complex128[np.ndarray, " eigenvalue"]:
    """The largest eigenvalues of T other than 1, in falling order, over the states that the start leads to. Those of a product
    are the products of its factors'."""
    import numpy as np

    run, fading = Lasting(Counter({1: 1}), 1), np.zeros(0, np.complex128)
    for factor in process.factors:
        own = _of_generalized(factor) if factor.generalized else _of_states(factor)
        mine = _without_roots(factor, own)
        pairs = ((run.roots(most), mine), (fading, own.roots(most)), (fading, mine))
        fading = _falling(np.concatenate([np.outer(a, b).ravel() for a, b in pairs]))[:most]
        run = run.beside(own)
    return _falling(np.concatenate([run.roots(most, first=1), fading]))[:most]


def _of_states(process: Process) -> Lasting:
    T, states = process.transitions(), len(process.states)
    relevant = reachable(T, support(process), states)
    return Lasting(Counter(period(T, members) for members in closed_classes(T, states) if members & relevant), len(relevant))


def _of_generalized(process: Process) -> Lasting:
    """Eigenvalues of absolute value 1 by classes of roots of unity; what turns by another angle belongs to none."""
    left = list(unit_circle(process))
    found: Counter[int] = Counter()
    for d in range(len(left), 0, -1):
        while len(taken := _roots_among(left, d)) == d:
            found[d] += 1
            left = [value for i, value in enumerate(left) if i not in taken]
    return Lasting(found, len(process.states))


def _roots_among(values: list[complex], d: int) -> set[int]:
    """The places of the d-th roots of unity, as far as they are there."""
    import numpy as np

    places: set[int] = set()
    for root in np.exp(2j * np.pi * np.arange(d) / d):
        near = [i for i, value in enumerate(values) if i not in places and abs(value - root) < TOLERANCE]
        places.update(near[:1])
    return places


def _without_roots(process: Process, run: Lasting) -> Complex128[np.ndarray, " eigenvalue"]:
    """All eigenvalues but those that belong to the closed classes: of the numerical ones those that are nearest to them are
    taken away."""
    import numpy as np

    T = process.T.sum(axis=0)
    if not process.generalized:
        kept = sorted(reachable(process.transitions(), support(process), len(process.states)))
        T = T[np.ix_(kept, kept)]
    values = np.linalg.eigvals(T).astype(np.complex128)
    for root in run.roots(len(values)):
        values = np.delete(values, np.abs(values - root).argmin())
    return values


def _falling(values: Complex128[np.ndarray, " eigenvalue"]) -> Complex128[np.ndarray, " eigenvalue"]:
    import numpy as np

    return values[np.lexsort((-values.imag.round(12), -values.real.round(12), -np.abs(values).round(12)))]
