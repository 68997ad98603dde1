"""The computation behind `portrait`: the numbers of a process' portrait, found again or found here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.portrait.record import PortraitOf
from hmmdsl.process.portrait import FACTS, Number, Numbers
from hmmdsl.process.portraying import DEPTH, portrait


def compute(analysis: PortraitOf, inputs: Inputs) -> Outcome:
    """The numbers of the process' portrait that claims can name."""
    known = inputs.portraits.get(analysis.process) if analysis.depth <= DEPTH else None
    told = dict(portrait(inputs.processes[analysis.process], analysis.depth).as_json() if known is None else known)
    notes = {"method": told["entropy_rate"]["method"], **dict(_reasons(told))}
    if told["numerical"]:
        notes["numerical"] = (
            "the process has floats: states that differ by rounding were taken as equal, and no number of them is proven"
        )
    values = {fact.path: _values(told[fact.path], fact.numbers, analysis.depth) for fact in FACTS if fact.numbers}
    return Outcome(values, {}, notes)


def _values(plain: Any, numbers: Numbers, depth: int) -> Any:
    """The numbers as plain floats; None for what is not there."""
    if not isinstance(numbers, Number):
        return {
            name: _values(plain if isinstance(each, Number) and each.of is not None else (plain or {}).get(name), each, depth)
            for name, each in numbers.items()
        }
    if numbers.series:
        found = list(plain or ())[:depth]
        return [None if value is None else float(value) for value in [*found, *[None] * (depth - len(found))]]
    value = numbers.of(plain) if numbers.of is not None else plain
    return None if value is None else float(value)


def _reasons(told: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """By path, why something is as it is or why it is not there."""
    for name, value in told.items():
        if isinstance(value, Mapping):
            if value.get("reason"):
                yield f"{prefix}{name}", str(value["reason"])
            yield from _reasons(value, f"{prefix}{name}.")
