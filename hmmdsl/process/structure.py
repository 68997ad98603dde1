"""What kind of process it is: its ergodic components, whether it is unifilar, ergodic, periodic."""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm
from typing import TYPE_CHECKING

from hmmdsl.process.generalized import TOLERANCE, EigenvectorError, stationary_version, unit_circle
from hmmdsl.process.once import once
from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.settling import settled_components
from hmmdsl.process.stationary import closed_classes, components, period, reachable, stationary_distribution
from hmmdsl.process.together import Phases, coprime, course_of_states, locked, phases, steps_of_places

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64


@dataclass(frozen=True)
class Structure:
    """`ergodic`: the start leads to one closed class only. `irreducible`: every state leads to every other. `period`: of
    that class (the least common one of several), 1 is aperiodic. `unifilar`: a state and a token leave at most one next
    state. `unreachable`: states that the start never leads to."""

    ergodic: bool
    irreducible: bool
    period: int
    unifilar: bool
    unreachable: tuple[int, ...]


@dataclass(frozen=True)
class Component:
    """What the process settles into with this probability: one closed class of its states, begun in its stationary
    distribution."""

    probability: float
    process: Process


def support(process: Process) -> tuple[int, ...]:
    """The states that the start gives a weight."""
    return tuple(i for i, value in enumerate(process.start) if value)


def is_unifilar(process: Process) -> bool:
    """Whether each state that can be reached and each token leave at most one next state. The dimensions of a generalized HMM are
    no states: it never is."""
    if process.generalized:
        return False
    if process.factored:
        return all(is_unifilar(factor) for factor in process.factors)
    relevant = reachable(process.transitions(), support(process), len(process.states))
    for entries in process.operators:
        sources = [i for (i, _), value in entries.items() if value and i in relevant]
        if len(sources) != len(set(sources)):
            return False
    return True


def structure(process: Process) -> Structure:
    """The structure of the chain of states, as far as it is reached from the start."""
    if process.factored:
        return _structure_of_factors(process)
    if process.generalized:
        circle = unit_circle(process)
        simple = int((abs(circle - 1) < TOLERANCE).sum()) == 1
        if simple:
            return Structure(True, True, len(circle), False, ())
        parts = settled_components(process)
        if parts is None:
            return Structure(False, False, 1, False, ())
        return Structure(len(parts) == 1, False, lcm(*(structure(part).period for _, part in parts)), False, ())

    T, states = process.transitions(), len(process.states)
    relevant = reachable(T, support(process), states)
    closed = [members for members in closed_classes(T, states) if members & relevant]
    return Structure(
        ergodic=len(closed) == 1,
        irreducible=len(components(T, states)) == 1,
        period=lcm(*(period(T, members) for members in closed)),
        unifilar=is_unifilar(process),
        unreachable=tuple(i for i in range(states) if i not in relevant),
    )


def _structure_of_factors(process: Process) -> Structure:
    """Chains side by side are ergodic together if each is and their phases are locked; their period is the least common one."""
    parts = [structure(factor) for factor in process.factors]
    running = [long_run(factor) for factor in process.factors]
    known = [each for each in running if each is not None]
    return Structure(
        ergodic=len(known) == len(running) and locked(known),
        irreducible=all(part.irreducible for part in parts) and coprime([part.period for part in parts]),
        period=lcm(*(part.period for part in parts)),
        unifilar=all(part.unifilar for part in parts),
        unreachable=() if process.generalized else _unreachable_together(process),
    )


def long_run(process: Process) -> Phases | None:
    """The phases in which the process' chain runs in the long run; None if it has several ergodic components. Of a
    generalized HMM nothing is known of the phase."""
    if not process.generalized:
        return phases(process)
    about = structure(process)
    return Phases(about.period, frozenset(range(about.period))) if about.ergodic else None


def _unreachable_together(process: Process) -> tuple[int, ...]:
    """The joint states that do not occur: those whose parts are possible after no common number of tokens. Where the numbers of
    tokens are too many to be followed, only those that have a part which never occurs."""
    if all(all(factor.start) for factor in process.factors):
        return ()
    courses = [course_of_states(factor) for factor in process.factors]
    found = steps_of_places(courses)
    masks = found[0] if found is not None else [dict.fromkeys(frozenset().union(*each.places), 1) for each in courses]
    together = [-1]
    for factor, known in zip(process.factors, masks, strict=True):
        own = [known.get(i, 0) for i in range(len(factor.states))]
        together = [common & mask for common in together for mask in own]
    return tuple(i for i, common in enumerate(together) if not common)


@once
def ergodic_components(process: Process) -> tuple[Component, ...]:
    """The closed classes that the start leads to, each as a stationary process of its own states and all tokens, with the
    probability of ending there."""
    if process.generalized:
        try:
            if process.start_kind == "given" or int((abs(unit_circle(process) - 1) < TOLERANCE).sum()) == 1:
                return (Component(1.0, stationary_version(process)),)
        except EigenvectorError:
            pass
        # Where the components are not found, the whole stands for them.
        parts = settled_components(process)
        return (Component(1.0, process),) if parts is None else tuple(Component(*part) for part in parts)
    T, states = process.transitions(), len(process.states)
    relevant = reachable(T, support(process), states)
    closed = [sorted(members) for members in closed_classes(T, states) if members & relevant]
    if len(closed) == 1:
        return (Component(1.0, _restricted(process, closed[0])),)
    shares = _absorption(process, closed)
    return tuple(Component(float(share), _restricted(process, members)) for share, members in zip(shares, closed, strict=True))


def mean_absorption_time(process: Process) -> float:
    """The mean number of tokens after which the process is in a closed class, which it never leaves: 0 where it begins in one.
    Raises ValueError for a generalized HMM, which has no states, and for a product, whose factors settle one after another."""
    import numpy as np

    if process.generalized or process.factored:
        what = "is a generalized HMM, without states" if process.generalized else "is a product: ask each of its factors"
        raise ValueError(f"{process.name} {what}")
    transitions, states = process.transitions(), len(process.states)
    inside = frozenset().union(*closed_classes(transitions, states))
    transient = sorted(reachable(transitions, support(process), states) - inside)
    if not transient:
        return 0.0
    T = process.T.sum(axis=0)[np.ix_(transient, transient)]
    return float(process.eta[transient] @ np.linalg.solve(np.eye(len(transient)) - T, np.ones(len(transient))))


def _restricted(process: Process, members: list[int]) -> Process:
    """One closed class as a process. If it is the whole process, in its stationary start, that very object."""
    if len(members) == len(process.states) and process.start_kind == "stationary":
        return process
    place = {state: k for k, state in enumerate(members)}
    operators = tuple(
        {(place[i], place[j]): value for (i, j), value in entries.items() if i in place and value}
        for entries in process.operators
    )
    T: dict[tuple[int, int], Scalar] = {}
    for entries in operators:
        for ends, value in entries.items():
            T[ends] = T[ends] + value if ends in T else value
    start = stationary_distribution(T, len(members))
    return Process(process.name, process.tokens, tuple(process.states[i] for i in members), operators, start)


def _absorption(process: Process, closed: list[list[int]]) -> Float64[np.ndarray, " component"]:
    """Pr(the process ends in each closed class)."""
    import numpy as np

    T = process.T.sum(axis=0)
    inside = {state for members in closed for state in members}
    relevant = reachable(process.transitions(), support(process), len(process.states))
    transient = [i for i in sorted(relevant) if i not in inside]
    shares = np.array([process.eta[members].sum() for members in closed])
    if transient:
        leaving = np.array([[T[i, members].sum() for members in closed] for i in transient])
        visits = np.linalg.solve(np.eye(len(transient)) - T[np.ix_(transient, transient)].T, process.eta[transient])
        shares += visits @ leaving
    return np.asarray(shares / shares.sum())
