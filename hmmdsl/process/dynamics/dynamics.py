"""All that is told of how an observer synchronizes, and of where beliefs go in the long run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hmmdsl.process.algebra.product import in_full
from hmmdsl.process.complexity import Complexity
from hmmdsl.process.dynamics.cardinality import Cardinality, cardinality
from hmmdsl.process.dynamics.causal_machine import CausalMachine, causal_machine
from hmmdsl.process.dynamics.cloud import BeliefCloud, belief_cloud
from hmmdsl.process.dynamics.dimension import DimensionFit, box_counting, in_order, of_set_and_measure
from hmmdsl.process.dynamics.lyapunov import Lyapunov, lyapunov
from hmmdsl.process.dynamics.predictive_form import predictive_form
from hmmdsl.process.dynamics.synchronization import Order, Synchronization, synchronization
from hmmdsl.process.dynamics.transients import Transients, transients
from hmmdsl.process.effort import told_with, too_large
from hmmdsl.process.entropies import EntropyRate, followed_beliefs
from hmmdsl.process.measure import EXACT_ERROR, Measure, numerical
from hmmdsl.process.mixed_states import MixedStates
from hmmdsl.process.structure import ergodic_components

if TYPE_CHECKING:
    from hmmdsl.process.process import Process

LARGEST_PRODUCT = 512
"""States times tokens of the largest product whose joint beliefs are followed."""

LARGEST_STATES = 300
"""States of the largest process whose predictive form is found (about a second)."""


@dataclass(frozen=True)
class Dynamics:
    """Of a process' one ergodic component; where there are several, only what adds up over them, and None with a `reason` for the
    rest.

    crypticity, cryptic_order      chi = C_mu - E, and its order (see pairs.py)
    transient_information          T, in bits times tokens
    numerical                      the process has floats, so that counts, orders and kinds are not proven
    transients                     of the mixed states from the process' own start; None if these do not close
    """

    crypticity: Measure
    cryptic_order: Order
    transient_information: Measure
    synchronization: Synchronization | None
    transients: Transients | None
    cardinality: Cardinality | None
    cloud: BeliefCloud | None
    box_counting: DimensionFit
    information: DimensionFit
    lyapunov: Lyapunov | None
    reason: str
    tokens: tuple[str, ...]
    numerical: bool = False


def dynamics(
    process: Process, presentation: MixedStates | None, rate: EntropyRate, stored: Complexity, effort: float = 1.0
) -> Dynamics:
    """Compute everything, in a second or two where the beliefs are uncountable, else in a fraction of it. `presentation` are
    the process' mixed states, `rate` its entropy rate and `stored` its complexity, from the same process. A product whose
    joint beliefs were not followed is followed if it is small, else only what adds up over factors is told."""
    found = _dynamics(process, presentation, rate, stored, effort)
    if process.exact:
        return found
    known = found.synchronization
    if known is not None:
        known = replace(known, information=numerical(known.information))
    return replace(found, crypticity=numerical(found.crypticity), synchronization=known, numerical=True)


def _dynamics(
    process: Process, presentation: MixedStates | None, rate: EntropyRate, stored: Complexity, effort: float
) -> Dynamics:
    """Everything, whether floats were compared or not."""
    if presentation is None:
        if len(process.states) * len(process.tokens) > LARGEST_PRODUCT:
            reason = f"a product of {len(process.states):,} joint states: ask each factor"
            return _only_sums(process, stored, reason)
        process = in_full(process)
        presentation = followed_beliefs(process)
    if too_large(process, effort):
        return replace(_only_sums(process, stored, told_with(process)), transients=transients(presentation))
    components = ergodic_components(process)
    if len(components) > 1:
        reason = f"the process settles into one of {len(components)} ergodic components"
        fit = DimensionFit(None, reason=reason)
        crypticity = _crypticity(stored, None)
        T = stored.transient_information
        return Dynamics(crypticity, None, T, None, transients(presentation), None, None, fit, fit, None, reason, process.tokens)
    component = components[0].process
    msp = presentation if component is process else followed_beliefs(component)
    machine = causal_machine(component)
    known = synchronization(component, machine)
    kind = _cardinality(component, machine, msp)
    cloud, box, measure, exponents = _geometry(component, kind, msp, rate)
    return Dynamics(
        crypticity=_crypticity(stored, kind),
        cryptic_order=known.cryptic_order,
        transient_information=stored.transient_information,
        synchronization=known,
        transients=transients(presentation),
        cardinality=kind,
        cloud=cloud,
        box_counting=box,
        information=measure,
        lyapunov=exponents,
        reason="",
        tokens=process.tokens,
    )


def _only_sums(process: Process, stored: Complexity, reason: str) -> Dynamics:
    """Crypticity and transient information, which add over independent factors; the reason for the rest."""
    fit = DimensionFit(None, reason=reason)
    crypticity = _crypticity(stored, None)
    return Dynamics(
        crypticity, None, stored.transient_information, None, None, None, None, fit, fit, None, reason, process.tokens
    )


def _crypticity(stored: Complexity, kind: Cardinality | None) -> Measure:
    """chi = C_mu - E, what the present's causal state knows of the past that the future does not show (Crutchfield, Ellison &
    Mahoney 2009)."""
    C, E = stored.statistical_complexity, stored.excess_entropy
    if C.bits is None or E.bits is None:
        if kind is not None and kind.kind == "uncountable":
            return Measure(None, reason="infinite, as the statistical complexity is")
        return Measure(None, reason=C.reason or E.reason)
    error = C.error_bits + E.error_bits
    value = max(0.0, C.bits - E.bits)
    if value < EXACT_ERROR:
        value = 0.0
    found = Measure(value, C.exact and E.exact, error)
    if E.upper_bits is not None and E.lower_bits is not None and not found.exact:
        high, low = C.bits + C.error_bits, C.bits - C.error_bits
        if C.exact or C.upper_bits is not None:
            found = replace(found, lower_bits=max(0.0, low - E.upper_bits), upper_bits=max(0.0, high - E.lower_bits))
    return found


def _cardinality(component: Process, machine: CausalMachine | None, msp: MixedStates) -> Cardinality:
    if machine is not None:
        count = len(machine)
        reason = f"{count:,} causal state{'' if count == 1 else 's'}"
        return Cardinality("finite", component.exact, reason if component.exact else f"{reason} (numerical)", None, msp.sizes)
    if len(component.states) > LARGEST_STATES:
        reason = f"{len(component.states):,} states are too many to tell"
        return Cardinality("undecided", False, reason, None, msp.sizes)
    return cardinality(component, predictive_form(component), msp.sizes)


def _geometry(
    component: Process, kind: Cardinality, msp: MixedStates, rate: EntropyRate
) -> tuple[BeliefCloud | None, DimensionFit, DimensionFit, Lyapunov]:
    """The cloud with its dimensions and the Lyapunov spectrum; none of it where the long-run beliefs are finite in number."""
    if msp.closed or kind.kind == "finite":
        reason = "finitely many beliefs in the long run" if msp.closed else "finitely many causal states"
        point = DimensionFit(0.0, 0.0, reason=reason) if msp.closed else DimensionFit(None, reason=reason)
        return None, point, point, Lyapunov((), (), point.dimension, point.error, False, 0, reason)
    exponents = lyapunov(component, rate)
    cloud = belief_cloud(component)
    if kind.kind == "countable":
        reason = "countably many causal states carry all probability"
        return cloud, DimensionFit(None, reason=reason), DimensionFit(0.0, 0.0, reason=reason), exponents
    if cloud is None:
        none = DimensionFit(None, reason=f"{len(component.states):,} states are too many for a cloud of beliefs")
        return None, none, none, exponents
    box, measure = of_set_and_measure(cloud.belief)
    box, measure = in_order(_of_the_set(component, box), measure, exponents.dimension)
    return cloud, box, measure, exponents


def _of_the_set(component: Process, of_cloud: DimensionFit) -> DimensionFit:
    """The box-counting dimension from the cloud, or from one that reaches the rarely visited beliefs: whichever is surer."""
    even = belief_cloud(component, evenly=True)
    fits = [of_cloud] if even is None else [of_cloud, box_counting(even.belief)]
    return min(fits, key=lambda fit: float("inf") if fit.error is None else fit.error)
