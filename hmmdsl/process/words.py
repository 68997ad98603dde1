"""What an optimal observer knows after a word: its probability and the belief it leaves, exact where the process is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import starmap
from math import gcd, inf, lcm, log, prod

from hmmdsl.process.process import Process, Scalar, digits, joint_weights

LONGEST_EXACT = 256
"""Tokens of a word whose logarithm is worked out from exact fractions, which get longer with each of them."""

SHORTENED = 64
"""Tokens after which the integers of an exact belief lose their common factor."""

LISTED = 12
"""Tokens that a message lists."""

_SPACES = re.compile(r"\s*([(),\[\]])\s*|\s+")
"""Spaces, and the mark around which they say nothing."""

_NEVER = "{} never emits this word: its probability is 0"


@dataclass(frozen=True)
class Observed:
    """After a word w, Pr(w) and the belief `eta T_w / (eta T_w r)`, one number for each state (Shai et al. 2024, Eq. 2); r is
    ones, unless the process is generalized.

    `log_probability_nats` is the natural logarithm of Pr(w), which does not underflow where the float Pr(w) does.
    """

    probability: Scalar
    log_probability_nats: float
    belief: Sequence[Scalar]


def observe(process: Process, word: Iterable[int]) -> Observed:
    """Read a word, given as indices into the process' tokens; a product's factor by factor, so that its joint belief is not made
    unless it is read. Raises ValueError if the word cannot occur."""
    if process.factored:
        return _observe_factors(process, word)
    read = tuple(word)
    return _observe_exactly(process, read) if process.exact else _observe(process, read, least=1e-12)


def _rows(process: Process, word: Sequence[int]) -> dict[int, dict[int, list[tuple[int, Scalar]]]]:
    """The entries of the operators of the tokens that are read, by token and state."""
    rows: dict[int, dict[int, list[tuple[int, Scalar]]]] = {x: {} for x in word}
    for x, of_x in rows.items():
        for (i, j), value in process.operators[x].items():
            if value:
                of_x.setdefault(i, []).append((j, value))
    return rows


def _observe_exactly(process: Process, word: Sequence[int]) -> Observed:
    """In integers over one denominator, which are made fractions at the end: a fraction in lowest terms at each token would cost
    a greatest common divisor of ever longer numbers."""
    rows = _rows(process, word)
    scale = lcm(*(Fraction(value).denominator for of_x in rows.values() for row in of_x.values() for _, value in row))
    matrices = {x: {i: [(j, int(value * scale)) for j, value in row] for i, row in of_x.items()} for x, of_x in rows.items()}
    right = process.right or (Fraction(1),) * len(process.states)
    over, under = lcm(*(Fraction(value).denominator for value in process.start)), lcm(*(Fraction(r).denominator for r in right))
    ends = [int(value * under) for value in right]
    weights = {i: int(value * over) for i, value in enumerate(process.start) if value}
    taken = 1
    for n, x in enumerate(word, 1):
        after: dict[int, int] = {}
        for i, weight in weights.items():
            for j, value in matrices[x].get(i, ()):
                after[j] = after.get(j, 0) + weight * value
        if sum(weight * ends[j] for j, weight in after.items()) <= 0:
            raise ValueError(_NEVER.format(process.name))
        weights = after
        if n % SHORTENED == 0:
            common = gcd(*weights.values())
            weights, taken = {j: weight // common for j, weight in weights.items()}, taken * common
    mass = sum(weight * ends[j] for j, weight in weights.items())
    probability = Fraction(mass * taken, over * under * scale ** len(word))
    logarithm = log(probability.numerator) - log(probability.denominator)
    return Observed(probability, logarithm, tuple(Fraction(weights.get(i, 0) * under, mass) for i in range(len(process.states))))


def _observe(process: Process, word: Sequence[int], least: float) -> Observed:
    """As `observe`, in floats; a token of no more than the least probability cannot occur."""
    rows = _rows(process, word)
    right = process.right or (Fraction(1),) * len(process.states)
    probability: Scalar = sum(a * b for a, b in zip(process.start, right, strict=True))
    logarithm = 0.0
    belief: dict[int, Scalar] = {i: value for i, value in enumerate(process.start) if value}
    for x in word:
        after: dict[int, Scalar] = {}
        for i, weight in belief.items():
            for j, value in rows[x].get(i, ()):
                after[j] = after.get(j, 0) + weight * value
        mass: Scalar = sum(weight * right[j] for j, weight in after.items())
        if mass <= least:
            raise ValueError(_NEVER.format(process.name))
        probability *= mass
        logarithm += log(mass)
        belief = {j: value / mass for j, value in after.items()}
    zero = process.start[0] * 0
    return Observed(probability, logarithm, tuple(belief.get(i, zero) for i in range(len(process.states))))


def _observe_factors(process: Process, word: Iterable[int]) -> Observed:
    try:
        seen = [observe(factor, own) for factor, own in zip(process.factors, _columns(process, word), strict=True)]
    except ValueError:
        raise ValueError(_NEVER.format(process.name)) from None
    return Observed(
        prod(each.probability for each in seen),
        sum(each.log_probability_nats for each in seen),
        joint_weights("belief", process.factors, [each.belief for each in seen]),
    )


def _columns(process: Process, word: Iterable[int]) -> list[tuple[int, ...]]:
    """The word that each factor of a product emits."""
    sizes = [len(factor.tokens) for factor in process.factors]
    return list(zip(*(digits(x, sizes) for x in word), strict=True)) or [()] * len(sizes)


def word_probability(process: Process, word: Iterable[int]) -> Scalar:
    """Pr(word) from the process' start; 0 if it cannot occur."""
    try:
        return observe(process, word).probability
    except ValueError:
        return process.start[0] * 0


def log_probability_nats(process: Process, word: Iterable[int]) -> float:
    """The natural logarithm of Pr(word); minus infinity if it cannot occur.

    Sums of positive numbers lose no digits: words of an ordinary HMM above 256 tokens are read in float64, with a relative error
    of about 1e-16 for each token. A generalized HMM's terms cancel, and an exact one is read in fractions at any length.
    """
    word = tuple(word)
    try:
        if process.factored:
            return sum(starmap(log_probability_nats, zip(process.factors, _columns(process, word), strict=True)))
        if process.exact and not process.generalized and len(word) > LONGEST_EXACT:
            return _observe(_in_floats(process), word, least=0).log_probability_nats
        return observe(process, word).log_probability_nats
    except ValueError:
        return -inf


def _in_floats(process: Process) -> Process:
    operators = tuple({ends: float(value) for ends, value in entries.items()} for entries in process.operators)
    return replace(process, start=tuple(map(float, process.start)), operators=operators)


class UnknownTokenError(ValueError):
    """A word has a token that the process lacks: `token`, as it was written."""

    def __init__(self, token: object, tokens: Sequence[str]) -> None:
        known = ", ".join(tokens[:LISTED]) + (", …" if len(tokens) > LISTED else "")
        super().__init__(f"{token!r} is no token: there are {known}, or their indices from 0 to {len(tokens) - 1}")
        self.token = token


def read_word(tokens: Sequence[str], word: str | Sequence[str] | Sequence[int]) -> tuple[int, ...]:
    """A word as indices into the tokens: from a list of tokens or of indices, or from one text, whose tokens have one character
    each or stand apart by spaces or commas. Inside the brackets of a token, as the pairs of a product have them, spaces say
    nothing. What a spec writes and what Python is given is read here alike.

    >>> read_word(("0", "1"), "0110"), read_word(("heads", "tails"), "tails heads"), read_word(("a", "b"), [1, 0])
    ((0, 1, 1, 0), (1, 0), (1, 0))
    >>> read_word(("(0, 0)", "(0, 1)"), "(0,1) (0, 0)")
    (1, 0)

    Raises UnknownTokenError, a ValueError, for what is no token.
    """
    place = {token: x for x, token in enumerate(tokens)}
    parts = _tokens_of(word, place) if isinstance(word, str) else word
    found = []
    for part in parts:
        if isinstance(part, str) and part in place:
            found.append(place[part])
        elif not isinstance(part, str | bool) and hasattr(part, "__index__") and 0 <= part.__index__() < len(tokens):
            found.append(int(part.__index__()))
        else:
            raise UnknownTokenError(part, tokens)
    return tuple(found)


def _tokens_of(text: str, place: dict[str, int]) -> Sequence[str]:
    """The tokens of a text, and what is none as it stands there."""
    if text in place:
        return [text]
    apart = text.split()
    if all(part in place for part in apart):
        return apart
    if len(apart) == 1 and all(character in place for character in text):
        return list(text)
    if all(len(token) == 1 for token in place):
        return [character for character in text if character in place or not _separates(character)]
    # A token that is cut into pieces, for it has a space or a comma outside of brackets, is known by all of them in a row.
    known = {tuple(_pieces(token)): token for token in reversed(place)}
    longest = max(map(len, known))
    pieces, found, at = _pieces(text), list[str](), 0
    while at < len(pieces):
        runs = (tuple(pieces[at : at + n]) for n in range(longest, 0, -1))
        run = next((run for run in runs if run in known), (pieces[at],))
        found.append(known.get(run, pieces[at]))
        at += len(run)
    return found


def _pieces(text: str) -> list[str]:
    """A text cut at spaces and commas that stand in no brackets, and behind brackets, inside which spaces only part words."""
    pieces, piece, depth = [], "", 0
    for character in text:
        inside = depth > 0
        depth += (character in "([") - (character in ")]" and inside)
        ends = inside and not depth
        if inside or not _separates(character):
            piece += character
        else:
            ends = True
        if ends:
            pieces.append(piece)
            piece = ""
    return [_SPACES.sub(lambda found: found[1] or " ", piece) for piece in (*pieces, piece) if piece]


def _separates(character: str) -> bool:
    return character.isspace() or character == ","
