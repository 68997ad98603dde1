"""A quantity of a process' portrait as a reader sees it, on a page as in a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hmmdsl.process.measure import Measure


@dataclass(frozen=True)
class PortraitNumber:
    """A quantity with its unit and how it was found."""

    name: str
    value: str
    unit: str = ""
    note: str = ""

    @property
    def text(self) -> str:
        """Value, unit and note in one line."""
        return f"{self.value}{f' {self.unit}' if self.unit else ''}{f'; {self.note}' if self.note else ''}"


def measured(name: str, measure: Measure, unit: str = "bits") -> PortraitNumber:
    """A measure with the digits that are known, and its error or bounds beside it."""
    if measure.bits is None:
        value = "infinite" if measure.reason.startswith("infinite") else "undefined"
        reason = measure.reason_text.removeprefix("infinite").lstrip(":, ")
        return PortraitNumber(name, value, "", "; ".join(filter(None, [reason, measure.bounds_text])))
    return PortraitNumber(name, measure.digits, unit, "; ".join(filter(None, [measure.error_text, measure.bounds_text])))
