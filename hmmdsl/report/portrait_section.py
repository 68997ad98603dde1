"""A process in sentences and numbers, beside its figures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hmmdsl.process.portrait import told
from hmmdsl.process.told import Line
from hmmdsl.report.wording import count_text, joined, probability_text

if TYPE_CHECKING:
    from hmmdsl.process.portrait import Portrait

_NAMED = 12
"""Up to this many states or tokens are named."""


@dataclass(frozen=True)
class PortraitText:
    """What a page says of a process, whatever it is called."""

    sentences: tuple[str, ...]
    numbers: tuple[Line, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"sentences": list(self.sentences), "numbers": [asdict(number) for number in self.numbers]}

    @staticmethod
    def from_json(plain: Mapping[str, Any]) -> PortraitText:
        """What `as_json` gave."""
        return PortraitText(tuple(plain["sentences"]), tuple(Line(**number) for number in plain["numbers"]))


@dataclass(frozen=True)
class PortraitSection:
    """One process; `pictures` are the page's own."""

    anchor: str
    name: str
    sentences: tuple[str, ...]
    numbers: tuple[Line, ...]
    pictures: tuple[Any, ...]


@dataclass(frozen=True)
class ComparedNumber:
    """One quantity of several processes, None where a process does not have it."""

    name: str
    cells: tuple[Line | None, ...]


def compared(sections: Sequence[PortraitSection]) -> tuple[ComparedNumber, ...]:
    """The processes' numbers, quantity by quantity, in the order in which they first come."""
    names = dict.fromkeys(number.name for section in sections for number in section.numbers)
    by_name = [{number.name: number for number in section.numbers} for section in sections]
    return tuple(ComparedNumber(name, tuple(numbers.get(name) for numbers in by_name)) for name in names)


def portrait_text(portrait: Portrait) -> PortraitText:
    """The process' portrait in words."""
    return PortraitText((_sentence(portrait),), tuple(told(portrait, definition=False)))


def portrait_section(name: str, text: PortraitText, pictures: tuple[Any, ...] = ()) -> PortraitSection:
    """The process' portrait as a page shows it."""
    anchor = "process-" + re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
    return PortraitSection(anchor, name, text.sentences, text.numbers, pictures)


def _sentence(portrait: Portrait) -> str:
    """States, tokens, start and structure in words."""
    kinds = [
        "ergodic" if portrait.ergodic else "not ergodic",
        f"periodic (period {portrait.period})" if portrait.period > 1 else "aperiodic",
        "generalized" if portrait.generalized else "unifilar" if portrait.unifilar else "not unifilar",
    ]
    what = "vector" if portrait.generalized else "distribution"
    start = f"its stationary {what}" if portrait.start_kind == "stationary" else f"a given {what}"
    text = (
        f"{count_text(len(portrait.states), 'dimension' if portrait.generalized else 'hidden state')}{_names(portrait.states)}, "
        f"{count_text(len(portrait.tokens), 'token')}{_names(portrait.tokens)}; {joined(kinds)}. It starts in {start}"
    )
    if len(portrait.states) <= _NAMED:
        weights = zip(portrait.states, portrait.start, strict=True)
        text += f": {', '.join(f'{state} {probability_text(value)}' for state, value in weights if value)}"
    if portrait.parts:
        named = [f"{part.name} ({part.process})" for part in portrait.parts[:_NAMED]]
        text += (
            f". Its {portrait.parts[0].role}s: {joined(named)}"
            if len({p.role for p in portrait.parts}) == 1
            else (f". Its parts: {joined(named)}")
        )
    if portrait.unreachable:
        text += f". Never reached: {', '.join(portrait.unreachable[:_NAMED])}"
        more = len(portrait.unreachable) - _NAMED
        text += f" and {more:,} more" if more > 0 else ""
    return text + "."


def _names(names: Sequence[str]) -> str:
    return f" ({', '.join(names)})" if len(names) <= _NAMED else ""
