"""Small processes with known answers, written out as tables."""

from __future__ import annotations

from fractions import Fraction

from hmmdsl.process.process import Process

HALF = Fraction(1, 2)


def process(
    name: str,
    states: tuple[str, ...],
    tokens: tuple[str, ...],
    arrows: list[tuple[str, str, str, Fraction]],
    start: tuple[Fraction, ...],
    given: bool = False,
) -> Process:
    """A process from arrows `(from, token, to, probability)`."""
    operators: list[dict[tuple[int, int], Fraction]] = [{} for _ in tokens]
    for source, token, target, value in arrows:
        operators[tokens.index(token)][states.index(source), states.index(target)] = value
    return Process(name, tokens, states, tuple(operators), start, "given" if given else "stationary")


def mess3(x: Fraction = Fraction(1, 20), alpha: Fraction = Fraction(17, 20)) -> Process:
    states = ("s[0]", "s[1]", "s[2]")
    tokens = ("t[0]", "t[1]", "t[2]")
    beta = (1 - alpha) / 2
    arrows = [
        (states[i], tokens[k], states[j], (1 - 2 * x if i == j else x) * (alpha if k == j else beta))
        for i in range(3)
        for j in range(3)
        for k in range(3)
    ]
    third = Fraction(1, 3)
    return process("mess3", states, tokens, arrows, (third, third, third))


def golden_mean(given: bool = False) -> Process:
    arrows = [("A", "0", "A", HALF), ("A", "1", "B", HALF), ("B", "0", "A", Fraction(1))]
    start = (Fraction(1), Fraction(0)) if given else (Fraction(2, 3), Fraction(1, 3))
    return process("golden_mean", ("A", "B"), ("0", "1"), arrows, start, given)


def coin() -> Process:
    return process("coin", ("A",), ("heads", "tails"), [("A", "heads", "A", HALF), ("A", "tails", "A", HALF)], (Fraction(1),))


def parentheses(depth: int) -> Process:
    states = tuple(f"d[{i}]" for i in range(depth + 1))
    arrows = [(states[i], "open", states[i + 1], HALF if i else Fraction(1)) for i in range(depth)]
    arrows += [(states[i], "close", states[i - 1], HALF if i < depth else Fraction(1)) for i in range(1, depth + 1)]
    weights = [Fraction(1)] + [Fraction(2)] * (depth - 1) + [Fraction(1)]
    return process("parentheses", states, ("open", "close"), arrows, tuple(weight / sum(weights) for weight in weights))
