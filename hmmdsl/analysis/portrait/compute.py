"""The computation behind `portrait`: the numbers of a process' portrait, found again or found here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hmmdsl.analysis.outcome import Inputs, Outcome
from hmmdsl.analysis.portrait.record import CARDINALITIES, PortraitOf, schema
from hmmdsl.process.portrait import DEPTH, portrait
from hmmdsl.schema.results import Group, ResultSchema, Series


def compute(analysis: PortraitOf, inputs: Inputs) -> Outcome:
    """The numbers of the process' portrait that the schema names."""
    known = inputs.portraits.get(analysis.process) if analysis.depth <= DEPTH else None
    told = dict(portrait(inputs.processes[analysis.process], analysis.depth).as_json() if known is None else known)
    kind = told["causal_cardinality"].get("kind")
    told["causal_cardinality"] = {
        **told["causal_cardinality"],
        **{name: None if kind is None else kind == name for name in CARDINALITIES},
    }
    notes = {"method": told["entropy_rate"]["method"], **dict(_reasons(told))}
    if told["numerical"]:
        notes["numerical"] = (
            "the process has floats: states that differ by rounding were taken as equal, and no number of them is proven"
        )
    return Outcome(_chosen(told, schema(analysis.depth)), {}, notes)


def _chosen(told: Any, schema: ResultSchema) -> Any:
    """The values that the schema names, as plain floats; None for what is not there."""
    match schema:
        case Group(members):
            return {name: _chosen(told.get(name) if isinstance(told, Mapping) else None, each) for name, each in members.items()}
        case Series(element, length):
            values = list(told or ())[:length]
            return [_chosen(value, element) for value in [*values, *[None] * ((length or 0) - len(values))]]
        case _:
            return None if told is None else float(told)


def _reasons(told: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """By path, why something is as it is or why it is not there."""
    for name, value in told.items():
        if isinstance(value, Mapping):
            if value.get("reason"):
                yield f"{prefix}{name}", str(value["reason"])
            yield from _reasons(value, f"{prefix}{name}.")
