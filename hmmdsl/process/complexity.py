"""How much of its past a process stores, and how much of it shows in the future.

The statistical complexity C_mu is the entropy of the causal states, the classes of pasts that predict the same future; the excess
entropy E = sum_n (h_n - h) is the mutual information between past and future, and at most C_mu (Crutchfield & Young 1989;
Crutchfield & Feldman 2003).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.algebra.same_words import same_words
from hmmdsl.process.dynamics.cardinality import cardinality
from hmmdsl.process.dynamics.predictive_form import predictive_form
from hmmdsl.process.dynamics.renewal import renewal_complexity
from hmmdsl.process.ensemble import entropy_nats
from hmmdsl.process.entropies import LN2, EntropyRate, followed_beliefs, recurrent_weights
from hmmdsl.process.excess_entropy import by_depth, solved, solved_from_start
from hmmdsl.process.measure import Measure, mean_measure
from hmmdsl.process.mixed_states import MixedStates
from hmmdsl.process.process import Process
from hmmdsl.process.structure import Component, ergodic_components, is_unifilar

if TYPE_CHECKING:
    from jaxtyping import Float64

EQUAL_PROBABILITY = 1e-10
"""Probabilities this close count as equal when states are told apart by what they emit."""

LARGEST_SOLVED = 1500
"""Most beliefs for which a linear system is solved; beyond, the sum over depths is taken."""


@dataclass(frozen=True)
class Complexity:
    """C_mu, E (in bits) and the transient information T (in bits times tokens) of the process in the long run, and the number of
    causal states (None: infinite or unknown)."""

    statistical_complexity: Measure
    excess_entropy: Measure
    transient_information: Measure
    causal_states: int | None


Edge = tuple[int, int, int, float]
"""Source, token, target and probability of a unifilar transition."""


def causal_partition(edges: Sequence[Edge], states: int) -> Float64[np.ndarray, " state"]:
    """The block of each state of a unifilar machine: the coarsest partition in which states of one block emit each token with one
    probability and go to one block by it (Moore 1956). Blocks are numbered by their first state."""
    following: list[list[tuple[int, int, int]]] = [[] for _ in range(states)]
    for source, token, target, probability in sorted(edges):
        following[source].append((token, round(probability / EQUAL_PROBABILITY), target))
    block = [0] * states
    count = 0
    while True:
        known: dict[tuple[object, ...], int] = {}
        block = [
            known.setdefault((block[i], *((token, p, block[j] if count else 0) for token, p, j in following[i])), len(known))
            for i in range(states)
        ]
        if len(known) == count:
            return np.array(block)
        count = len(known)


def complexity(process: Process, rate: EntropyRate, presentation: MixedStates | None = None) -> Complexity:
    """C_mu, E and T of what the process settles into; None with a reason where they cannot be had.

    C_mu comes from merging the states of a unifilar presentation (the process itself, or its closed mixed states); a process with
    a word that resets the belief has it from the words since then (see dynamics/renewal.py). E and T are solved on the closed
    mixed states, else summed by depth.
    """
    components = ergodic_components(process)
    if len(components) > 1:
        return _of_several(process, components, rate, presentation)
    component = components[0].process
    msp = presentation if presentation is not None and component is process else followed_beliefs(component)
    weights = recurrent_weights(msp)
    shared = by_depth(component, rate) if weights is None or len(msp) > LARGEST_SOLVED else solved(msp, weights)
    stored, states = _stored(component, msp, weights)
    return Complexity(stored, shared.excess_entropy, shared.transient_information, states)


def _of_several(
    process: Process, components: Sequence[Component], rate: EntropyRate, presentation: MixedStates | None
) -> Complexity:
    """Of a process that settles into one of several. Infinite words of one are none of another: past and future both tell which
    it is, so with p their probabilities C_mu = H[p] + sum p C_mu, and E = H[p] + sum p E. Equal components are one. T is solved
    on closed mixed states: it is sum p T and how long the component stays unknown."""
    apart = _distinct(components, rate.terms)
    if apart is None:
        none = Measure(None, reason=f"the {len(components)} ergodic components are too large to see which of them are equal")
        return Complexity(none, none, none, None)
    found = [complexity(component.process, own) for component, own in apart]
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


def _stored(component: Process, msp: MixedStates, weights: Float64[np.ndarray, " belief"] | None) -> tuple[Measure, int | None]:
    """C_mu, and the number of causal states."""
    if is_unifilar(component):
        edges = [
            (i, x, j, float(value)) for x, entries in enumerate(component.operators) for (i, j), value in entries.items() if value
        ]
        return _merged(edges, component.eta)
    if weights is not None:
        kept = {int(k): n for n, k in enumerate(np.flatnonzero(weights > 0))}
        every = zip(msp.source.tolist(), msp.token.tolist(), msp.target.tolist(), msp.probability.tolist(), strict=True)
        edges = [(kept[i], x, kept[j], p) for i, x, j, p in every if i in kept and j in kept]
        return _merged(edges, weights[list(kept)])
    form = predictive_form(component)
    kind = cardinality(component, form, msp.sizes)
    if kind.reset_word is not None:
        return renewal_complexity(form, kind.reset_word), None
    if kind.kind == "uncountable":
        return Measure(None, reason="infinite: there are infinitely many causal states, uncountably many in the long run"), None
    return Measure(None, reason=f"more causal states than could be followed: {msp.sizes[-1]:,} beliefs, and then more"), None


def _merged(edges: Sequence[Edge], weights: Float64[np.ndarray, " state"]) -> tuple[Measure, int]:
    """C_mu of a unifilar machine from its causal states."""
    block = causal_partition(edges, len(weights))
    shares = np.bincount(block, weights=weights)
    return Measure(abs(float(entropy_nats(shares))) / LN2), len(shares)
