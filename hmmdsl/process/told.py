"""How what is known of a process is worded: a line is the same in a terminal, on a page and in a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from hmmdsl.process.measure import known_digits
from hmmdsl.process.notation import number_text, plus_minus

if TYPE_CHECKING:
    from hmmdsl.process.dynamics.dimension import DimensionFit
    from hmmdsl.process.dynamics.lyapunov import Lyapunov
    from hmmdsl.process.dynamics.synchronization import Synchronization
    from hmmdsl.process.dynamics.transients import Transients
    from hmmdsl.process.measure import Measure

_LISTED = 8
"""Numbers by depth that are written out."""

_LONGEST_WORD = 12
"""Tokens of a word that are written out."""


@dataclass(frozen=True)
class Line:
    """A quantity under the name that readers know, with its unit and how it was found."""

    name: str
    value: str
    unit: str = ""
    note: str = ""

    @property
    def text(self) -> str:
        """Value, unit and note in one line."""
        return f"{self.value}{f' {self.unit}' if self.unit else ''}{f'; {self.note}' if self.note else ''}"


def measured(name: str, measure: Measure, unit: str = "bits") -> Line:
    """A measure with the digits that are known, and its error or bounds beside it."""
    if measure.bits is None:
        value = "infinite" if measure.reason.startswith("infinite") else "undefined"
        reason = measure.reason_text.removeprefix("infinite").lstrip(":, ")
        return Line(name, value, "", "; ".join(filter(None, [reason, measure.bounds_text])))
    return Line(name, measure.digits, unit, "; ".join(filter(None, [measure.error_text, measure.bounds_text])))


def synchronization_lines(known: Synchronization) -> Iterator[Line]:
    """The state's uncertainty by depth, the synchronization information, the Markov order, and whether a word tells the state."""
    if known.uncertainty_bits:
        bits = ", ".join(f"{value:.6f}" for value in known.uncertainty_bits[:_LISTED])
        more = ", …" if len(known.uncertainty_bits) > _LISTED else ""
        yield Line("state uncertainty", bits + more, "bits", f"of the {known.of}, after 0, 1, 2, … tokens")
    yield measured("synchronization information", known.information)
    if known.markov_order is not None:
        unit = "" if known.markov_order == "infinite" else "token" if known.markov_order == 1 else "tokens"
        yield Line("Markov order", str(known.markov_order), unit)
    if known.exactly is None:
        if known.of == "causal states":
            yield Line("Markov order", "not known", "", known.reason)
            yield Line("synchronization", "not known", "", known.reason)
        return
    how = "" if known.exactly else "at least "
    falls = "" if known.rate is None else f"{how}by a factor of {number_text(known.rate, 6)} a token"
    if not known.exactly:
        note = f"no word tells the state for certain; the uncertainty falls {falls}" if falls else "no word tells the state"
        yield Line("synchronization", "asymptotic", "", note)
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
    yield Line("synchronization", "exact", "", "; ".join([*notes, *filter(None, [known.reason])]))


def transients_text(passing: Transients) -> str:
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


def dimension_line(name: str, fit: DimensionFit, drawn: str) -> Line:
    """A dimension with the boxes that it was counted in, and the beliefs; the reason where there is none."""
    if fit.dimension is None or fit.error is None:
        return Line(name, "undefined", "", fit.reason)
    if fit.smallest is None or fit.largest is None:
        return Line(name, number_text(fit.dimension), "", fit.reason)
    boxes = f"from boxes of {number_text(fit.smallest, 2)} to {number_text(fit.largest, 2)} of the cloud's extent"
    note = "; ".join(filter(None, [f"{plus_minus(fit.error)}, {boxes}", drawn, fit.reason]))
    return Line(name, known_digits(fit.dimension, fit.error), "", note)


def lyapunov_lines(found: Lyapunov) -> Iterator[Line]:
    """The exponents, and the dimension that they give."""
    if not found.exponents:
        yield Line("Lyapunov exponents", "undefined", "", found.reason)
        return
    pairs = list(zip(found.exponents, found.errors, strict=True))
    texts = [f"{known_digits(value, error)} {plus_minus(error)}" if isfinite(value) else "−∞" for value, error in pairs[:_LISTED]]
    how = f"of the belief maps, over {found.tokens:,} tokens" if found.tokens else "of the belief maps"
    lost = "" if all(isfinite(value) for value, _ in pairs) else "; −∞ where the maps lose a direction"
    yield Line("Lyapunov exponents", ", ".join(texts) + (", …" if len(pairs) > _LISTED else ""), "nats a token", how + lost)
    if found.dimension is None or found.error is None:
        return
    meaning = (
        "only an upper bound on the information dimension where the maps overlap"
        if found.upper_bound_only
        else "the information dimension, since the maps do not overlap"
    )
    note = f"{plus_minus(found.error)}, {meaning}" if found.error else meaning
    value = known_digits(found.dimension, found.error) if found.error else number_text(found.dimension)
    yield Line("Lyapunov dimension", value, "", note)
