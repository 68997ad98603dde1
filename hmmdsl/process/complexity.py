"""How much of its past a process stores, and how much of it shows in the future.

The statistical complexity C_mu is the entropy of the causal states, the classes of pasts that predict the same future; the excess
entropy E = sum_n (h_n - h) is the mutual information between past and future, and at most C_mu (Crutchfield & Young 1989;
Crutchfield & Feldman 2003).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from hmmdsl.process.algebra.canonical import LARGEST_NUMERICAL, canonical_dimension, orthonormal
from hmmdsl.process.algebra.entries import right_of
from hmmdsl.process.algebra.epsilon_machine import EpsilonMachine, epsilon_machine
from hmmdsl.process.algebra.long_run import long_run_machine, shows_its_states
from hmmdsl.process.dynamics.cardinality import cardinality
from hmmdsl.process.dynamics.predictive_form import predictive_form
from hmmdsl.process.dynamics.renewal import renewal_complexity
from hmmdsl.process.effort import told_with, too_large
from hmmdsl.process.ensemble import entropy_nats
from hmmdsl.process.entropies import LN2, WORK_FOLLOWED, EntropyRate, followed_beliefs, recurrent_weights
from hmmdsl.process.excess_entropy import PastAndFuture, by_depth, pushed, solved, solved_from_start
from hmmdsl.process.measure import Measure, at_most, mean_measure, numerical
from hmmdsl.process.mixed_states import MixedStates
from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.structure import Component, ergodic_components, is_unifilar

LARGEST_SOLVED = 1500
"""Most beliefs for which a linear system is solved; of more the shares are followed by depth."""


@dataclass(frozen=True)
class Complexity:
    """C_mu, E (in bits) and the transient information T (in bits times tokens) of the process in the long run, and the number of
    causal states (None: infinite or unknown)."""

    statistical_complexity: Measure
    excess_entropy: Measure
    transient_information: Measure
    causal_states: int | None


def complexity(process: Process, rate: EntropyRate, presentation: MixedStates | None = None, effort: float = 1.0) -> Complexity:
    """C_mu, E and T of what the process settles into; None with a reason where they cannot be had. With floats they are
    numerical, and so is the number of causal states."""
    found = _complexity(process, rate, presentation, effort)
    if process.exact:
        return found
    return Complexity(
        numerical(found.statistical_complexity),
        numerical(found.excess_entropy),
        numerical(found.transient_information),
        found.causal_states,
    )


def _complexity(process: Process, rate: EntropyRate, presentation: MixedStates | None = None, effort: float = 1.0) -> Complexity:
    """C_mu, E and T as if floats were exact.

    C_mu comes from the epsilon-machine; a process with a word that resets the belief has it from the words since then (see
    dynamics/renewal.py). E and T are solved on closed mixed states, of the process or of the machine, else summed by depth. Where
    the future shows the machine's states, E is C_mu. What takes long of a large process needs an `effort` to match it.
    """
    components = ergodic_components(process)
    if len(components) > 1:
        return _of_several(process, components, rate, presentation, effort)
    component = components[0].process
    msp = presentation if presentation is not None and component is process else followed_beliefs(component)
    large = too_large(component, effort)
    machine = long_run_machine(component) if not large or is_unifilar(component) else None
    if machine is None and msp.closed:
        # The causal states of a closed presentation are finite in number, though more than are looked for everywhere.
        found = epsilon_machine(component, len(msp), WORK_FOLLOWED)
        machine = found if isinstance(found, EpsilonMachine) and all(found.recurrent) else None
    if machine is None:
        shared = _past_and_future(component, msp, rate)
        stored = Measure(None, reason=told_with(component)) if large else _infinite(component, msp)
        return Complexity(stored, shared.excess_entropy, shared.transient_information, None)
    bits = machine.statistical_complexity_bits or 0.0
    shared = _past_and_future(component, msp, rate, machine)
    # Whatever it is that the present state stores, the future can't show more of it.
    excess = Measure(bits) if shows_its_states(machine) else at_most(shared.excess_entropy, bits)
    return Complexity(Measure(bits), excess, shared.transient_information, machine.causal_states)


def _past_and_future(
    component: Process, msp: MixedStates, rate: EntropyRate, machine: EpsilonMachine | None = None
) -> PastAndFuture:
    """E and T from mixed states that close, those of the process or those of its machine; else by depth."""
    found = _on_presentation(msp)
    if found is not None:
        return found
    if machine is None:
        return by_depth(component, rate)
    own = machine.process
    if component.generalized or len(own.states) < len(component.states) or not is_unifilar(component):
        found = _on_presentation(followed_beliefs(own))
    return by_depth(own, rate) if found is None else found


def _on_presentation(msp: MixedStates) -> PastAndFuture | None:
    """E and T of mixed states that close."""
    weights = recurrent_weights(msp)
    if weights is None:
        return None
    return solved(msp, weights) if len(msp) <= LARGEST_SOLVED else pushed(msp, weights)


def _of_several(
    process: Process, components: Sequence[Component], rate: EntropyRate, presentation: MixedStates | None, effort: float
) -> Complexity:
    """Of a process that settles into one of several. Infinite words of one are none of another: past and future both tell which
    it is, so with p their probabilities C_mu = H[p] + sum p C_mu, and E = H[p] + sum p E. Equal components are one. T is solved
    on closed mixed states: it is sum p T and how long the component stays unknown."""
    apart = _distinct(components, rate.terms)
    if apart is None:
        none = Measure(None, reason=f"the {len(components)} ergodic components are too large to see which of them are equal")
        return Complexity(none, none, none, None)
    found = [complexity(component.process, own, effort=effort) for component, own in apart]
    if len(found) == 1:
        return found[0]
    shares = [component.probability for component, _ in apart]
    which = float(entropy_nats(np.array(shares))) / LN2
    states = [each.causal_states for each in found]
    reason = f"how long it takes to tell the {len(apart)} ergodic components apart is not summed where beliefs do not close"
    transient = Measure(None, reason=reason)
    if process.start_kind == "stationary":
        msp = presentation if presentation is not None else followed_beliefs(process)
        if msp.closed and len(msp) <= LARGEST_SOLVED:
            transient = solved_from_start(msp).transient_information
    return Complexity(
        mean_measure(which, shares, [each.statistical_complexity for each in found]),
        mean_measure(which, shares, [each.excess_entropy for each in found]),
        transient,
        None if None in states else sum(count or 0 for count in states),
    )


def _distinct(components: Sequence[Component], rates: Sequence[EntropyRate]) -> list[tuple[Component, EntropyRate]] | None:
    """Components and their rates, equal ones together; None where it is too much work to see whether two are equal."""
    found: list[tuple[Component, EntropyRate]] = []
    for component, rate in zip(components, rates, strict=True):
        for k, (known, own) in enumerate(found):
            equal = same_words(known.process, component.process)
            if equal is None:
                return None
            if equal:
                found[k] = (replace(known, probability=known.probability + component.probability), own)
                break
        else:
            found.append((component, rate))
    return found


def _infinite(component: Process, msp: MixedStates) -> Measure:
    """C_mu of a process whose causal states were not found to be finite in number."""
    form = predictive_form(component)
    kind = cardinality(component, form, msp.sizes)
    if kind.reset_word is not None:
        return renewal_complexity(form, kind.reset_word)
    if kind.kind == "uncountable":
        return Measure(None, reason="infinite: there are infinitely many causal states, uncountably many in the long run")
    return Measure(None, reason=f"more causal states than could be followed: {msp.sizes[-1]:,} beliefs, and then more")


EQUAL = 1e-8
"""Differences below this, over basis vectors of length one, are rounding where there are floats."""


def same_words(one: Process, other: Process) -> bool | None:
    """Whether every word has the same probability in both processes, of the same tokens; exact where both are, None where that is
    too much work.

    Side by side, with the start of the second negative, they give each word the difference of its probabilities; the Hankel
    matrix of that has rank 0 if and only if all differences are zero (Balasubramanian 1993).
    """
    if any(abs(a - b) > EQUAL for a, b in zip(one.eta @ one.emission, other.eta @ other.emission, strict=True)):
        return False
    difference = _difference(one, other)
    if difference.exact:
        rank = canonical_dimension(difference).rank
        return None if rank is None else rank == 0
    if len(difference.states) > LARGEST_NUMERICAL:
        return None
    return bool(abs(orthonormal(difference.eta, difference.T) @ difference.r).max() < EQUAL)


def _difference(one: Process, other: Process) -> Process:
    n = len(one.states)
    operators: list[dict[tuple[int, int], Scalar]] = []
    for first, second in zip(one.operators, other.operators, strict=True):
        shifted = {(n + i, n + j): value for (i, j), value in second.items() if value}
        operators.append({**{ends: value for ends, value in first.items() if value}, **shifted})
    return Process(
        name="difference",
        tokens=one.tokens,
        states=tuple(map(str, range(n + len(other.states)))),
        operators=tuple(operators),
        start=(*one.start, *(value * Fraction(-1) for value in other.start)),
        right=(*right_of(one), *right_of(other)),
    )
