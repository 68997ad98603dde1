"""Numbers, names and citations as a reader sees them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from hmmdsl.process.notation import number_text, superscript

_LONGEST_FRACTION = 9


def probability_text(value: Fraction | float) -> str:
    """The exact fraction where it is short, else four significant digits after a sign of approximation."""
    if isinstance(value, Fraction):
        text = str(value)
        if len(text) <= _LONGEST_FRACTION:
            return text
    return f"≈{number_text(value)}"


def power_text(value: float) -> str:
    """A number on a logarithmic axis.

    >>> power_text(1e-7), power_text(0.01), power_text(1000), power_text(2e6)
    ('10⁻⁷', '0.01', '1,000', '2 × 10⁶')
    """
    if value <= 0 or 0.01 <= value < 1e5:
        return number_text(value)
    exponent = math.floor(math.log10(value) + 1e-9)
    mantissa = number_text(value / 10.0**exponent, 2)
    return f"{'' if mantissa == '1' else mantissa + ' × '}10{superscript(exponent)}"


def score_text(value: float | None) -> str:
    """A share of variance with three decimals, so that columns line up; `–` where it is not defined.

    >>> score_text(0.95612), score_text(-0.0312), score_text(-12345.6)
    ('0.956', '−0.031', '−12,346')
    """
    if value is None or not math.isfinite(value):
        return "–"
    if abs(value) >= 100:
        return number_text(value)
    text = f"{abs(value):.3f}"
    return ("−" if value < 0 and float(text) else "") + text


def unit_text(unit: str) -> str:
    """The unit as written after a number: nothing for plain numbers."""
    return "" if unit in ("", "1") else unit


def seconds_text(seconds: float) -> str:
    """A duration.

    >>> seconds_text(0.42), seconds_text(31.2), seconds_text(125)
    ('0.4 s', '31.2 s', '2 min 5 s')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def count_text(count: int, noun: str) -> str:
    """A count with its noun: `1 claim`, `3 claims`, `2 histories`."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{count:,} {noun if count == 1 else plural}"


def joined(parts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1] if parts else ""


@dataclass(frozen=True)
class Piece:
    """A piece of a citation, with the address it leads to (empty: none)."""

    text: str
    href: str = ""


_CITED = re.compile(
    r"(?P<arxiv>\barXiv:\s?(?P<id>\d{4}\.\d{4,5}(?:v\d{1,2})?|[a-z-]{2,12}/\d{7}))|(?P<doi>\bdoi:\s?(?P<name>10\.\d{4,9}/[A-Za-z0-9._()/-]+))"
)


def citation(text: str) -> list[Piece]:
    """A citation with its arXiv and DOI names as links; everything else stays text.

    >>> [piece.href for piece in citation("Shai et al. 2024, arXiv:2405.15943")]
    ['', 'https://arxiv.org/abs/2405.15943']
    """
    pieces, done = [], 0
    for match in _CITED.finditer(text):
        if match.start() > done:
            pieces.append(Piece(text[done : match.start()]))
        name = match["id"]
        pieces.append(Piece(match[0], f"https://arxiv.org/abs/{name}" if name else f"https://doi.org/{match['name']}"))
        done = match.end()
    if done < len(text):
        pieces.append(Piece(text[done:]))
    return pieces
