"""What figures say of a place, a number, or the histories behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hmmdsl.analysis.outcome import Outcome

WEIGHTS = {
    "probability": "weighted by probability",
    "uniform": "each counted once",
    "words": "counted once for each full word",
}

TARGETS = {"belief": "belief", "next_token": "next-token distribution"}


def place_label(name: str) -> str:
    """A point for people: `block[2]` is 'block 2', `final_norm` is 'final norm'."""
    return name.replace("[", " ").replace("]", "").replace("_", " ")


def number(value: Any, digits: int = 3) -> str:
    """A score for people; 'undefined' where there is none."""
    return "undefined" if value is None else f"{value:.{digits}f}"


def read_histories(outcome: Outcome) -> str:
    """Which histories were read, and how they count: `Histories: exact, 1,046 histories, weighted by probability`."""
    counted = WEIGHTS.get(str(outcome.facts.get("weights")), "")
    return "; ".join(part for part in (f"{outcome.facts['histories']}", counted) if part)


def note(figure: Figure, text: str) -> None:
    """A line in small grey letters below the panels."""
    figure.supxlabel(text, fontsize="small", color="0.45", x=0.01, y=0.01, ha="left", va="bottom")
