"""Entropies of what a process emits: by block length, and the rate that they settle to.

h_n = H[X_n | X_1 … X_{n-1}], the myopic entropy, is what an observer of n - 1 tokens does not know of the next; from a stationary
start it falls to the entropy rate h. H(n) = h_1 + … + h_n is the block entropy (Crutchfield & Feldman 2003).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log
from typing import TYPE_CHECKING

import numpy as np

from hmmdsl.process.algebra.long_run import long_run_machine
from hmmdsl.process.ensemble import Ensemble, entropy_nats, follow, from_known_state, from_start, largest_ensemble, settle
from hmmdsl.process.measure import NUMERICAL_ERROR, SHOWN
from hmmdsl.process.mixed_states import MixedStates, mixed_state_presentation
from hmmdsl.process.notation import plus_minus
from hmmdsl.process.once import once
from hmmdsl.process.poisson import solve_poisson
from hmmdsl.process.process import Process, each_once
from hmmdsl.process.quantum_memory import MERGED_DEPTH, Remainder, merged_bounds, most_still_told
from hmmdsl.process.stationary import stationary_distribution
from hmmdsl.process.structure import Component, ergodic_components, is_unifilar

if TYPE_CHECKING:
    from jaxtyping import Float64

LN2 = log(2)

DEEPEST = 2000
"""Longest words that bounds are computed from."""

BELIEFS_FOLLOWED = 3000
"""Beliefs of a mixed-state presentation that are followed to see whether it closes."""

WORK_FOLLOWED = 1_500_000
"""Products of integers that this may take."""

STEADY_BELIEFS, STEADY_WORK = 20_000, 10_000_000
"""Where no more beliefs come with each further token, so that it may close."""

SETTLED_BELIEFS = 3000
"""Most beliefs of a coarse ensemble that stands for the stationary distribution."""

SETTLED_WORK = 1_000_000_000
"""Most multiplications that settling may take; processes with so many states that few beliefs could be kept go without."""

SETTLED_DEPTH = 80
"""Further tokens that it has read."""

MET = 1e-12
"""Bounds this close (in nats) determine the rate."""


STILL = 20
"""An upper bound that falls by no more than that over so many tokens has settled."""


@dataclass(frozen=True)
class EntropyRate:
    """The entropy rate in bits per token.

    `lower_bits` and `upper_bits` are proven, up to rounding. `error_bits` is the error of the value: rounding where `exact`, and
    where not an estimate, never more than the bounds allow. `exact` says that the value is a finite sum over a unifilar
    presentation, or the meeting point of the bounds; it is never said of a process with floats, which is `numerical`. `method`
    tells in words. `terms` are the rates that it is the sum of, those of a product's factors, or the mean of, those of its
    ergodic components. `excess_bits` are bounds on the excess entropy, where they are found on the way.
    """

    value_bits: float
    lower_bits: float
    upper_bits: float
    error_bits: float
    exact: bool
    method: str
    terms: tuple[EntropyRate, ...] = ()
    excess_bits: tuple[float, float] | None = None
    numerical: bool = False

    @property
    def error_text(self) -> str:
        """How far the value may be off, its bounds, and how that is known; nothing where it is exact."""
        if self.exact:
            return ""
        if self.numerical and max(self.error_bits, self.upper_bits - self.lower_bits) < SHOWN:
            return "numerical"
        proven = self.error_bits >= (self.upper_bits - self.lower_bits) / 2 * (1 - 1e-9)
        how = ("within bounds" if proven else "estimated") + (", numerical" if self.numerical else "")
        return f"{plus_minus(self.error_bits)} bits ({how}), between {self.lower_bits:.9f} and {self.upper_bits:.9f}"

    @property
    def value_nats(self) -> float:
        """The rate in nats per token."""
        return self.value_bits * LN2


@dataclass(frozen=True)
class MyopicEntropies:
    """h_1, h_2, … in bits; shorter than asked for where the words became too many."""

    bits: tuple[float, ...]

    @property
    def nats(self) -> tuple[float, ...]:
        """h_1, h_2, … in nats."""
        return tuple(value * LN2 for value in self.bits)

    @property
    def block_bits(self) -> tuple[float, ...]:
        """The block entropies H(1), H(2), … in bits."""
        return tuple(float(value) for value in np.cumsum(self.bits))


@once
def followed_beliefs(process: Process) -> MixedStates:
    """The mixed-state presentation within the budget that is spent on finding whether it closes: a larger one where no more
    beliefs come with each further token, as in the long waits of a ring of states."""
    found = mixed_state_presentation(process, BELIEFS_FOLLOWED, max_work=WORK_FOLLOWED)
    new = np.diff(found.sizes)
    if found.closed or found.blurred or len(new) < 2 or new[-1] > new[-2] or found.sizes[-1] + new[-1] <= BELIEFS_FOLLOWED:
        return found
    return mixed_state_presentation(process, STEADY_BELIEFS, max_work=STEADY_WORK)


def myopic_entropies(process: Process, count: int, largest: int | None = None) -> MyopicEntropies:
    """h_1 … h_count from the process' start, over all words, with equal beliefs merged. A level that might have more than
    `largest` beliefs ends the row. Those of independent factors add."""
    if process.factored:
        of_factors = each_once(process.factors, lambda factor: myopic_entropies(factor, count, largest).bits)
        return MyopicEntropies(tuple(sum(same) for same in zip(*of_factors, strict=False)))
    limit = largest_ensemble(process) if largest is None else largest
    levels = follow(process, from_start(process), limit, count - 1)
    return MyopicEntropies(tuple(ensemble.entropy_nats() / LN2 for ensemble in levels))


def entropy_rate(process: Process, presentation: MixedStates | None = None) -> EntropyRate:
    """The limit of H(n) / n, between its bounds, exact where it can be. With floats it is numerical."""
    found = _entropy_rate(process, presentation)
    lower, upper = min(found.lower_bits, found.value_bits), max(found.upper_bits, found.value_bits)
    found = replace(found, lower_bits=lower, upper_bits=upper, error_bits=max(0.0, found.error_bits))
    if process.exact:
        return found
    return replace(found, exact=False, numerical=True, error_bits=max(found.error_bits, NUMERICAL_ERROR))


def _entropy_rate(process: Process, presentation: MixedStates | None = None) -> EntropyRate:
    """The rate as if floats were exact.

    Of several ergodic components the rates are averaged. For each: a unifilar presentation gives
    h = -sum_i pi_i sum_x Pr(x|i) log Pr(x|i) (Shannon 1948); a closed mixed-state presentation is unifilar too. Else the
    process has infinitely many beliefs, and h lies between H[X_n | X_<n, S_0] and H[X_n | X_<n] (Cover & Thomas 2006,
    Theorem 4.5.1); a generalized HMM has no states to be told, but what its past still tells after k tokens is bounded (see
    quantum_memory.py), and the excess of h_{k+1}, ..., h_n over h is a part of that. If the bounds do not meet, the value within
    is found from a Poisson equation (see poisson.py) with an estimated error.

    Of a product it is the sum of its factors', since H(n) is. `presentation` is the process' mixed-state presentation, if the
    caller has it already.
    """
    if process.factored:
        return _sum_of_rates(each_once(process.factors, entropy_rate))
    parts = [(part.probability, _component_rate(part, process, presentation)) for part in ergodic_components(process)]
    if len(parts) == 1:
        return parts[0][1]
    return EntropyRate(
        value_bits=sum(p * rate.value_bits for p, rate in parts),
        lower_bits=sum(p * rate.lower_bits for p, rate in parts),
        upper_bits=sum(p * rate.upper_bits for p, rate in parts),
        error_bits=sum(p * rate.error_bits for p, rate in parts),
        exact=all(rate.exact for _, rate in parts),
        method=f"mean over {len(parts)} ergodic components: " + "; ".join(sorted({rate.method for _, rate in parts})),
        terms=tuple(rate for _, rate in parts),
    )


def _sum_of_rates(rates: list[EntropyRate]) -> EntropyRate:
    return EntropyRate(
        value_bits=sum(rate.value_bits for rate in rates),
        lower_bits=sum(rate.lower_bits for rate in rates),
        upper_bits=sum(rate.upper_bits for rate in rates),
        error_bits=sum(rate.error_bits for rate in rates),
        exact=all(rate.exact for rate in rates),
        method=f"sum over {len(rates)} independent factors: " + "; ".join(sorted({rate.method for rate in rates})),
        terms=tuple(rates),
    )


def _component_rate(component: Component, whole: Process, presentation: MixedStates | None) -> EntropyRate:
    process = component.process
    if is_unifilar(process):
        rows = process.emission
        return _exactly(float(process.eta @ entropy_nats(rows)), "unifilar presentation")
    msp = presentation if presentation is not None and process is whole else followed_beliefs(process)
    weights = recurrent_weights(msp)
    if weights is not None:
        next_token = msp.belief @ process.emission
        return _exactly(float(weights @ entropy_nats(next_token)), f"closed mixed-state presentation of {len(msp):,} beliefs")
    machine = long_run_machine(process)
    if machine is not None:
        states = machine.process
        return _exactly(
            float(states.eta @ entropy_nats(states.emission)), f"epsilon-machine of {len(states.states):,} causal states"
        )
    return _bounded_rate(process)


def _exactly(nats: float, method: str) -> EntropyRate:
    bits = nats / LN2 + 0.0
    return EntropyRate(bits, bits, bits, 1e-15 * (1 + bits), True, method)


def recurrent_weights(msp: MixedStates) -> Float64[np.ndarray, " belief"] | None:
    """The long-run share of each belief in a closed presentation (zero for transient ones); None if it is not closed, too large
    to solve, or settles in one of several classes."""
    if msp.recurrent is None or int(msp.recurrent.sum()) > BELIEFS_FOLLOWED:
        return None
    transitions: dict[tuple[int, int], float] = {}
    for source, target, probability in zip(msp.source.tolist(), msp.target.tolist(), msp.probability.tolist(), strict=True):
        transitions[source, target] = transitions.get((source, target), 0.0) + probability
    try:
        return np.array([float(value) for value in stationary_distribution(transitions, len(msp))])
    except ValueError:
        return None


def _bounded_rate(process: Process) -> EntropyRate:
    """Both bounds to the greatest depth in the budget, and the value between them."""
    upper: list[Ensemble] = []
    lower: list[Ensemble] = []
    high, low = float("inf"), 0.0
    largest_token = log(len(process.tokens)) if len(process.tokens) > 1 else 0.0
    largest = largest_ensemble(process)
    above = follow(process, from_start(process), largest, DEEPEST)
    # The dimensions of a generalized HMM are no states that an observer could be told.
    below = iter(()) if process.generalized else follow(process, from_known_state(process), largest, DEEPEST)
    told = _Told(most_still_told(process)) if process.generalized and process.start_kind == "stationary" else None
    going = True
    while going:
        following, known = next(above, None), next(below, None)
        going = following is not None or known is not None
        if following is not None:
            upper.append(following)
            high = min(high, following.entropy_nats() + following.lost * largest_token)
            if told is not None:
                low = max(low, told.least_rate(following))
        if known is not None:
            lower.append(known)
            low = max(low, known.entropy_nats())
        if high - low <= MET:
            break
        if process.generalized and len(upper) > STILL:
            # The lower bound may be far below; an upper one that has stopped falling is the value.
            change = abs(upper[-1].entropy_nats() - upper[-1 - STILL].entropy_nats())
            if change < MET:
                value, error = high / LN2, (MET + STILL * change) / LN2
                method = f"upper bound that has settled at depth {len(upper)}"
                return EntropyRate(value, min(low / LN2, value), value, error, False, method)
    depth = max(len(upper), len(lower))
    if high - low <= MET:
        value = max(0.0, (low + high) / 2) / LN2
        method = f"bounds that meet at depth {depth}"
        return EntropyRate(value, min(low / LN2, value), max(high / LN2, value), MET / LN2, True, method)
    merged = merged_bounds(process) if process.generalized else None
    if merged is not None:
        low, high = max(low, merged.rate[0]), min(high, merged.rate[1])
    solution = None
    beliefs = min(SETTLED_BELIEFS, SETTLED_WORK // (SETTLED_DEPTH * len(process.tokens) * len(process.states) ** 2))
    if beliefs >= SETTLED_BELIEFS // 10:
        first = [ensemble for ensemble in upper if len(ensemble.weight) <= beliefs][-1]
        fine, cells = settle(process, first, beliefs, SETTLED_DEPTH)
        coarse, _ = settle(process, first, beliefs, SETTLED_DEPTH, cells / 2)
        high = min(high, fine.entropy_nats() + fine.lost * largest_token)
        solution = solve_poisson(process, upper[:60], (lower or upper)[:60], (fine, coarse), SETTLED_DEPTH)
    width = (high - low) / 2
    bounds = f"bounds at depth {depth}" if merged is None else f"bounds over merged beliefs to depth {MERGED_DEPTH}"
    if solution is None or solution.error_nats > width or not low <= solution.rate_nats <= high + solution.error_nats:
        value, error, method = (low + high) / 2, width, f"middle of the {bounds}"
    else:
        value, error = min(solution.rate_nats, high), solution.error_nats
        over = f", residual over {solution.drawn:,} drawn beliefs" if solution.drawn else ""
        method = f"Poisson equation on {solution.polynomials} polynomials of degree {solution.degree}{over}; {bounds}"
    excess = None if merged is None else (merged.excess[0] / LN2, merged.excess[1] / LN2)
    return EntropyRate(value / LN2, low / LN2, high / LN2, error / LN2, False, method, excess_bits=excess)


class _Told:
    """Lower bounds on the rate of a stationary process from what its past still tells after so many tokens: with R_k at least
    sum_{n > k} (h_n - h), and no term negative, h >= (h_{k+1} + ... + h_n - R_k) / (n - k)."""

    def __init__(self, still_told: Remainder) -> None:
        self._still_told = still_told
        self._sums: list[float] = [0.0]
        self._rests: list[float] = []

    def least_rate(self, ensemble: Ensemble) -> float:
        """The best bound in nats, with the ensemble after one token more than last time."""
        self._rests.append(self._still_told(ensemble))
        self._sums.append(self._sums[-1] + ensemble.entropy_nats())
        n = len(self._rests)
        since = self._sums[n] - np.array(self._sums[:n])
        return float(((since - np.array(self._rests)) / np.arange(n, 0, -1)).max())
