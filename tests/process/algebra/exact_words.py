"""Every word one by one, in fractions: slow, and plainly right."""

from __future__ import annotations

from fractions import Fraction

from hmmdsl.process.process import Process, Scalar


def exact_words(process: Process, length: int) -> dict[tuple[str, ...], Scalar]:
    """The probability of each word of this length that can occur."""
    words: dict[tuple[str, ...], dict[int, Scalar]] = {(): {i: value for i, value in enumerate(process.start) if value}}
    for _ in range(length):
        longer: dict[tuple[str, ...], dict[int, Scalar]] = {}
        for word, vector in words.items():
            for token, entries in zip(process.tokens, process.operators, strict=True):
                after: dict[int, Scalar] = {}
                for (i, j), value in entries.items():
                    if i in vector and value:
                        after[j] = after.get(j, Fraction(0)) + vector[i] * value
                if after:
                    longer[*word, token] = after
        words = longer
    return {word: sum(vector.values(), Fraction(0)) for word, vector in words.items()}


def is_process(process: Process) -> bool:
    """Whether rows and start sum to one and nothing is negative."""
    rows = [Fraction(0)] * len(process.states)
    for entries in process.operators:
        for (i, j), value in entries.items():
            assert value > 0
            assert 0 <= j < len(process.states)
            rows[i] += value
    return rows == [1] * len(rows) and sum(process.start) == 1 and min(process.start) >= 0
