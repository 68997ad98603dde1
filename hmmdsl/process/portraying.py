"""The portrait of a process, computed: all that theory tells of it in a second or few."""

from __future__ import annotations

from collections.abc import Sequence

from hmmdsl.process.algebra.canonical import CanonicalDimension, canonical_dimension
from hmmdsl.process.complexity import Complexity, complexity
from hmmdsl.process.effort import too_large
from hmmdsl.process.entropies import EntropyRate, entropy_rate, followed_beliefs, myopic_entropies
from hmmdsl.process.generalized import stationary_version
from hmmdsl.process.independent import JointBeliefs, complexity_of_factors, joint_beliefs, joint_stationary
from hmmdsl.process.mixed_states import MixedStates
from hmmdsl.process.portrait import BeliefCount, PartCount, Portrait, PortraitSource
from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.stationary import closed_classes
from hmmdsl.process.structure import ergodic_components, structure

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
