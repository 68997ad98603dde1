"""How an observer synchronizes, and where beliefs go in the long run, in words and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

from hmmdsl.process.measure import known_digits
from hmmdsl.process.notation import number_text, plus_minus
from hmmdsl.report.portrait_number import PortraitNumber, measured

if TYPE_CHECKING:
    from hmmdsl.process.dynamics.dimension import DimensionFit
    from hmmdsl.process.dynamics.dynamics import Dynamics
    from hmmdsl.process.dynamics.lyapunov import Lyapunov
    from hmmdsl.process.dynamics.synchronization import Synchronization
    from hmmdsl.process.dynamics.transients import Transients

_LISTED = 8
"""Numbers by depth that are written out."""

_LONGEST_WORD = 12
"""Tokens of a word that are written out."""


def dynamics_numbers(about: Dynamics) -> Iterator[PortraitNumber]:
    """The lines of `_lines`. Those of a process with floats say that they are numerical."""
    for number in _lines(about):
        if about.numerical and "numerical" not in number.note:
            number = replace(number, note="; ".join(filter(None, [number.note, "numerical"])))
        yield number


def _lines(about: Dynamics) -> Iterator[PortraitNumber]:
    """Crypticity, transient information, synchronization, transients, how many causal states, dimensions, exponents; one line
    with the reason where a process has no dynamics of its own."""
    order = "" if about.cryptic_order is None else f"cryptic order {about.cryptic_order}"
    chi = measured("crypticity", about.crypticity)
    yield PortraitNumber(chi.name, chi.value, chi.unit, "; ".join(filter(None, [chi.note, order])))
    yield measured("transient information", about.transient_information, "bits × tokens")
    if about.synchronization is None:
        yield PortraitNumber("synchronization", "undefined", "", about.reason)
        return
    yield from _synchronization(about.synchronization)
    if about.transients is not None:
        yield PortraitNumber("transient beliefs", f"{about.transients.transient:,}", "", _transients(about.transients))
    if about.cardinality is not None:
        kind = "not known how many" if about.cardinality.kind == "undecided" else f"{about.cardinality.kind} in number"
        yield PortraitNumber("long-run causal states", kind, "", about.cardinality.reason)
    if about.cloud is not None:
        drawn = f"{len(about.cloud):,} beliefs of {about.cloud.observers:,} observers"
        yield _dimension("box-counting dimension", about.box_counting, drawn)
        yield _dimension("information dimension", about.information, drawn)
    if about.lyapunov is not None and (about.lyapunov.exponents or about.cloud is not None):
        yield from _lyapunov(about.lyapunov)


def _synchronization(known: Synchronization) -> Iterator[PortraitNumber]:
    if known.uncertainty_bits:
        bits = ", ".join(f"{value:.6f}" for value in known.uncertainty_bits[:_LISTED])
        more = ", …" if len(known.uncertainty_bits) > _LISTED else ""
        yield PortraitNumber("state uncertainty", bits + more, "bits", f"of the {known.of}, after 0, 1, 2, … tokens")
    yield measured("synchronization information", known.information)
    if known.markov_order is not None:
        unit = "" if known.markov_order == "infinite" else "token" if known.markov_order == 1 else "tokens"
        yield PortraitNumber("Markov order", str(known.markov_order), unit)
    if known.exactly is None:
        if known.of == "causal states":
            yield PortraitNumber("Markov order", "not known", "", known.reason)
            yield PortraitNumber("synchronization", "not known", "", known.reason)
        return
    how = "" if known.exactly else "at least "
    falls = "" if known.rate is None else f"{how}by a factor of {number_text(known.rate, 6)} a token"
    if not known.exactly:
        note = f"no word tells the state for certain; the uncertainty falls {falls}" if falls else "no word tells the state"
        yield PortraitNumber("synchronization", "asymptotic", "", note)
        return
    word = known.shortest_word
    notes = []
    if word:
        shown = " ".join(word[:_LONGEST_WORD]) + (" …" if len(word) > _LONGEST_WORD else "")
        notes.append(f"shortest word `{shown}` ({len(word)} token{'' if len(word) == 1 else 's'})")
    if known.mean_length is not None:
        notes.append(f"after {number_text(known.mean_length, 6)} tokens on average")
    if falls and known.rate and known.unsynchronized is not None:
        notes.append(f"unsynchronized words become rarer {falls}")
    yield PortraitNumber("synchronization", "exact", "", "; ".join([*notes, *filter(None, [known.reason])]))


def _transients(passing: Transients) -> str:
    """How long they last."""
    if not passing.transient:
        return "every belief is met for ever"
    mass = ", ".join(number_text(share) for share in passing.mass[:_LISTED])
    notes = [f"probability after 0, 1, 2, … tokens {mass}{', …' if len(passing.mass) > _LISTED else ''}"]
    if passing.rate:
        notes.append(f"falling by a factor of {number_text(passing.rate, 6)} a token in the long run")
    if passing.mean_length is not None:
        notes.append(f"left after {number_text(passing.mean_length, 6)} tokens on average")
    return "; ".join(notes)


def _dimension(name: str, fit: DimensionFit, drawn: str) -> PortraitNumber:
    if fit.dimension is None or fit.error is None:
        return PortraitNumber(name, "undefined", "", fit.reason)
    if fit.smallest is None or fit.largest is None:
        return PortraitNumber(name, number_text(fit.dimension), "", fit.reason)
    boxes = f"from boxes of {number_text(fit.smallest, 2)} to {number_text(fit.largest, 2)} of the cloud's extent"
    note = "; ".join(filter(None, [f"{plus_minus(fit.error)}, {boxes}", drawn, fit.reason]))
    return PortraitNumber(name, known_digits(fit.dimension, fit.error), "", note)


def _lyapunov(found: Lyapunov) -> Iterator[PortraitNumber]:
    if not found.exponents:
        yield PortraitNumber("Lyapunov exponents", "undefined", "", found.reason)
        return
    pairs = list(zip(found.exponents, found.errors, strict=True))
    texts = [f"{known_digits(value, error)} {plus_minus(error)}" if isfinite(value) else "−∞" for value, error in pairs[:_LISTED]]
    how = f"of the belief maps, over {found.tokens:,} tokens" if found.tokens else "of the belief maps"
    lost = "" if all(isfinite(value) for value, _ in pairs) else "; −∞ where the maps lose a direction"
    yield PortraitNumber(
        "Lyapunov exponents", ", ".join(texts) + (", …" if len(pairs) > _LISTED else ""), "nats a token", how + lost
    )
    if found.dimension is None or found.error is None:
        return
    meaning = (
        "only an upper bound on the information dimension where the maps overlap"
        if found.upper_bound_only
        else "the information dimension, since the maps do not overlap"
    )
    note = f"{plus_minus(found.error)}, {meaning}" if found.error else meaning
    value = known_digits(found.dimension, found.error) if found.error else number_text(found.dimension)
    yield PortraitNumber("Lyapunov dimension", value, "", note)
