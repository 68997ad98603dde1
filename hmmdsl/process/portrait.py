"""Everything that can be said of a process in a page: what `hmmdsl show` tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

from hmmdsl.process.algebra.canonical import CanonicalDimension, canonical_dimension
from hmmdsl.process.complexity import Complexity, complexity
from hmmdsl.process.dynamics.dynamics import Dynamics, dynamics
from hmmdsl.process.effort import too_large
from hmmdsl.process.entropies import EntropyRate, MyopicEntropies, entropy_rate, followed_beliefs, myopic_entropies
from hmmdsl.process.generalized import stationary_version
from hmmdsl.process.independent import JointBeliefs, complexity_of_factors, joint_beliefs, joint_stationary
from hmmdsl.process.measure import MERGED_STATES, Measure
from hmmdsl.process.mixed_states import MixedStates
from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.stationary import closed_classes
from hmmdsl.process.structure import ergodic_components, mean_absorption_time, structure


@dataclass(frozen=True)
class BeliefCount:
    """The mixed states. `count` is their number, the start included, None where they do not close within `found` beliefs;
    `growth` is how many there are within each depth; `recurrent` how many are met for ever (None if not closed). `blurred`: some
    differ by so little that floats don't tell whether they are one, and how many there are is not known."""

    count: int | None
    found: int
    closed: bool
    closed_at: int | None
    growth: tuple[int, ...]
    recurrent: int | None
    numerical: bool
    blurred: bool = False

    @property
    def text(self) -> str:
        """Their number, or what is known of it, without how they were compared."""
        if self.count is not None:
            return f"{self.count:,}"
        return f"{self.found:,} told apart" if self.blurred else f"more than {self.found:,}"

    @property
    def note(self) -> str:
        """How far they were followed, and how they were compared."""
        if self.count is not None:
            met = "" if self.recurrent is None else f", {self.recurrent:,} of them met for ever"
            depth = f"{self.closed_at} token{'' if self.closed_at == 1 else 's'}"
            how = MERGED_STATES if self.numerical else "counted exactly"
            return f"the start included, closed after {depth}{met} ({how})"
        if self.blurred:
            return "others are as near to one of these as rounding: how many there are is not known (numerical)"
        return "not closed there, perhaps infinitely many " + ("(numerical)" if self.numerical else "(counted exactly)")


@dataclass(frozen=True)
class PartCount:
    """A part of a composed process: a `component` of a mixture or switch, or a `factor` of a product."""

    name: str
    role: Literal["component", "factor"]
    process: str
    states: int


LARGEST_SETTLING = 2000
"""States of a process whose settling is told, at most: its equations are solved as a dense matrix."""


@dataclass(frozen=True)
class Settling:
    """Into which closed classes a process settles: the probability of each, and the mean number of tokens until then."""

    probabilities: tuple[float, ...]
    mean_tokens: float


@dataclass(frozen=True)
class PortraitSource:
    """What a portrait was computed from: the process, its mixed states as far as they were followed (None of a product, whose
    joint beliefs are not made), its complexity, and the effort."""

    process: Process
    presentation: MixedStates | None
    stored: Complexity
    effort: float


@dataclass(frozen=True)
class Portrait:
    """What a process is. `stationary` is None where several closed classes of states leave it open. `unreachable` names the
    states that the start never leads to. `canonical` is the Hankel rank. `parts` are those of a composed process. `exact`: all
    numbers of the definition are rational, so beliefs were counted exactly."""

    name: str
    states: Sequence[str]
    tokens: tuple[str, ...]
    start: Sequence[Scalar]
    start_kind: Literal["stationary", "given"]
    stationary: Sequence[Scalar] | None
    ergodic: bool
    irreducible: bool
    period: int
    unifilar: bool
    unreachable: tuple[str, ...]
    beliefs: BeliefCount
    causal_states: int | None
    entropy_rate: EntropyRate
    statistical_complexity: Measure
    excess_entropy: Measure
    myopic_entropies: MyopicEntropies
    canonical: CanonicalDimension
    parts: tuple[PartCount, ...]
    exact: bool
    right: Sequence[Scalar] | None = None
    source: PortraitSource | None = field(default=None, compare=False, repr=False)

    @cached_property
    def dynamics(self) -> Dynamics:
        """Synchronization, crypticity and the geometry of the beliefs in the long run: computed when first asked for, in a second
        or two where the beliefs are uncountable. Raises ValueError for a portrait that was not computed from its process."""
        if self.source is None:
            raise ValueError(f"the portrait of {self.name} was made without its process: use `portrait(process)`")
        source = self.source
        return dynamics(source.process, source.presentation, self.entropy_rate, source.stored, source.effort)

    @cached_property
    def settling(self) -> Settling | None:
        """The closed classes of the states, where there are several, or where it begins in none; None of a product, whose factors
        settle one after another, and of a generalized HMM, which has no states."""
        process = None if self.source is None else self.source.process
        if process is None or process.generalized or process.factored or len(process.states) > LARGEST_SETTLING:
            return None
        tokens = mean_absorption_time(process)
        if self.ergodic and not tokens:
            return None
        return Settling(tuple(each.probability for each in ergodic_components(process)), tokens)

    @property
    def generalized(self) -> bool:
        """Whether it is a generalized HMM: `states` are dimensions, `start` and `stationary` vectors."""
        return self.right is not None

    @property
    def numerical(self) -> bool:
        """Whether beliefs were compared within a tolerance, since the definition has floats."""
        return not self.exact

    def as_json(self) -> dict[str, Any]:
        """Plain data, nested: `beliefs.count`, `entropy_rate.bits`, `statistical_complexity.bits`, … Exact numbers are texts
        such as `1/3`; None where undefined, with the `reason`."""
        rate = self.entropy_rate
        return {
            "name": self.name,
            "states": list(self.states),
            "tokens": list(self.tokens),
            "start": [_plain(value) for value in self.start],
            "start_kind": self.start_kind,
            "stationary": None if self.stationary is None else [_plain(value) for value in self.stationary],
            "ergodic": self.ergodic,
            "irreducible": self.irreducible,
            "period": self.period,
            "unifilar": self.unifilar,
            "unreachable": list(self.unreachable),
            "settling": None if self.settling is None else asdict(self.settling),
            "beliefs": {
                "count": self.beliefs.count,
                "found": self.beliefs.found,
                "closed": self.beliefs.closed,
                "closed_at": self.beliefs.closed_at,
                "growth": list(self.beliefs.growth),
                "recurrent": self.beliefs.recurrent,
                "numerical": self.beliefs.numerical,
                "blurred": self.beliefs.blurred,
            },
            "causal_states": self.causal_states,
            "entropy_rate": {
                "bits": rate.value_bits,
                "nats": rate.value_nats,
                "lower_bits": rate.lower_bits,
                "upper_bits": rate.upper_bits,
                "error_bits": rate.error_bits,
                "exact": rate.exact,
                "numerical": rate.numerical,
                "method": rate.method,
            },
            "statistical_complexity": self.statistical_complexity.as_json(),
            "excess_entropy": self.excess_entropy.as_json(),
            "myopic_entropies": {"bits": list(self.myopic_entropies.bits), "nats": list(self.myopic_entropies.nats)},
            "canonical_dimension": {"rank": self.canonical.rank, "proven": self.canonical.proven, "numerical": self.numerical},
            "parts": [{"name": p.name, "role": p.role, "process": p.process, "states": p.states} for p in self.parts],
            "generalized": self.generalized,
            "right": None if self.right is None else [_plain(value) for value in self.right],
            "exact": self.exact,
            "numerical": self.numerical,
            **self.dynamics.as_json(),
        }


def _plain(value: Scalar) -> str | float:
    return str(value) if isinstance(value, Fraction) else float(value)


DEPTH = 10
"""Myopic entropies, if not asked otherwise."""


def portrait(process: Process, depth: int = DEPTH, effort: float = 1.0) -> Portrait:
    """Compute everything, in a second or few: myopic entropies to `depth` tokens (fewer where words are too many),
    mixed states until they close or grow beyond a few thousand, entropy rate with bounds, C_mu, E. Of a large process what takes
    long is left out, with a reason, unless the `effort` matches its size (see effort.py)."""
    about = structure(process)
    # The joint beliefs of a product are counted, and none of them is made.
    presentation = None if process.factored else followed_beliefs(process)
    rate = entropy_rate(process, presentation)
    stored = _stored(process, rate, presentation, effort)
    return Portrait(
        name=process.name,
        states=process.states,
        tokens=process.tokens,
        start=process.start,
        start_kind=process.start_kind,
        stationary=_stationary(process),
        ergodic=about.ergodic,
        irreducible=about.irreducible,
        period=about.period,
        unifilar=about.unifilar,
        unreachable=tuple(process.states[i] for i in about.unreachable),
        beliefs=_of_product(joint_beliefs(process)) if presentation is None else _counted(presentation),
        causal_states=stored.causal_states,
        entropy_rate=rate,
        statistical_complexity=stored.statistical_complexity,
        excess_entropy=stored.excess_entropy,
        myopic_entropies=myopic_entropies(process, depth),
        canonical=CanonicalDimension(None, False) if too_large(process, effort) else canonical_dimension(process),
        parts=tuple(
            PartCount(part.name, part.role, part.process.name, len(part.process.states))
            for part in (process.parts.parts if process.parts is not None else ())
        ),
        exact=process.exact,
        right=process.right,
        source=PortraitSource(process, presentation, stored, effort),
    )


def _counted(presentation: MixedStates) -> BeliefCount:
    return BeliefCount(
        count=len(presentation) if presentation.closed else None,
        found=len(presentation),
        closed=presentation.closed,
        closed_at=presentation.closed_at,
        growth=presentation.sizes,
        recurrent=None if presentation.recurrent is None else int(presentation.recurrent.sum()),
        numerical=presentation.numerical,
        blurred=presentation.blurred,
    )


def _of_product(beliefs: JointBeliefs) -> BeliefCount:
    closed = beliefs.count is not None
    return BeliefCount(
        count=beliefs.count,
        found=beliefs.sizes[-1] if beliefs.sizes else 0,
        closed=closed,
        closed_at=len(beliefs.sizes) - 1 if closed else None,
        growth=beliefs.sizes,
        recurrent=beliefs.recurrent,
        numerical=beliefs.numerical,
    )


def _stationary(process: Process) -> Sequence[Scalar] | None:
    """The stationary distribution, None where there are several."""
    if process.factored:
        return joint_stationary(process, _stationary, [structure(factor).period for factor in process.factors])
    try:
        if process.generalized:
            return None if len(ergodic_components(process)) > 1 else stationary_version(process).start
        T, states = process.transitions(), len(process.states)
        closed = closed_classes(T, states)
        components = ergodic_components(process)
        if len(closed) > 1 or len(components) > 1:
            return None
        # The start leads to the one closed class, whose distribution is known.
        weights: list[Scalar] = [components[0].process.start[0] * 0] * states
        for i, weight in zip(sorted(closed[0]), components[0].process.start, strict=True):
            weights[i] = weight
        return tuple(weights)
    except ValueError:
        return None


def _stored(
    process: Process, rate: EntropyRate | None = None, presentation: MixedStates | None = None, effort: float = 1.0
) -> Complexity:
    """C_mu, E and the number of causal states; of a product from its factors."""
    if process.factored:
        rates = {id(factor): term for factor, term in zip(process.factors, rate.terms if rate else (), strict=False)}
        return complexity_of_factors(process, lambda factor: _stored(factor, rates.get(id(factor)), None, effort))
    return complexity(process, rate or entropy_rate(process, presentation), presentation, effort)
