"""Random hidden Markov models for laws that hold for every process."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from hmmdsl.process.process import Process, Scalar
from hmmdsl.process.stationary import closed_classes, stationary_distribution


@st.composite
def processes(draw: st.DrawFn, most_states: int = 4, most_tokens: int = 3, unifilar: bool = False) -> Process:
    """Sparse processes with small fractions, in a stationary start where it is unique, else started in the first state."""
    states = draw(st.integers(1, most_states))
    tokens = draw(st.integers(1, most_tokens))
    operators: list[dict[tuple[int, int], Scalar]] = [{} for _ in range(tokens)]
    for i in range(states):
        places = st.tuples(st.integers(0, tokens - 1), st.integers(0, states - 1))
        unique = (lambda place: place[0]) if unifilar else None
        chosen = draw(st.lists(places, min_size=1, max_size=4, unique_by=unique or (lambda place: place)))
        weights = [draw(st.integers(1, 5)) for _ in chosen]
        for (x, j), weight in zip(chosen, weights, strict=True):
            operators[x][i, j] = Fraction(weight, sum(weights))
    names = tuple(f"s[{i}]" for i in range(states))
    process = Process("random", tuple(str(x) for x in range(tokens)), names, tuple(operators), ())
    T = process.transitions()
    if len(closed_classes(T, states)) == 1:
        return Process(process.name, process.tokens, names, tuple(operators), stationary_distribution(T, states))
    start = (Fraction(1), *[Fraction(0)] * (states - 1))
    return Process(process.name, process.tokens, names, tuple(operators), start, "given")


def as_floats(process: Process) -> Process:
    """The same process with all numbers floats."""
    operators = tuple({place: float(value) for place, value in entries.items()} for entries in process.operators)
    start = tuple(float(value) for value in process.start)
    return Process(process.name, process.tokens, process.states, operators, start, process.start_kind)
