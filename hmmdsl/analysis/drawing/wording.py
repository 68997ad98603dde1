"""What figures say of a place, a number, or the histories behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hmmdsl.process.notation import number_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hmmdsl.analysis.outcome import Outcome

WEIGHTS = {
    "probability": "weighted by probability",
    "uniform": "each counted once",
    "beliefs": "each belief counted once",
    "words": "counted once for each full word",
}

TARGETS = {"belief": "belief", "next_token": "next-token distribution", "state": "hidden state"}


def target_label(target: str) -> str:
    """A target for people: `within.A` is 'state within A', `factor.left` 'state of left'."""
    if target.startswith("future_"):
        return f"distribution of the next {_tokens(target)}"
    words = target.split(".")
    where = [f"{'within' if role == 'within' else 'of'} {name}" for role, name in zip(words[::2], words[1::2], strict=False)]
    what = "component" if words[-1] == "component" and len(words) % 2 else "state"
    return TARGETS.get(target) or " ".join([what, *reversed(where)])


def targets_label(target: str) -> str:
    """Several of what distances are compared with."""
    if target.startswith("future_"):
        return f"distributions of the next {_tokens(target)}"
    return f"{TARGETS[target]}s"


def _tokens(future: str) -> str:
    """`future_3` is '3 tokens'."""
    k = future.removeprefix("future_")
    return "token" if k == "1" else f"{k} tokens"


def number(value: Any, digits: int = 3) -> str:
    """A score for people; 'undefined' where there is none."""
    return "undefined" if value is None else f"{value:.{digits}f}".replace("-", "−")


def read_histories(outcome: Outcome) -> str:
    """Which histories were read, how they count, and how sure drawn ones are: `exact, 78 histories; weighted by probability`."""
    facts = outcome.facts
    parts = [str(facts["histories"]), WEIGHTS.get(str(facts.get("weights")), "")]
    errors = [error for error in facts.get("standard error of R²", {}).values() if error is not None]
    if errors:
        parts.append(f"standard error of R² at most {number_text(max(errors), 1)}")
    if "standard error of the gap" in facts:
        parts.append(f"standard error of the gap {facts['standard error of the gap']}")
    return "; ".join(part for part in parts if part)


def note(figure: Figure, text: str) -> None:
    """A line in small grey letters below the panels."""
    figure.supxlabel(text, fontsize="small", color="0.45", x=0.01, ha="left")  # no y: the layout makes room for it
