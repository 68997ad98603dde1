"""Processes with known answers, built directly from their definitions in exact fractions."""

from __future__ import annotations

from fractions import Fraction

from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.stationary import stationary_distribution

HALF = Fraction(1, 2)
Arrows = dict[tuple[str, str, str], Scalar]
"""Probabilities by (from state, token, to state)."""


def process(name: str, tokens: str, states: str, arrows: Arrows, start: tuple[Scalar, ...] | None = None) -> Process:
    """A process from labelled arrows; tokens and states are words separated by spaces. Stationary start unless given."""
    token_names, state_names = tuple(tokens.split()), tuple(states.split())
    operators: list[dict[tuple[int, int], Scalar]] = [{} for _ in token_names]
    for (i, x, j), value in arrows.items():
        if value:
            operators[token_names.index(x)][state_names.index(i), state_names.index(j)] = value
    made = Process(name, token_names, state_names, tuple(operators), (), "stationary" if start is None else "given")
    begin = start if start is not None else stationary_distribution(made.transitions(), len(state_names))
    return Process(name, token_names, state_names, tuple(operators), begin, made.start_kind)


def zero_one_random(p: Scalar = HALF) -> Process:
    arrows: Arrows = {
        ("S0", "0", "S1"): Fraction(1),
        ("S1", "1", "SR"): Fraction(1),
        ("SR", "0", "S0"): p,
        ("SR", "1", "S0"): 1 - p,
    }
    return process("zero_one_random", "0 1", "S0 S1 SR", arrows)


def rrxor(p: Scalar = HALF, q: Scalar = HALF) -> Process:
    one = Fraction(1)
    arrows: Arrows = {
        ("S", "0", "S0"): p,
        ("S", "1", "S1"): 1 - p,
        ("S0", "0", "F"): q,
        ("S0", "1", "T"): 1 - q,
        ("S1", "0", "T"): q,
        ("S1", "1", "F"): 1 - q,
        ("T", "1", "S"): one,
        ("F", "0", "S"): one,
    }
    return process("rrxor", "0 1", "S S0 S1 T F", arrows)


def golden_mean(p: Scalar = HALF) -> Process:
    return process("golden_mean", "0 1", "A B", {("A", "0", "A"): 1 - p, ("A", "1", "B"): p, ("B", "0", "A"): Fraction(1)})


def even(p: Scalar = HALF) -> Process:
    return process("even", "0 1", "A B", {("A", "0", "A"): 1 - p, ("A", "1", "B"): p, ("B", "1", "A"): Fraction(1)})


def simple_nonunifilar(p: Scalar = HALF, q: Scalar = HALF) -> Process:
    arrows: Arrows = {("A", "0", "A"): 1 - p, ("A", "0", "B"): p, ("B", "0", "B"): 1 - q, ("B", "1", "A"): q}
    return process("simple_nonunifilar", "0 1", "A B", arrows)


def coin(p: Scalar = HALF) -> Process:
    return process("coin", "heads tails", "S", {("S", "heads", "S"): p, ("S", "tails", "S"): 1 - p})


def alternating_coins(p: Scalar = Fraction(1, 4)) -> Process:
    """Two biased coins taken in turn, started at an unknown one; the tokens' biases mirror each other, so states never merge."""
    arrows: Arrows = {("A", "0", "B"): p, ("A", "1", "B"): 1 - p, ("B", "0", "A"): 1 - p, ("B", "1", "A"): p}
    return process("alternating_coins", "0 1", "A B", arrows)


def mess3(x: Scalar = Fraction(5, 100), alpha: Scalar = Fraction(85, 100)) -> Process:
    beta, stay = (1 - alpha) / 2, 1 - 2 * x
    arrows: Arrows = {
        (str(i), str(k), str(j)): (stay if i == j else x) * (alpha if k == j else beta)
        for i in range(3)
        for j in range(3)
        for k in range(3)
    }
    return process("mess3", "0 1 2", "0 1 2", arrows)


def matching_parens(opens: tuple[Fraction, ...] = (Fraction(1), HALF, HALF)) -> Process:
    """Depth of nesting: at depth d open with opens[d], else close; the deepest closes with certainty."""
    deepest = len(opens)
    arrows: Arrows = {}
    for d, value in enumerate(opens):
        arrows[str(d), "(", str(d + 1)] = value
        if d:
            arrows[str(d), ")", str(d - 1)] = 1 - value
    arrows[str(deepest), ")", str(deepest - 1)] = Fraction(1)
    return process("matching_parens", "( )", " ".join(map(str, range(deepest + 1))), arrows)


def leaky(inner: Process, eps: Scalar) -> Process:
    """(1 - eps) T[x] + eps / (V S) at every entry of every matrix."""
    V, S = len(inner.tokens), len(inner.states)
    floor = eps / (V * S)
    arrows: Arrows = {
        (inner.states[i], x, inner.states[j]): (1 - eps) * inner.operators[k].get((i, j), Fraction(0)) + floor
        for k, x in enumerate(inner.tokens)
        for i in range(S)
        for j in range(S)
    }
    return process(f"leaky_{inner.name}", " ".join(inner.tokens), " ".join(inner.states), arrows)


ALL = (
    zero_one_random(),
    rrxor(),
    golden_mean(),
    even(),
    simple_nonunifilar(),
    coin(Fraction(1, 3)),
    alternating_coins(),
    mess3(),
    matching_parens(),
    leaky(rrxor(), Fraction(2, 100)),
)
