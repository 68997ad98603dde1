"""How an observer comes to know the state of a process: state uncertainty by depth, its sum, and the words that end it.

U(L) = H[S_L | X_0:L] is what an observer of L tokens does not know of the causal state; the synchronization information is
S = sum_{L >= 0} U(L) (Crutchfield & Feldman 2003). A process is exactly synchronizable if some word tells the state for
certain; otherwise, if its causal states are finite in number, U(L) still falls exponentially (Travers & Crutchfield 2011a, b).
Where the causal states are not finite in number the states are those of the presentation, of which U(L) need not vanish.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hmmdsl.process.dynamics.pairs import StatePairs, state_pairs
from hmmdsl.process.dynamics.sync_time import SynchronizingWords, synchronizing_words
from hmmdsl.process.dynamics.transients import total_uncertainty_nats
from hmmdsl.process.ensemble import Ensemble, entropy_nats, follow, from_start, largest_ensemble
from hmmdsl.process.entropies import DEEPEST, LN2
from hmmdsl.process.measure import Measure, between
from hmmdsl.process.mixed_states import mixed_state_presentation

if TYPE_CHECKING:
    from hmmdsl.process.dynamics.causal_machine import CausalMachine
    from hmmdsl.process.process import Process

LISTED = 12
"""Lengths for which the uncertainty is given."""

SETTLED = 1e-13
"""An uncertainty (in nats) that is none."""

LARGEST_PRESENTATION, LARGEST_WORK = 1500, 500_000
"""Beliefs of a machine's mixed-state presentation, and products of numbers, that are followed."""

Order = int | Literal["infinite"] | None
"""A length of words; None where it is unknown."""


@dataclass(frozen=True)
class Synchronization:
    """Of an ergodic process from its stationary start.

    of                what is synchronized to: causal states, or hidden states where the former are not finite in number
    uncertainty_bits  H[state after L tokens | these tokens] for L = 0, 1, …
    information       their sum over all L
    markov_order      every word of so many tokens tells the state
    cryptic_order     as many last states are not told by the whole future (Mahoney et al. 2009)
    exactly           whether some word tells the state for certain
    shortest_word     the first of the shortest words that do
    mean_length       tokens until one has been read, on average
    unsynchronized    Pr(the first L tokens don't tell the state)
    rate              the uncertainty falls by this factor a token, or faster: of the words that leave several states possible
                      where some word tells the state, else from a bound over pairs of states
    reason            why something is unknown
    """

    of: Literal["causal states", "hidden states"]
    uncertainty_bits: tuple[float, ...]
    information: Measure
    markov_order: Order
    cryptic_order: Order
    exactly: bool | None
    shortest_word: tuple[str, ...] | None
    mean_length: float | None
    unsynchronized: tuple[float, ...] | None
    rate: float | None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain data; null where unknown, with the reason."""
        return {
            "of": self.of,
            "uncertainty": {"bits": list(self.uncertainty_bits)},
            "information": self.information.as_json(),
            "markov_order": self.markov_order,
            "exactly": self.exactly,
            "shortest_word": None if self.shortest_word is None else list(self.shortest_word),
            "mean_length": self.mean_length,
            "unsynchronized": None if self.unsynchronized is None else list(self.unsynchronized),
            "rate": self.rate,
            "reason": self.reason,
        }


def synchronization(process: Process, machine: CausalMachine | None) -> Synchronization:
    """To the causal states of a stationary ergodic process, or to its hidden states where there is no machine of the former."""
    if machine is None:
        return _hidden(process)
    pairs = state_pairs(machine)
    if pairs is None:
        bits, information = _by_depth(machine, None)
        reason = f"{len(machine):,} causal states are too many to follow their pairs"
        return Synchronization("causal states", bits, information, None, None, None, None, None, None, None, reason)
    bits, information = _by_depth(machine, pairs)
    words = synchronizing_words(machine) if pairs.exactly else SynchronizingWords(None, None, None, None)
    reason = "" if words.mean_length is not None or not pairs.exactly else "too many sets of possible states to follow"
    tokens = machine.process.tokens
    return Synchronization(
        of="causal states",
        uncertainty_bits=bits,
        information=information,
        markov_order="infinite" if pairs.markov_order is None else pairs.markov_order,
        cryptic_order="infinite" if pairs.cryptic_order is None else pairs.cryptic_order,
        exactly=pairs.exactly,
        shortest_word=None if words.shortest is None else tuple(tokens[x] for x in words.shortest),
        mean_length=words.mean_length,
        unsynchronized=words.unsynchronized,
        rate=words.rate if words.rate is not None else pairs.rate,
        reason=reason,
    )


def _by_depth(machine: CausalMachine, pairs: StatePairs | None) -> tuple[tuple[float, ...], Measure]:
    """H[S_L | X_0:L] by length, in bits, and their sum: exact on the closed mixed states, else by depth, with the bound over
    pairs of states on the rest."""
    process = machine.process
    msp = mixed_state_presentation(process, LARGEST_PRESENTATION, max_work=LARGEST_WORK)
    exact = None if msp.numerical else total_uncertainty_nats(msp)
    nats: list[float] = []
    last: Ensemble | None = None
    for ensemble in follow(process, from_start(process), largest_ensemble(process), DEEPEST):
        last = ensemble
        nats.append(max(0.0, float(ensemble.weight @ entropy_nats(ensemble.belief))))
        # Without pairs there is no bound on what is left, however deep.
        if nats[-1] < SETTLED or ((exact is not None or pairs is None) and len(nats) > LISTED):
            break
    bits = tuple(value / LN2 for value in nats[: LISTED + 1])
    if exact is not None:
        return bits, Measure(exact / LN2)
    before = sum(nats[:-1])
    rest = None if pairs is None or last is None else pairs.sum_of_uncertainty_nats(last)
    reason = f"the state uncertainty has not settled after {len(nats) - 1} tokens"
    if rest is None:
        return bits, Measure(None, reason=reason, lower_bits=(before + nats[-1]) / LN2)
    return bits, between(None, (before + nats[-1]) / LN2, (before + max(nats[-1], rest)) / LN2, reason)


def _hidden(process: Process) -> Synchronization:
    """By depth alone."""
    reason = "the causal states are not known to be finite in number"
    if process.generalized:
        reason += ", and a generalized HMM has no hidden states"
        return Synchronization("hidden states", (), Measure(None, reason=reason), *(None,) * 7, reason)
    levels = follow(process, from_start(process), largest_ensemble(process) // 4, LISTED)
    bits = tuple(float(level.weight @ entropy_nats(level.belief)) / LN2 for level in levels)
    return Synchronization("hidden states", bits, Measure(None, reason=reason), *(None,) * 7, reason)
