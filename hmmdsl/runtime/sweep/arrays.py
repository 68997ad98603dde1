"""A sweep's results as results.json holds them: under each name that a claim calls, the array over the sweep's axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmmdsl.runtime.sweep.running import SweepOutcome


def results_arrays(outcome: SweepOutcome) -> dict[str, Any]:
    """Nested as one point's results, with a list over the first axis of lists over the next in the place of each number; None
    where a point has no such number.

    `capacity.fit.loss[2][0]` is the loss at the third place along the first axis and the first along the second.
    """
    lengths = [len(axis.values) for axis in outcome.sweep.axes]
    return arrays([each.results if not each.failure else None for each in outcome.outcomes], lengths)


def arrays(results: Sequence[Mapping[str, Any] | None], lengths: Sequence[int]) -> dict[str, Any]:
    """The same of results in the order of a product of axes of these lengths, None in the place of those that there are not."""
    found: dict[str, Any] = _arrays(results, lengths) if any(each is not None for each in results) else {}
    return found


def _arrays(values: Sequence[Any], lengths: Sequence[int]) -> Any:
    """The structure of the values outside, the points inside."""
    first = next((value for value in values if value is not None), None)
    if isinstance(first, Mapping):
        names = dict.fromkeys(name for value in values if isinstance(value, Mapping) for name in value)
        return {name: _arrays([v.get(name) if isinstance(v, Mapping) else None for v in values], lengths) for name in names}
    if isinstance(first, (list, tuple)):
        longest = max(len(value) for value in values if isinstance(value, (list, tuple)))
        return [
            _arrays([v[i] if isinstance(v, (list, tuple)) and i < len(v) else None for v in values], lengths)
            for i in range(longest)
        ]
    return _folded(list(values), lengths)


def _folded(values: list[Any], lengths: Sequence[int]) -> Any:
    """A flat list as nested lists, the last axis innermost."""
    for length in reversed(lengths[1:]):
        values = [values[k : k + length] for k in range(0, len(values), length)]
    return values
