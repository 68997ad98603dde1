"""Results of the places that an analysis reads: nested as its schema nests them, and those of one place found again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hmmdsl.analysis.reading.points import AnyPoint, has_segment


def gathered(by_place: Mapping[str, Any]) -> dict[str, Any]:
    """Results by place, with `block[0]`, `block[1]`, … gathered into one list `block`, as `by_point` does for schemas."""
    found: dict[str, Any] = {}
    for name, value in by_place.items():
        base, bracket, _ = name.partition("[")
        if bracket:
            found.setdefault(base, []).append(value)
        else:
            found[name] = value
    return found


def nest(at: AnyPoint | Sequence[AnyPoint], by_place: Mapping[str, Any]) -> Any:
    """Results by place as an analysis that reads `at` returns them: gathered, or those of the only place themselves."""
    return gathered(by_place) if has_segment(at) else next(iter(by_place.values()))


def results_of(at: AnyPoint | Sequence[AnyPoint], results: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """The results of one place, out of what `nest` made of those of all."""
    return in_gathered(results, place) if has_segment(at) else results


def in_gathered(results: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """The results of one place, such as `block[2]`, out of what `gathered` made."""
    base, bracket, index = place.partition("[")
    found: Mapping[str, Any] = results[base][int(index[:-1])] if bracket else results[base]
    return found
